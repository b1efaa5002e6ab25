"""Writes records to Kafka, and says when Kafka has them.

Rests on decision 88.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.errors import BrokerUnavailable, RequestRefused
from streams.kafka.access import check_rights
from streams.kafka.producers import start_producer, stop_producer
from streams.kafka.topics import MOST_RECORD_BYTES, ensure_topics
from streams.receiver.limits import Backlog
from streams.settings.settings import Settings

#: How long an answer waits for Kafka, in seconds.
ACKNOWLEDGED_WITHIN = 15.0
#: How long records are kept for Kafka whose clients have been sent away.
PATIENCE = 60.0
#: How long a producer may take to stop.
CLOSED_WITHIN = 5.0
_LINGER_MS = 5
_REQUEST_MS = 20_000
_TOO_LARGE = 413


class OutRecord(NamedTuple):
    """A record to be written."""

    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Delivery:
    """A producer whose records are counted in the backlog until Kafka has them, however long that takes."""

    def __init__(self, settings: Settings, topics: Sequence[str], backlog: Backlog) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the brokers and how to get in.
            topics: that are written to.
            backlog: counts.
        """
        self._settings, self._topics, self._backlog = settings, list(topics), backlog
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._pending: dict[asyncio.Task[None], float] = {}

    async def open(self) -> bool:
        """Connect, and create the topics that are absent.

        Returns:
            True.

        Raises:
            AccessDenied: if Kafka does not let this user in, write, or create what is absent.
            BrokerUnavailable: if Kafka does not answer.
        """
        await check_rights(self._settings, {"Write": self._topics})
        await ensure_topics(self._settings, topics=self._topics)
        await self._connected()
        return True

    @property
    def stuck(self) -> bool:
        """Whether Kafka has left something unacknowledged for longer than an answer waits."""
        oldest = next(iter(self._pending.values()), None)
        return oldest is not None and time.monotonic() - oldest > ACKNOWLEDGED_WITHIN

    async def write(self, topic: str, records: Sequence[OutRecord]) -> None:
        """Write records, and wait until every one is in Kafka.

        Args:
            topic: one of those that are written to.
            records: in this order where they have one key.

        Raises:
            AccessDenied: if Kafka does not let this user in any more.
            BrokerUnavailable: if Kafka has not taken all of them in time. They may yet be stored.
            RequestRefused: if the backlog is full, or one of them is larger than the topic takes.
        """
        size = sum(len(record.value) for record in records)
        self._backlog.add(size)
        task = asyncio.create_task(self._send(topic, records))
        self._pending[task] = time.monotonic()
        task.add_done_callback(lambda done: self._settled(done, size))
        await asyncio.wait([task], timeout=ACKNOWLEDGED_WITHIN)
        if not task.done():
            raise BrokerUnavailable(f"Kafka has not acknowledged within {ACKNOWLEDGED_WITHIN:g} s")
        await task

    async def close(self) -> None:
        """Give up what nobody waits for any more, and the connections."""
        for task in list(self._pending):
            task.cancel()
        if self._producer is not None:
            self._retire(self._producer)
        await asyncio.gather(*self._retiring)

    async def _send(self, topic: str, records: Sequence[OutRecord]) -> None:
        producer = await self._connected()
        sent: list[asyncio.Future[Any]] = []
        failure: BaseException | None = None
        try:
            for key, value, headers in records:
                # One by one, as those before one that fails are on their way.
                sent.append(await producer.send(topic, value, key, headers=list(headers)))
            # The client has its own deadline, but neither an idempotent one nor one whose sender has died keeps it.
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError) as error:
            failure = error
        for future in sent:
            # What failed besides is the same fault.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
        if isinstance(failure, MessageSizeTooLargeError):
            raise RequestRefused(_TOO_LARGE, "too_large", f"a record is larger than the topic {topic} takes")
        if failure is not None:
            # A producer that has failed once may refuse everything from then on, so the next attempt makes a new one.
            self._retire(producer)
            raise BrokerUnavailable(f"Kafka has not acknowledged: {failure!r}") from failure

    async def _connected(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                self._producer = await start_producer(
                    self._settings,
                    linger_ms=_LINGER_MS,
                    request_timeout_ms=_REQUEST_MS,
                    max_request_size=2 * MOST_RECORD_BYTES,
                )
            return self._producer

    def _retire(self, producer: AIOKafkaProducer) -> None:
        if self._producer is not producer:
            return
        self._producer = None
        task = asyncio.create_task(stop_producer(producer, CLOSED_WITHIN))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def _settled(self, task: asyncio.Task[None], size: int) -> None:
        self._pending.pop(task, None)
        self._backlog.take_away(size)
        if not task.cancelled():
            # Whoever waited has had it; who waits no longer has had another answer.
            task.exception()
