"""SIGTERM under load: the batch in hand is finished and committed, and nothing is applied twice."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.kafka_client import Record, send_batches
from tests.services.log_reader import read_customers
from tests.services.system import System, event, metric

pytestmark = pytest.mark.timeout(120)

PARTITIONS = 12
EVENTS, PER_BATCH = 240_000, 1_000
#: A worker finishes what it has fetched: some batches for each partition.
STOPS_WITHIN = 10.0


def batches(counts: Counter[str], system: System) -> Iterator[tuple[int, list[Record]]]:
    """Make batches for partitions in turn, of events without ids, so that each application shows; count them."""
    dice = random.Random(3)
    customers = [system.customer(f"c{number}") for number in range(400)]
    at = time.time() - 3600
    values = {customer: json.dumps(event(customer, "page_view", at)).encode() for customer in customers}
    for number in range(EVENTS // PER_BATCH):
        chosen = dice.choices(customers, k=PER_BATCH)
        counts.update(chosen)
        yield number % PARTITIONS, [Record(values[customer], dice.randbytes(4)) for customer in chosen]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_worker_stopped_under_load_leaves_nothing_half_done(
    make_system: MakeSystem, number: signal.Signals
) -> None:
    system = make_system(COUNTING)
    await system.create_topics(PARTITIONS)
    counts: Counter[str] = Counter()
    await send_batches(system.kafka, system.topic("clickstream"), batches(counts, system))
    ends = await system.log_ends()
    assert sum(ends.values()) == EVENTS

    first = system.worker()
    first.start()
    await poll_until(lambda: metric(first, "engagement_round_events_total") >= EVENTS / 20, 30)
    began = time.monotonic()
    first.send(number)
    assert first.process.wait(STOPS_WITHIN) == 0
    assert time.monotonic() - began < STOPS_WITHIN
    committed = await system.committed()
    done = sum(committed.values())
    assert EVENTS / 20 <= done < EVENTS, "the load was over before the stop"
    # What has been committed is what has been applied, by every group of customers.
    assert system.fences() == {tp: {offset} for tp, offset in committed.items()}

    with system.worker() as second:
        # Of the many points, the last ones may be seen only when the timer has looked.
        def points() -> int:
            return sum(int(fields["score"]) for fields in read_customers(system.redis_url, system.namespace).values())

        await poll_until(lambda: points() >= EVENTS, 60)
        assert metric(second, "engagement_events_total", outcome="read") == EVENTS - done
        assert metric(second, "engagement_round_events_total") == EVENTS - done
        assert second.stop() == 0
    customers = read_customers(system.redis_url, system.namespace)
    assert {customer: int(fields["score"]) for customer, fields in customers.items()} == counts
    assert await system.committed() == ends
    assert system.fences() == {tp: {offset} for tp, offset in ends.items()}


async def test_an_idle_worker_stops_promptly_and_leaves_the_group(make_system: MakeSystem) -> None:
    system = make_system(COUNTING, session_timeout=30)
    await system.create_topics(2)
    customer = system.customer("one")
    with system.worker() as worker:
        await system.send("clickstream", event(customer, "page_view"))
        await system.wait_for_score(customer, "1")
        began = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - began < 5
    # Had it not left, the next would have to wait for the session of 30 s to end.
    began = time.monotonic()
    with system.worker():
        await system.send("clickstream", event(customer, "page_view"))
        await system.wait_for_score(customer, "2")
        assert time.monotonic() - began < 15
