"""What producers and topics bring about; each is one injection, after which the system can go on."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence

from tests.faults.feeder import BadRecord
from tests.faults.run import FaultRun
from tests.faults.stream import MINUTE, StreamRecord
from tests.polling import wait_until
from tests.reference.brute_force import rfc3339
from tests.services.kafka_client import Record, producer, send_aborted

BURST = 10_000
_GARBAGE_BYTES = 2 * 1024 * 1024


def burst(run: FaultRun) -> None:
    """Let one customer have 10,000 events in one batch, within nine minutes of event time and in no order."""
    customer, newest = f"{run.system.namespace}/burst", run.feeder.newest
    records = []
    for time in run.dice.sample(range(newest - 9 * MINUTE, newest), BURST):
        body = {
            "customer_id": customer,
            "type": run.dice.choice(("share", "like", "unfollow")),
            "timestamp": rfc3339(time),
        }
        records.append(StreamRecord("social", None, json.dumps(body).encode(), ({"channel": "social", **body},)))
    run.feeder.insert("social", 0, records)


def year_2099(run: FaultRun) -> None:
    """Write a record of the year 2099."""
    body = {"customer_id": f"{run.system.namespace}/future", "type": "open", "timestamp": "2099-06-01T12:00:00Z"}
    record = StreamRecord("email", None, json.dumps(body).encode(), reason="timestamp_in_future")
    run.feeder.insert("email", run.dice.randrange(run.plan.partitions), [record])


def garbage(run: FaultRun) -> None:
    """Write two megabytes that are nothing."""
    value, reason = run.dice.choice(((b"\x00", "not_json"), (b"\xff", "invalid_utf8"), (b"x", "not_json")))
    topic, partition = run.system.topic("email"), run.dice.randrange(run.plan.partitions)

    async def write() -> int:
        async with producer(run.system.kafka) as client:
            place = await client.send_and_wait(topic, value * _GARBAGE_BYTES, partition=partition)
        return int(place.offset)

    run.feeder.bad[topic, partition, asyncio.run(write())] = BadRecord(value * _GARBAGE_BYTES, reason)


def aborted_transaction(run: FaultRun) -> None:
    """Write events in a transaction that is then aborted: nobody may see them."""
    channel = run.dice.choice(("clickstream", "email", "social"))
    body = {"customer_id": f"{run.system.namespace}/c1", "type": "open", "timestamp": rfc3339(run.feeder.newest)}
    records = [Record(json.dumps(body).encode(), secrets.token_bytes(8)) for _ in range(run.dice.randrange(1, 20))]
    partition, name = run.dice.randrange(run.plan.partitions), f"{run.system.namespace}-{secrets.token_hex(4)}"
    asyncio.run(send_aborted(run.system.kafka, run.system.topic(channel), partition, records, name))


def silence(run: FaultRun, places: Sequence[tuple[str, int]], idle_after: float) -> None:
    """Let nothing come from some partitions until they are idle, and see the clock go on without them; then go on.

    The stream runs slowly when they come back, as the lateness of the policy must outlast the moment until a worker
    has noticed it.
    """
    run.feeder.silence(*places)
    silent_since = run.feeder.newest
    # They hold the clock back until they are idle; from then on it goes past what they had.
    wait_until(lambda: evaluated(run) > silent_since + 10 * MINUTE, idle_after * 20)
    pace, run.feeder.pace = run.feeder.pace, 200
    wait_until(lambda: run.applied() >= run.feeder.sent - 500, 60)
    run.feeder.silence()
    run.wait_for_progress(1_000)
    run.feeder.pace = pace


def evaluated(run: FaultRun) -> int:
    """Return the latest time as of which a worker judges, in microseconds."""
    times = [worker.metric("engagement_evaluation_time_seconds") for worker in run.workers.running]
    return int(max(times, default=0) * 1e6)
