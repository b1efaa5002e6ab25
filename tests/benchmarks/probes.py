"""Marked customers whose one event takes them down: how long until its score is readable, and the alert.

Before, each marked customer gets events that make the score 48. The probe is an `unsubscribe` (-40), sent at a steady
pace whatever has come back of those before. Its score is readable when the hash in Redis has changed, which is asked
for every 2 ms, or every 2 % of the time that it has waited: to ask for all of them each time would take the more of the
machine the longer they wait, and so make them wait. Its alert is readable when a consumer of the alert topic is given
it. Both are counted from the moment before the producer is handed the event, so the way to the broker is included.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import orjson
import redis.asyncio as redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.store.redis.wire import call
from streams.topic_names import ALERTS
from tests.benchmarks.figures import percentile
from tests.polling import poll_until

_ASK_EVERY, _ASK_EVERY_SHARE = 0.002, 0.02
_LOST_AFTER = 15.0
_REPLIES = 6
_PREPARED = "48"
_PREPARE_SECONDS = 120.0


@dataclass
class Probe:
    """One: when it was sent, and when score and alert were there, in seconds; infinity for never.

    `next_look` is when the score is asked for next.
    """

    customer: str
    sent: float
    next_look: float = 0.0
    score: float = math.inf
    alert: float = math.inf


@dataclass(frozen=True)
class Latencies:
    """Of many probes, in milliseconds."""

    median: float
    ninety_ninth: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latencies:
        """Take them from single ones in seconds."""
        median, ninety_ninth, most = (percentile(seconds, percent) * 1000 for percent in (50, 99, 100))
        return cls(median, ninety_ninth, most)

    @classmethod
    def median_of(cls, rounds: Sequence[Latencies]) -> Latencies:
        """Take the median of each figure over rounds."""
        columns = zip(*((one.median, one.ninety_ninth, one.most) for one in rounds), strict=True)
        return cls(*(statistics.median(column) for column in columns))

    def cells(self) -> list[str]:
        """Write them for a table."""
        figures = (self.median, self.ninety_ninth, self.most)
        return [f"{figure:,.1f}" if figure < math.inf else "never" for figure in figures]


class Probes:
    """A context that sends probes and waits for what they cause."""

    def __init__(self, brokers: str, url: str, topic: str, namespace: str) -> None:
        """Prepare.

        Args:
            brokers: host:port.
            url: of Redis.
            topic: of e-mail events.
            namespace: of the keys.
        """
        self._topic = topic
        self._namespace = namespace
        self._client = redis.Redis.from_url(url, decode_responses=True)
        self._producer = AIOKafkaProducer(bootstrap_servers=brokers, acks=1, linger_ms=0)
        self._consumer = AIOKafkaConsumer(ALERTS, bootstrap_servers=brokers, auto_offset_reset="latest")
        self._by_customer: dict[str, Probe] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._unread: list[Probe] = []

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._producer.start()
        await self._consumer.start()
        # Where it starts is asked for at the first fetch, which must not be after the first alert.
        await poll_until(self._consumer.assignment)
        await self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            await self._consumer.position(partition)
        self._tasks = [asyncio.create_task(self._read_alerts()), asyncio.create_task(self._read_scores())]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._producer.stop()
        await self._consumer.stop()
        await self._client.aclose()

    async def prepare(self, customers: Sequence[str]) -> None:
        """Take customers up, and wait until their scores say so."""
        hour_ago = time.time() - 3_600
        for number in range(_REPLIES):
            for customer in customers:
                await self._producer.send(self._topic, *self._event(customer, "reply", hour_ago + number))
        await self._producer.flush()
        await poll_until(lambda: self._all_are_prepared(customers), _PREPARE_SECONDS)

    async def run(self, customers: Iterable[str], per_second: float) -> list[Probe]:
        """Send a probe for each prepared customer, and wait for all that they cause.

        Args:
            customers: who have been prepared, each to be used once.
            per_second: how many are sent.

        Returns:
            The probes; what has not come 15 s after the last one stays at infinity.
        """
        started = time.perf_counter()
        probes: list[Probe] = []
        for number, customer in enumerate(customers):
            await asyncio.sleep(started + number / per_second - time.perf_counter())
            key_and_value = self._event(customer, "unsubscribe", time.time())
            probe = self._by_customer[customer] = Probe(customer, time.perf_counter())
            probes.append(probe)
            self._unread.append(probe)
            await self._producer.send(self._topic, *key_and_value)
        deadline = time.perf_counter() + _LOST_AFTER
        while time.perf_counter() < deadline and any(max(one.score, one.alert) == math.inf for one in probes):
            self._raise_failures()
            await asyncio.sleep(0.05)
        self._unread.clear()
        return probes

    def _event(self, customer: str, kind: str, at: float) -> tuple[bytes, bytes]:
        event = {"customer_id": customer, "type": kind, "timestamp": at, "event_id": f"{customer}-{kind}-{at}"}
        return orjson.dumps(event), customer.encode()

    def _key(self, customer: str) -> str:
        return f"{self._namespace}:customer:{customer}"

    async def _all_are_prepared(self, customers: Sequence[str]) -> bool:
        self._raise_failures()
        pipeline = self._client.pipeline(transaction=False)
        for customer in customers:
            pipeline.hget(self._key(customer), "score")
        return set(await pipeline.execute()) == {_PREPARED}

    def _raise_failures(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def _read_alerts(self) -> None:
        async for record in self._consumer:
            now = time.perf_counter()
            probe = self._by_customer.get(orjson.loads(record.value)["customer_id"])
            if probe is not None and probe.alert == math.inf:
                probe.alert = now - probe.sent

    async def _read_scores(self) -> None:
        while True:
            now = time.perf_counter()
            asked = [probe for probe in self._unread if probe.next_look <= now]
            if asked:
                scores = await call(self._client, [["HGET", self._key(probe.customer), "score"] for probe in asked])
                now = time.perf_counter()
                for probe, score in zip(asked, scores, strict=True):
                    waited = now - probe.sent
                    probe.next_look = now + _ASK_EVERY_SHARE * waited
                    if score != _PREPARED:
                        probe.score = waited
                        self._unread.remove(probe)
            await asyncio.sleep(_ASK_EVERY)
