"""A consumer group that changes while events flow: scores, bands and alerts stay exact.

Twelve partitions for each topic, keyed by something else than the customer, so that every worker meets every customer.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.conftest import MakeSystem
from tests.polling import poll_until
from tests.reference import brute_force
from tests.reference.comparison import alert_differences, band_change_differences, judged_to_the_end, score_differences
from tests.services.kafka_client import Record, append_batches
from tests.services.log_reader import read_customers
from tests.services.system import System
from tests.services.worker import WorkerProcess

pytestmark = pytest.mark.slow

POLICY = """
version = "group-1"
[window]
length = "10d"
pane = "1d"
trend = "3d"
[bands]
disengaged = 0
engaged = 41
highly_engaged = 71
power = 101
[alerts]
rearm_margin = 5
cooldown = "2d"
[clock]
lateness = "0s"
idle_after = "2s"
[channels.clickstream]
topic = "NAMESPACE-clickstream"
weights = { page_view = 1, purchase = 20 }
cap = { page_view = 3 }
[channels.email]
topic = "NAMESPACE-email"
weights = { open = 0.5, click = 5, unsubscribe = -40, complaint = -60 }
[channels.social]
topic = "NAMESPACE-social"
weights = { comment = 4, impression = 0 }
cap = { comment = 2 }
"""
KINDS = {
    ("clickstream", "page_view"): 40,
    ("clickstream", "purchase"): 12,
    ("email", "open"): 15,
    ("email", "click"): 12,
    ("email", "unsubscribe"): 2,
    ("email", "complaint"): 1,
    ("social", "comment"): 12,
    ("social", "impression"): 6,
}
PARTITIONS = 12
START = 1_700_000_000 * 1_000_000
DAY = 86_400 * 1_000_000


def history(system: System, count: int, *, customers: int = 250, days: int = 45) -> list[dict[str, Any]]:
    """Make events in the order of their times, no two at the same: each customer is about for some days, then away."""
    dice = random.Random(20)
    active = {n: dice.random() < 0.5 for n in range(customers)}
    step = days * DAY // count
    events = []
    day = -1
    for number in range(count):
        time = START + number * step + dice.randrange(step)
        if time // DAY != day:
            day = time // DAY
            active = {n: (dice.random() < 0.9) == was for n, was in active.items()}
        who = dice.choice([n for n, here in active.items() if here])
        ((channel, kind),) = dice.choices(list(KINDS), list(KINDS.values()))
        body = {"channel": channel, "customer_id": system.customer(f"c{who}"), "type": kind}
        events.append({**body, "timestamp": brute_force.rfc3339(time), "event_id": f"e{number}"})
    return events


class Feed:
    """Writes events to random partitions, at a steady pace."""

    def __init__(
        self, system: System, events: Sequence[dict[str, Any]], seconds: float, partitions: int = PARTITIONS
    ) -> None:
        """Prepare; some events are written twice, as producers do."""
        self._system = system
        self._events = events
        self._seconds = seconds
        self._partitions = partitions
        self._dice = random.Random(21)
        #: Seconds between two beats; can be changed while it writes.
        self.pause = 0.1
        self.sent = 0

    async def run(self) -> None:
        """Write all."""
        beats = int(self._seconds / self.pause)
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with AIOKafkaProducer(
            bootstrap_servers=self._system.kafka, acks="all", max_batch_size=1 << 20
        ) as producer:
            for beat in range(beats):
                await asyncio.sleep(max(due - loop.time(), 0))
                due += self.pause
                until = len(self._events) * (beat + 1) // beats
                await asyncio.gather(
                    *[append_batches(producer, topic, batches) for topic, batches in self._batches(until)]
                )
                self.sent = until

    def _batches(self, until: int) -> Iterator[tuple[str, list[tuple[int, list[Record]]]]]:
        sorted_out: dict[str, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for body in self._events[self.sent : until]:
            for _ in range(2 if self._dice.random() < 0.02 else 1):
                record = Record(json.dumps(body).encode(), self._dice.randbytes(4))
                sorted_out[self._system.topic(body["channel"])][self._dice.randrange(self._partitions)].append(record)
        for topic, partitions in sorted_out.items():
            yield topic, list(partitions.items())

    async def reach(self, part: float) -> None:
        """Wait until a part of the events has been written."""
        await poll_until(lambda: self.sent >= part * len(self._events), self._seconds * 2)


async def run_and_compare(
    system: System, events: list[dict[str, Any]], feed: Feed, events_in_life: Callable[[], Any]
) -> None:
    """Let things happen to the workers while events flow; then compare with the brute force."""
    policy = brute_force.parse_policy((system.folder / f"{system.namespace}.toml").read_text())
    right = brute_force.evaluate_all(brute_force.histories(map(json.dumps, events), policy), policy)
    wanted = {row.customer_id: asdict(row) for row in right}
    flow = asyncio.create_task(feed.run())
    try:
        await events_in_life()
        await flow
    finally:
        flow.cancel()
    last = max(brute_force.micros(row["last_event_at"]) for row in wanted.values())
    await poll_until(lambda: judged_to_the_end(system.redis_url, system.namespace, len(wanted), last), 60)

    assert list(score_differences(wanted, read_customers(system.redis_url, system.namespace))) == []
    alerts, changes = await system.alerts(), await system.band_changes()
    assert alert_differences(wanted, alerts) == []
    assert band_change_differences(wanted, changes) == []
    kinds = Counter(alert["kind"] for alert in alerts)
    assert kinds["churn_risk"] > len(events) / 100
    assert kinds["recovered"] > len(events) / 150


async def lose_a_worker(system: System, feed: Feed) -> tuple[WorkerProcess, WorkerProcess]:
    """Feed two workers, kill one in the middle, start a third in its place; return the two that run."""
    first, second, third = (system.worker() for _ in range(3))
    first.start()
    second.start()
    await asyncio.to_thread(first.wait_ready)
    await asyncio.to_thread(second.wait_ready)
    writing = asyncio.create_task(feed.run())
    try:
        await feed.reach(0.4)
        first.kill()
        await start(third)
        await writing
    finally:
        writing.cancel()
    return second, third


async def lose_a_worker_and_redis(first: WorkerProcess, second: WorkerProcess, system: System, feed: Feed) -> None:
    """Start a second worker while events come, kill the first, and empty Redis."""
    await start(second)
    await feed.reach(1 / 3)
    first.kill()
    await feed.reach(2 / 3)
    keys = system.redis.scan_iter(match=f"{system.namespace}:*", count=1000)
    # At once, as a Redis that is restarted is empty at once.
    system.redis.delete(*[key for key in keys if not key.endswith("_format")])


async def start(worker: WorkerProcess) -> WorkerProcess:
    """Start a worker and wait until it is ready, while the events go on."""
    worker.start()
    await asyncio.to_thread(worker.wait_ready)
    return worker


async def test_workers_that_join_leave_and_die_lose_and_repeat_nothing(make_system: MakeSystem) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics(PARTITIONS)
    events = history(system, 30_000)
    feed = Feed(system, events, 15)
    first, second, third, fourth = (system.worker() for _ in range(4))
    first.start()
    second.start()
    await asyncio.to_thread(first.wait_ready)
    await asyncio.to_thread(second.wait_ready)

    async def life() -> None:
        await feed.reach(1 / 6)
        await start(third)
        await feed.reach(2 / 6)
        assert await asyncio.to_thread(first.stop) == 0
        await feed.reach(3 / 6)
        second.kill()
        await start(fourth)

    await run_and_compare(system, events, feed, life)
    assert await asyncio.to_thread(third.stop) == 0
    assert await asyncio.to_thread(fourth.stop) == 0


async def test_a_worker_that_wakes_up_after_its_session_changes_nothing(make_system: MakeSystem) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics(PARTITIONS)
    events = history(system, 15_000)
    feed = Feed(system, events, 11)
    sleeper, other = system.worker(), system.worker()
    sleeper.start()
    other.start()
    await asyncio.to_thread(sleeper.wait_ready)
    await asyncio.to_thread(other.wait_ready)

    async def life() -> None:
        await feed.reach(1 / 5)
        sleeper.send(signal.SIGSTOP)
        try:
            await feed.reach(7 / 8)
        finally:
            sleeper.send(signal.SIGCONT)

    await run_and_compare(system, events, feed, life)
    assert await asyncio.to_thread(other.stop) == 0


async def test_what_a_dead_worker_had_not_read_is_waited_for(make_system: MakeSystem) -> None:
    # So little traffic that a partition is usually read to its end when its worker dies.
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics(2)
    events = history(system, 600, customers=10)
    feed = Feed(system, events, 10, partitions=2)
    first, second = system.worker(), system.worker()
    first.start()
    second.start()
    await asyncio.to_thread(first.wait_ready)
    await asyncio.to_thread(second.wait_ready)

    async def life() -> None:
        await feed.reach(1 / 3)
        first.kill()

    await run_and_compare(system, events, feed, life)
