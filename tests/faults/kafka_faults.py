"""Faults of the brokers; each is one injection, after which the system can go on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from streams.topic_names import ALERTS, BAND_CHANGES, DEAD_LETTERS
from tests.faults.run import POLICY, FaultRun
from tests.polling import wait_until
from tests.reference.brute_force import rfc3339
from tests.services.kafka import KafkaBroker
from tests.services.kafka.leaders import move_leaders
from tests.services.kafka_client import (
    Record,
    add_partitions,
    delete_records,
    log_ends,
    make_anew,
    producer,
    send_batches,
)
from tests.services.log_reader import read_customers, read_fences, read_report_times

#: While a broker is away some partitions may rest for longer than others; none is to be taken for idle.
PATIENT_POLICY = POLICY.read_text(encoding="utf-8").replace('idle_after = "10s"', 'idle_after = "10m"')

#: Microseconds after which a worker has asked for the partitions of its topics anew.
_METADATA_AGE = 6_000_000

#: A type of each channel that would change a score.
_TYPES = {"clickstream": "purchase", "email": "click", "social": "share"}


def crash_broker(run: FaultRun, broker: KafkaBroker) -> None:
    """Kill a broker with SIGKILL, and start it again on its data after up to three seconds."""
    broker.kill()
    time.sleep(run.dice.uniform(0, 3))
    broker.start()


def move_all_leaders(run: FaultRun) -> None:
    """Let another broker of a cluster lead every partition of the topics in use, that of the group's offsets too."""
    topics = [*run.system.topics, ALERTS, BAND_CHANGES, DEAD_LETTERS, "__consumer_offsets"]
    asyncio.run(move_leaders(run.system.kafka, topics))


def widen_topic(run: FaultRun, channel: str, partitions: int) -> None:
    """Give a channel's topic more partitions, and use them as soon as every worker knows of them.

    As long as one does not, its stream clock would go on without them, and their first events would be late.
    """
    topic = run.system.topic(channel)
    asyncio.run(add_partitions(run.system.kafka, topic, partitions))

    def reports() -> dict[tuple[str, int], int]:
        return read_report_times(run.store_url, run.system.namespace)

    wait_until(lambda: {(topic, number) for number in range(partitions)} <= reports().keys(), 60)
    known = max(reports().values())
    wait_until(lambda: min(reports().values()) > known + _METADATA_AGE, 60)
    run.feeder.widen(channel, partitions)


def drain(run: FaultRun) -> None:
    """Pause the feeder, and wait until everything that it has written has been applied."""
    run.feeder.pause()

    def all_applied() -> bool:
        ends = asyncio.run(log_ends(run.system.kafka, run.system.topics))
        return read_fences(run.store_url, run.system.namespace) == {place: {end} for place, end in ends.items() if end}

    wait_until(all_applied, 120)


def lose_records(run: FaultRun, places: Sequence[tuple[str, int]], count: int = 500) -> None:
    """Append events and delete them before any worker has seen them, as a retention shorter than an outage does.

    All workers are killed; the feeder is paused, so that nothing else is lost.

    Args:
        run: whose feeder goes on at the end.
        places: channel and number of each partition.
        count: records lost on each.
    """
    kafka = run.system.kafka
    # The lost events are those of customers who have a score; until the clock has come to the first event, nobody has.
    wait_until(lambda: bool(read_customers(run.store_url, run.system.namespace)), 60)
    drain(run)
    for worker in run.workers.running:
        worker.kill()
    for channel, number in places:
        lost = {
            "customer_id": run.dice.choice(sorted(read_customers(run.store_url, run.system.namespace))),
            "type": _TYPES[channel],
            "timestamp": rfc3339(run.feeder.newest),
        }
        records = [Record(json.dumps(lost).encode())] * count
        topic = run.system.topic(channel)
        asyncio.run(send_batches(kafka, topic, [(number, records)]))
        end = asyncio.run(log_ends(kafka, [topic]))[topic, number]
        asyncio.run(delete_records(kafka, topic, number, end))
    run.feeder.go_on()


def make_topic_anew(run: FaultRun, channel: str, gone_for: float) -> None:
    """Delete a channel's topic and create it again under running workers; the feeder goes on in the new log.

    Everything in the old one has been applied, so that nothing is lost.

    Args:
        run: whose workers read the topic.
        channel: of the topic.
        gone_for: seconds between the two; after two the workers have divided the other topics among them.
    """
    drain(run)
    asyncio.run(make_anew(run.system.kafka, run.system.topic(channel), run.plan.partitions, gone_for=gone_for))
    run.feeder.go_on()


def hang_transaction(run: FaultRun, channel: str, number: int, seconds: float) -> None:
    """Hold a transaction open on a partition that is written to all the time, then abort it.

    Its events would change scores; nobody may see them.
    """
    body = {
        "customer_id": run.dice.choice(sorted(read_customers(run.store_url, run.system.namespace))),
        "type": _TYPES[channel],
        "timestamp": rfc3339(run.feeder.newest),
    }

    async def hang() -> None:
        name = f"{run.system.namespace}-{channel}-{number}-{run.injected}"
        async with producer(run.system.kafka, transactional_id=name) as client:
            await client.begin_transaction()
            await client.send_and_wait(run.system.topic(channel), json.dumps(body).encode(), partition=number)
            await asyncio.sleep(seconds)
            await client.abort_transaction()

    asyncio.run(hang())


def end_by_itself(run: FaultRun) -> str:
    """Start a worker that has to end by itself; return what it says."""
    worker = run.workers.start()
    wait_until(lambda: not worker.running, 60)
    assert worker.process.returncode != 0
    return worker.log.read_text()
