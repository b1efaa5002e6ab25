"""Customers whose scores fall by silence at a chosen moment, on the wall clock.

The window moves by the minute and is ten hours long, so that a boundary is never far. One purchase makes the score 50,
and it falls to 0 at the boundary at which the purchase's pane leaves the window.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Self

import orjson
import redis
from aiokafka import AIOKafkaConsumer

from streams.topic_names import ALERTS
from tests.benchmarks import product
from tests.benchmarks.system import NAMESPACE, PREFIX, System
from tests.benchmarks.workload import PARTITIONS, append
from tests.polling import poll_until, wait_until

PANE = 60
WINDOW = 10 * 3_600
_TOPIC = f"{PREFIX}clickstream"
_APPLIED_WITHIN = 1_800.0
_ASK_EVERY = 0.5


def policy_text() -> str:
    """Write the policy: the built-in one but for the window and the worth of a purchase."""
    changes = {
        'length = "30d"': f'length = "{WINDOW // 3_600}h"',
        'pane = "1d"': f'pane = "{PANE}s"',
        'trend = "7d"': f'trend = "{WINDOW // 3_600}h"',
        "purchase = 20": "purchase = 50",
    }
    text = product.policy_text(PREFIX)
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def boundary_after(moment: float) -> int:
    """Return the first pane boundary after a moment, Unix seconds; 180 after 120.5."""
    return (int(moment) // PANE + 1) * PANE


def leaves_at(boundary: int) -> float:
    """Return when something must have happened to leave the window at a boundary, Unix seconds."""
    return boundary - WINDOW + PANE / 2


def purchases(customers: Iterable[str], at: float) -> Iterable[tuple[str, bytes, bytes]]:
    """Make a purchase of each customer.

    Args:
        customers: their ids.
        at: Unix seconds.

    Yields:
        Topic, key and value.
    """
    for customer in customers:
        event = {"customer_id": customer, "type": "purchase", "timestamp": at, "event_id": customer}
        yield _TOPIC, customer.encode(), orjson.dumps(event)


def engaged(system: System) -> int:
    """Count the customers in the band that one purchase leads to."""
    with redis.Redis.from_url(system.url) as client:
        return int(client.zcard(f"{NAMESPACE}:band:engaged"))


def schedule(system: System, name: str, numbers: range, at: float) -> None:
    """Let customers buy, and wait until all have been scored and so scheduled.

    Args:
        system: which is measured.
        name: of the customers, before their numbers.
        numbers: of the customers.
        at: when they bought, Unix seconds.
    """
    wanted = engaged(system) + len(numbers)
    bought = purchases((f"{name}-{number:08}" for number in numbers), at)
    asyncio.run(append(system.brokers, iter(bought), PARTITIONS))
    deadline = time.monotonic() + _APPLIED_WITHIN
    while engaged(system) < wanted:
        assert system.worker.running, system.worker.log_tail()
        assert time.monotonic() < deadline, f"{engaged(system):,} of {wanted:,} scored"
        time.sleep(_ASK_EVERY)


class AlertCount:
    """A context that reads alerts as they are published."""

    def __init__(self, brokers: str, name: str) -> None:
        """Prepare.

        Args:
            brokers: host:port.
            name: of the customers that count, before their numbers.
        """
        self._consumer = AIOKafkaConsumer(ALERTS, bootstrap_servers=brokers, auto_offset_reset="latest")
        self._name = f"{name}-".encode()
        self.customers: set[bytes] = set()

    async def __aenter__(self) -> Self:
        """Start at the present end."""
        await self._consumer.start()
        await poll_until(self._consumer.assignment)
        for partition, end in (await self._consumer.end_offsets(self._consumer.assignment())).items():
            self._consumer.seek(partition, end)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def read_until(self, wanted: int, deadline: float) -> float:
        """Read alerts until so many customers have one.

        Args:
            wanted: customers.
            deadline: Unix seconds.

        Returns:
            When the last one was read, Unix seconds.
        """
        while len(self.customers) < wanted:
            assert time.time() < deadline, f"{len(self.customers):,} of {wanted:,} alerts"
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                self.customers |= {record.key for record in records if record.key.startswith(self._name)}
        return time.time()


def cpu_when(system: System, moment: float) -> Mapping[str, float]:
    """Wait for a moment, and tell how long each part has computed by then.

    Args:
        system: which is measured.
        moment: Unix seconds.

    Returns:
        CPU seconds.
    """
    wait_until(lambda: time.time() >= moment, max(moment - time.time(), 0) + 10)
    return system.cpu_seconds()
