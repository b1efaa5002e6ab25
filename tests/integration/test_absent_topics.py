"""Commands on a Kafka in which no topic has been made yet."""

from __future__ import annotations

from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH
from tests.services.discovery import embedded_kafka

COMMANDS = {
    ("dead-letters", "list"): "",
    ("gaps", "show"): "No gaps",
}


def test_what_reads_topics_finds_nothing_where_there_are_none(make_system: MakeSystem, embedded_redis_url: str) -> None:
    with embedded_kafka() as kafka:
        system = make_system(MONTH, kafka=kafka, redis_url=embedded_redis_url)
        for command, says in COMMANDS.items():
            status, said = system.command(*command)
            assert status == 0, said
            assert says in said
            assert "Traceback" not in said
