"""Sources that bring nothing any more, or nothing that is of use, are reported by their names."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from tests.integration.conftest import MakeSystem
from tests.polling import poll_until
from tests.services.kafka_client import Record
from tests.services.system import System, metric

POLICY = """
[channels.email]
topic = "NAMESPACE-email"
weights = { open = 1 }
"""
SOURCE = """
[sources.{name}]
topic = "NAMESPACE-{topic}"
channel = "email"
customer = "who"
type = "what"
time = "when"
{more}
"""


def source(name: str, topic: str, more: str = 'silence_after = "4s"') -> str:
    """Write a source."""
    return SOURCE.format(name=name, topic=topic, more=more)


def opened(customer: str, **fields: Any) -> Record:
    """Write an event of now."""
    return Record(json.dumps({"who": customer, "what": "open", "when": time.time(), **fields}).encode())


async def notices(system: System) -> list[tuple[str, str, str]]:
    """Read what was told, as kind, channel and source."""
    return [(each["kind"], each["channel"], each["source"]) for each in await system.feed_alerts()]


@pytest.mark.parametrize("topics", [("mail", "ses"), ("both", "both")])
async def test_a_source_that_stops_is_reported_by_its_name_while_its_channel_goes_on(
    make_system: MakeSystem, topics: tuple[str, str]
) -> None:
    by_kind = [f'silence_after = "4s"\nwhen = {{ by = "{name}" }}' for name in ("mail", "ses")]
    sources = [source(*each) for each in zip(("mail", "ses"), topics, by_kind, strict=True)]
    system = make_system(POLICY + "".join(sources), session_timeout=6)
    await system.create_topics(partitions=1)
    anna, ben = system.customer("anna"), system.customer("ben")
    mail, ses = topics
    with system.worker() as worker:
        await system.send_raw(mail, [opened(anna, by="mail")])
        await system.wait_for_score(anna, "1")
        silent = ("feed_silent", "email", "mail")
        for _ in range(40):
            await system.send_raw(ses, [opened(ben, by="ses")])
            if await notices(system):
                break
            await asyncio.sleep(1)
        assert await notices(system) == [silent]
        assert metric(worker, "engagement_feed_silent", channel="email", source="mail") == 1
        assert metric(worker, "engagement_feed_silent", channel="email", source="") == 0

        await system.send_raw(mail, [opened(anna, by="mail")])
        await system.send_raw(ses, [opened(ben, by="ses")])

        async def is_back() -> bool:
            return ("feed_back", "email", "mail") in await notices(system)

        await poll_until(is_back, 30)


async def test_a_source_that_leaves_everything_out_is_reported_by_its_name(make_system: MakeSystem) -> None:
    wrong = source("wrong", "both", 'when = { by = "nobody" }')
    system = make_system(POLICY + source("right", "both", "") + wrong, session_timeout=6)
    await system.create_topics(partitions=1)
    anna = system.customer("anna")
    with system.worker(("tests.integration.worker_with_short_hour",)) as worker:
        told = f"the source wrong has left out all records of {system.topic('both')}"
        for sent in range(1, 60):
            await system.send_raw("both", [opened(anna)])
            await system.wait_for_score(anna, str(sent))
            if told in worker.log.read_text():
                break
            await asyncio.sleep(0.5)
        log = worker.log.read_text()
        assert log.count(told) == 1
        assert "the source right has left out" not in log
        assert sent > 2
