"""Each codec of Kafka is read: as producers choose it, and as a topic asks the broker for it."""

from __future__ import annotations

import asyncio
import time

import pytest

from streams.topic_names import ERASURES, SHADOW_TOPICS, WRITTEN_TOPICS
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import Record, send_batches, set_topic
from tests.services.system import System, event, event_record

CODECS = ["gzip", "snappy", "lz4", "zstd"]
AT = time.time() - 3600


@pytest.mark.parametrize("codec", CODECS)
async def test_what_a_producer_compresses_is_scored(make_system: MakeSystem, codec: str) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("compressed")
    records = [event_record(event(customer, "page_view", AT)) for _ in range(500)]
    await send_batches(system.kafka, system.topic("clickstream"), [(0, records)], compression_type=codec)
    with system.worker() as worker:
        await system.wait_for_score(customer, "500")
        # A worker that has scored must also have acknowledged, and go on.
        await system.send("clickstream", event(customer, "page_view", AT))
        await system.wait_for_score(customer, "501")
        assert worker.running


@pytest.mark.parametrize("codec", CODECS)
async def test_topics_that_the_broker_compresses_are_read_by_worker_and_commands(
    make_system: MakeSystem, own_kafka: KafkaBroker, codec: str
) -> None:
    system = make_system(COUNTING, kafka=own_kafka.bootstrap)
    await system.create_topics()
    for topic in (*system.topics, *set(WRITTEN_TOPICS).difference(SHADOW_TOPICS)):
        cleanup = {"cleanup.policy": "compact"} if topic == ERASURES else {}
        await set_topic(system.kafka, topic, {"compression.type": codec, **cleanup})
    await use_all_topics(system)


async def use_all_topics(system: System) -> None:
    """Have topics written and read: events, alerts, dead letters sent again, erasures after a restart."""
    customer, erased = system.customer("stays"), system.customer("goes")
    letters = ("--topic", system.topic("clickstream"))

    async def run(*arguments: str, status: int = 0) -> str:
        return (await asyncio.to_thread(run_command, system.environment, *arguments, status=status)).stdout

    with system.worker():
        views = [event_record(event(who, "page_view", AT)) for who in (customer, erased) for _ in range(60)]
        await system.send_raw("clickstream", [*views, Record(b"no JSON")])
        await system.wait_for_score(customer, "60")
        await system.send("clickstream", event(customer, "drop", AT))
        assert (await system.wait_for_alerts(customer, 1))[0]["kind"] == "churn_risk"
        assert "churn_risk" in await run("alerts", "--from-beginning", "--json", "--limit", "1")
        await poll_until(system.dead_letters)
        assert "not_json" in await run("dead-letters", "list", *letters)
        await run("dead-letters", "replay", *letters)
        await poll_until(lambda: two_letters(system))
        await run("erase", erased, "--yes")
        await run("rebuild", "--dry-run")
    with system.worker():
        await system.send("clickstream", event(erased, "page_view", AT), event(customer, "page_view", AT))
        await system.wait_for_score(customer, "-39")
        assert not system.fields(erased)


async def two_letters(system: System) -> bool:
    """Return whether the dead letter that was sent again has come back."""
    return len(await system.dead_letters()) == 2
