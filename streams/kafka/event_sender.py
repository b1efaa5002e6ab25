"""Sends records to Kafka in whole batches, all partitions in step with each other."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from streams.errors import BrokerUnavailable
from streams.kafka.producers import start_producer
from streams.settings.settings import Settings

#: Records sent before the first of them has to be acknowledged; with those being prepared, no partition is ever more
#: than twice as many records ahead of another.
ROUND = 10_000
_BATCH_BYTES = 1 << 19
_REQUEST_MILLISECONDS = 20_000


@lru_cache(maxsize=1 << 18)
def key_hash(key: bytes) -> int:
    """Hash a key as Kafka's ordinary producers do; the partition is the rest of it by the number of partitions.

    Args:
        key: of the record.

    Returns:
        Murmur2 without its sign.
    """
    return int(murmur2(key)) & 0x7FFFFFFF


class EventSender:
    """A producer that is given records in rounds.

    aiokafka's `send` costs a future for each record; batches that are filled here cost one for thousands. A round is
    prepared while the one before is on its way.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the brokers and how to get in.
        """
        self._settings = settings
        self._producer: AIOKafkaProducer
        self._partitions: dict[str, int] = {}
        self._filling: dict[tuple[str, int], list[Any]] = {}
        self._on_the_way: list[tuple[int, asyncio.Future[Any]]] = []
        self._keyless = 0
        self.prepared = 0
        self.delivered = 0

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerUnavailable: if no broker answers.
        """
        self._producer = await start_producer(
            self._settings, max_batch_size=_BATCH_BYTES, request_timeout_ms=_REQUEST_MILLISECONDS
        )
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Give up the connections."""
        await self._producer.stop()

    async def open_topics(self, topics: list[str]) -> None:
        """Learn how many partitions the topics have.

        Args:
            topics: that will be sent to; they exist.

        Raises:
            BrokerUnavailable: if the broker does not say.
        """
        try:
            for topic in topics:
                self._partitions[topic] = len(await self._producer.partitions_for(topic))
        except KafkaError as error:
            raise BrokerUnavailable(f"the broker does not tell the partitions of {topic}: {error}") from error

    def add(self, topic: str, key: bytes, value: bytes) -> bool:
        """Prepare one record.

        Args:
            topic: one of those opened.
            key: decides the partition; b'' for none, then partitions take turns.
            value: as it is to be stored.

        Returns:
            Whether the round is full and has to be sent.
        """
        count = self._partitions[topic]
        if key:
            partition = key_hash(key) % count
        else:
            self._keyless += 1
            partition = self._keyless % count
        batches = self._filling.get((topic, partition))
        if batches is None:
            batches = self._filling[topic, partition] = [self._producer.create_batch()]
        if batches[-1].append(key=key or None, value=value, timestamp=None) is None:
            batches.append(self._producer.create_batch())
            batches[-1].append(key=key or None, value=value, timestamp=None)
        self.prepared += 1
        return self.prepared >= ROUND

    async def send_round(self) -> None:
        """Send what is prepared, once the round before has arrived.

        Raises:
            BrokerUnavailable: if the broker has not taken a batch.
        """
        await self.settle()
        filling, self._filling, self.prepared = self._filling, {}, 0
        try:
            for (topic, partition), batches in filling.items():
                for batch in batches:
                    batch.close()
                    future = await self._producer.send_batch(batch, topic, partition=partition)
                    self._on_the_way.append((batch.record_count(), future))
        except KafkaError as error:
            raise self._refused(error) from error
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """Wait until everything on its way has arrived.

        Raises:
            BrokerUnavailable: if the broker has not taken a batch.
        """
        answers = await asyncio.gather(*(future for _, future in self._on_the_way), return_exceptions=True)
        sent, self._on_the_way = self._on_the_way, []
        failure: BaseException | None = None
        for (count, _), answer in zip(sent, answers, strict=True):
            if isinstance(answer, BaseException):
                failure = answer
            else:
                self.delivered += count
        if failure is not None:
            raise self._refused(failure) from failure

    def _refused(self, error: BaseException) -> BrokerUnavailable:
        return BrokerUnavailable(f"the broker has not accepted a batch: {error or type(error).__name__}")
