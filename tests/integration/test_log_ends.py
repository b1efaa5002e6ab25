"""Where logs end, told by each broker that the service runs on: no record of the last batch is left out."""

from __future__ import annotations

import asyncio

import pytest

from streams.kafka.topic_follower import tail_topics
from streams.kafka.topic_range import log_ranges, open_range
from streams.records import Partition
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.kafka_client import Record, producer
from tests.services.system import System


@pytest.fixture(params=["kafka_bootstrap", "embedded_kafka_bootstrap"])
def system(request: pytest.FixtureRequest, make_system: MakeSystem) -> System:
    """Give a system on each broker in turn."""
    return make_system(COUNTING, kafka=request.getfixturevalue(request.param), session_timeout=6)


async def test_all_records_of_the_last_batch_are_before_the_end(system: System) -> None:
    await system.create_topics(3)
    topic = system.topic("clickstream")
    for size in (1, 2, 7):
        await system.send_raw("clickstream", [Record(b"%d" % number) for number in range(size)], partition=size % 3)
    assert await log_ranges(system.settings, [topic]) == {
        Partition(topic, 0): (0, 0),
        Partition(topic, 1): (0, 8),
        Partition(topic, 2): (0, 2),
    }
    async with open_range(system.settings, topic) as opened:
        values = [record.value async for records in opened.batches() for record in records]
        assert (len(values), opened.length, opened.passed) == (10, 10, 10)


async def test_who_follows_a_topic_from_now_on_is_told_nothing_of_the_last_batch(system: System) -> None:
    await system.create_topics(1)
    await system.send_raw("clickstream", [Record(b"before %d" % number) for number in range(7)])
    async with tail_topics(system.settings, [system.topic("clickstream")], from_beginning=False) as records:
        await system.send_raw("clickstream", [Record(b"new")])
        async with asyncio.timeout(30):
            assert (await anext(records)).value == b"new"


async def test_bad_records_of_one_batch_are_all_listed(system: System) -> None:
    await system.create_topics(1)
    with system.worker() as worker:
        await system.send_raw("clickstream", [Record(b"bad %d" % number) for number in range(7)])

        async def written() -> bool:
            return len(await system.dead_letters()) == 7

        await poll_until(written, 30)
        assert worker.stop() == 0
    status, text = await asyncio.to_thread(
        system.command, "dead-letters", "list", "--topic", system.topic("clickstream")
    )
    assert (status, "7 dead letters: not_json 7" in text) == (0, True), text


@pytest.mark.beyond_embedded_kafka("has no transactions")
async def test_the_end_for_committed_readers_is_the_first_open_transaction(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic = system.topic("clickstream")
    await system.send_raw("clickstream", [Record(b"1")] * 3)
    async with producer(system.kafka, transactional_id=system.namespace) as client:
        await client.begin_transaction()
        await client.send_and_wait(topic, b"open", partition=0)
        async with open_range(system.settings, topic) as opened:
            assert opened.length == 3
        # What is about to be erased may stand in it.
        assert await log_ranges(system.settings, [topic]) == {Partition(topic, 0): (0, 4)}
        await client.abort_transaction()
