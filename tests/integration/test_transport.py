"""The record-batch consumer on a real broker: gaps in the log, ways back, records deleted, partitions added."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterator

import pytest

from streams.embedded import EmbeddedRedis
from tests.integration.conftest import MakeSystem
from tests.integration.flow import Flow
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import (
    Record,
    add_partitions,
    admin,
    create_topic,
    delete_records,
    make_anew,
    send_aborted,
    send_batches,
    set_topic,
)
from tests.services.log_reader import read_topic
from tests.services.redis import local_redis
from tests.services.system import event, event_record, metric, wait_for_metric
from tests.services.worker import WorkerProcess

AT = time.time() - 3600
ENDS_WITHIN = 30.0


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    """Give a Redis server of one's own."""
    with local_redis() as server:
        yield server


def views(customer: str, count: int) -> list[Record]:
    """Write events without ids, so that each application shows."""
    return [event_record(event(customer, "page_view", AT)) for _ in range(count)]


async def wait_for_end(worker: WorkerProcess) -> int:
    """Wait until a worker ends by itself; return the exit status."""
    return int(await asyncio.to_thread(worker.process.wait, ENDS_WITHIN))


async def test_gaps_of_aborted_transactions_and_of_compaction_are_no_loss(
    make_system: MakeSystem, own_kafka: KafkaBroker
) -> None:
    system = make_system(COUNTING, kafka=own_kafka.bootstrap)
    kafka, topic = system.kafka, system.topic("clickstream")
    compacted = {"cleanup.policy": "compact", "segment.ms": "50", "min.cleanable.dirty.ratio": "0.01"}
    await create_topic(kafka, topic, 2, compacted)
    await system.create_topics()
    customer = system.customer("counted")
    counted = 0

    async def send(partition: int, count: int, key: str) -> None:
        nonlocal counted
        counted += count
        body = json.dumps(event(customer, "page_view", AT)).encode()
        records = [Record(body, f"{key}-{number}".encode()) for number in range(count)]
        await send_batches(kafka, topic, [(partition, records)])

    async def abort(partition: int, count: int, name: str) -> None:
        await send_aborted(kafka, topic, partition, views(customer, count), f"{system.namespace}-{name}")

    # Partition 0: aborted, committed, aborted, committed, aborted.
    for number in range(2):
        await abort(0, 3, f"first-{number}")
        await send(0, 5, f"kept-{number}")
    await abort(0, 2, "tail")
    # Partition 1: the later records replace the earlier ones, which the cleaner takes away.
    for _ in range(4):
        await send(1, 10, "same")
        await send(1, 1, f"alone-{counted}")

    async def cleaned() -> bool:
        # Only closed segments are cleaned, and only an append closes one.
        await send(1, 1, "same")
        return sum(record.partition == 1 for record in await read_topic(kafka, topic)) <= 10 + 4 + 3

    await poll_until(cleaned, 30)
    await set_topic(kafka, topic, {"cleanup.policy": "delete"})
    records = await read_topic(kafka, topic)
    last = {number: max(record.offset for record in records if record.partition == number) for number in (0, 1)}
    ends = await system.log_ends()
    assert ends[topic, 0] > last[0] + 1, "the log should end with a gap"
    score = len(records)
    assert score < counted

    with system.worker() as worker:
        await system.wait_for_score(customer, str(score))
        # A gap arrives at the end while the worker waits there, then a record behind it.
        await abort(0, 4, "later")
        await abort(1, 4, "later")
        await send(0, 1, "behind")
        await system.wait_for_score(customer, str(score + 1))
        # Read to the end, although the last offsets hold nothing that could be applied.
        await abort(0, 1, "last")
        await poll_until(lambda: metric(worker, "engagement_lag_seconds", topic=topic) < 5, 30)
        assert worker.stop() == 0
    records = await read_topic(kafka, topic)
    last = {number: max(record.offset for record in records if record.partition == number) for number in (0, 1)}
    assert await system.committed() == {(topic, number): offset + 1 for number, offset in last.items()}
    with system.worker() as worker:
        await send(0, 2, "after")
        await send(1, 2, "after")
        await system.wait_for_score(customer, str(score + 5))
        await wait_for_metric(4, worker, "engagement_events_total", outcome="read")


async def test_after_a_flush_the_scores_are_made_again_from_the_log(
    make_system: MakeSystem, own_redis: EmbeddedRedis
) -> None:
    system = make_system(COUNTING, redis_url=own_redis.url)
    await system.create_topics(12)
    dropped = system.customer("dropped")
    flow = Flow(system, partitions=12, pause=0.005)
    with system.worker() as worker:
        await system.send_raw("clickstream", views(dropped, 50))
        await system.send("clickstream", event(dropped, "drop", AT + 60), event(dropped, "page_view", AT + 61))
        await system.wait_for_score(dropped, "-49")
        (alert,) = await system.wait_for_alerts(dropped, 1)
        flowing = asyncio.create_task(flow.run())
        try:
            # While batches are in hand and being fetched; sometimes the way back is not finished at the next flush.
            for part in range(12):
                await flow.go_on(500 + 150 * part)
                system.redis.flushall()
                if part % 5 == 0:
                    system.redis.function_flush()
            await flow.go_on(500)
            flow.stop()
            await flowing
        finally:
            flowing.cancel()
        await flow.wait_until_exact()
        await system.wait_for_score(dropped, "-49")

        async def repeated() -> bool:
            return len(await system.alerts(dropped)) >= 2

        await poll_until(repeated, 30)
        assert {again["alert_id"] for again in await system.alerts()} == {alert["alert_id"]}
        assert len({change["change_id"] for change in await system.band_changes(dropped)}) == 2
        assert worker.status("/ready") == 200
        assert worker.stop() == 0
    assert await system.committed() == {tp: end for tp, end in (await system.log_ends()).items() if end}


@pytest.mark.beyond_embedded_kafka("cannot delete records")
async def test_records_missing_from_the_log_end_the_worker(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("cut")
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 10))
        await system.wait_for_score(customer, "10")
        # Deleted after they were applied: no gap.
        await delete_records(system.kafka, topic, 0, 10)
        await system.send_raw("clickstream", views(customer, 1))
        await system.wait_for_score(customer, "11")

        worker.send(signal.SIGSTOP)
        for _ in range(20):
            await system.send_raw("clickstream", views(customer, 1))
        await delete_records(system.kafka, topic, 0, 21)
        worker.send(signal.SIGCONT)
        assert await wait_for_end(worker) != 0
        text = worker.log.read_text()
        assert f"{topic}[0]: the next record to apply has offset" in text
        assert "the log now starts at 21:" in text
        assert "offsets were deleted before they were applied" in text
    applied = int(system.fields(customer)["score"])
    assert applied < 21
    assert system.fences() == {(topic, 0): {applied}}
    second = system.worker()
    second.start()
    assert await wait_for_end(second) != 0
    assert f"the next record to apply has offset {applied}, but the log now starts at 21: {21 - applied} offsets" in (
        second.log.read_text()
    )
    assert int(system.fields(customer)["score"]) == applied

    # An operator who accepts the gap loses what was deleted, and nothing else.
    label = f"{topic}/0"
    assert await asyncio.to_thread(system.command, "gaps", "accept", topic) == (
        1,
        f"Error: nothing is accepted\n  {topic} has no gap\n",
    )
    status, text = system.command("gaps", "show")
    assert status == 1
    assert f"{label}  next to apply is offset {applied}, the log starts at 21: {21 - applied} offset" in text
    status, text = system.command("gaps", "accept", label)
    assert status == 0, text
    assert system.command("gaps", "show")[0] == 0
    await system.send_raw("clickstream", views(customer, 2))
    total = applied + 10 + 2
    with system.worker() as third:
        await system.wait_for_score(customer, str(total))
        assert third.stop() == 0


async def test_a_topic_made_anew_ends_the_worker_until_an_operator_accepts_it(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("anew")
    label = f"{topic}/0"
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 10))
        await system.wait_for_score(customer, "10")
        assert worker.stop() == 0
    await make_anew(system.kafka, topic)
    await system.send_raw("clickstream", views(customer, 3))
    second = system.worker()
    second.start()
    assert await wait_for_end(second) != 0
    assert f"the topic was made anew. To go on with the new log: engagement gaps accept {label}" in (
        second.log.read_text()
    )
    assert system.score(customer) == "10"

    status, text = await asyncio.to_thread(system.command, "gaps", "accept", "--all")
    assert (status, f"{label}  applied up to offset 10, but the log ends at 3" in text) == (0, True)
    with system.worker() as third:
        await system.wait_for_score(customer, "13")
        await system.send_raw("clickstream", views(customer, 1))
        await system.wait_for_score(customer, "14")
        assert third.stop() == 0


@pytest.mark.beyond_embedded_kafka("creates a topic that is asked about")
async def test_a_source_topic_that_is_deleted_is_told_and_its_successor_has_to_be_accepted(
    make_system: MakeSystem,
) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("deleted")
    worker = system.worker()
    worker.start()
    await asyncio.to_thread(worker.wait_ready)
    await system.send_raw("clickstream", views(customer, 10))
    await system.wait_for_score(customer, "10")
    async with admin(system.kafka) as client:
        await client.delete_topics([topic])
    await poll_until(lambda: f"topic {topic} does not exist" in worker.get("/ready")[1], 30)
    assert worker.status("/health") == 200

    await create_topic(system.kafka, topic, 1)
    assert await wait_for_end(worker) != 0
    assert "the topic was made anew" in worker.log.read_text()
    assert system.score(customer) == "10"


@pytest.mark.beyond_embedded_kafka("cannot add partitions")
async def test_partitions_added_while_running_are_read_from_their_start(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics(2)
    topic, customer = system.topic("clickstream"), system.customer("spread")
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 5))
        await system.wait_for_score(customer, "5")
        await add_partitions(system.kafka, topic, 4)
        for partition in range(4):
            await system.send_raw("clickstream", views(customer, 10), partition=partition)
        await system.wait_for_score(customer, "45", within=30)
        await system.send_raw("clickstream", views(customer, 1), partition=3)
        await system.wait_for_score(customer, "46")
        assert worker.stop() == 0
    assert await system.committed() == {(topic, 0): 15, (topic, 1): 10, (topic, 2): 10, (topic, 3): 11}
