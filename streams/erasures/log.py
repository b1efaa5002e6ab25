"""The topic of the erasures: read whole at the start, and followed.

Rests on decision 41.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.erasures.tombstone import Digests, Tombstone, decode_tombstone, encode_tombstone
from streams.errors import BrokerUnavailable, LogGap, TransientError
from streams.kafka.consumers import lone_consumer, stop_consumer
from streams.kafka.fetch_by_id import PinnedTopics, fetch_by_id
from streams.kafka.log_ends import end_offsets
from streams.kafka.patience import Patience
from streams.kafka.producers import start_producer
from streams.kafka.topic_range import partitions_of
from streams.kafka.topics import absent_message
from streams.settings.settings import Settings
from streams.topic_names import ERASURES

_POLL_MILLISECONDS = 500
_END_SECONDS = 5.0
_ANEW = (
    "{} was made anew: {} records have been read of it, and now it is another log under this name. Erase the "
    f"customers again, then go on with the new log: engagement gaps accept {ERASURES}/0"
)


class ErasureLog:
    """What has been read of the topic: the newest tombstone of each customer, and the next offset."""

    def __init__(self, settings: Settings) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the brokers and the key of the digests.
        """
        self._settings = settings
        self._partition = TopicPartition(settings.written(ERASURES), 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._pinned: PinnedTopics | None = None
        #: The id of the topic that has been read, '' where Kafka tells none.
        self.topic_id = ""
        self._reading = asyncio.Lock()
        self.digests = Digests(settings.erasure_key.word)
        self.tombstones: dict[str, Tombstone] = {}
        self.next_offset = 0

    async def catch_up(self) -> None:
        """Read up to the end of the topic, which exists.

        Raises:
            BrokerUnavailable: if Kafka does not answer.
            LogGap: if the topic ends before what has been read: it was made anew.
            WrongErasureKey: see `decode_tombstone`.
        """
        async with self._reading:
            try:
                await self._read(await self._connected())
            except (KafkaError, OSError) as error:
                await self._disconnect()
                raise BrokerUnavailable(f"Kafka does not tell what is erased: {await self._why(error)}") from error

    async def _why(self, error: BaseException) -> str:
        """Say why the topic could not be read: an error of the client does not tell that it is let in no more."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                there = await partitions_of(self._settings, self._partition.topic)
        except TransientError as reason:
            return str(reason)
        except TimeoutError:
            return repr(error)
        return repr(error) if there else absent_message(self._partition.topic)

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = self._consumer = lone_consumer(self._settings)
            self._pinned = fetch_by_id(consumer)
            await consumer.start()
            topic_id = (await self._pinned.pin([self._partition.topic]))[self._partition.topic]
            if self.next_offset and self.topic_id and topic_id not in ("", self.topic_id):
                raise LogGap(_ANEW.format(self._partition.topic, self.next_offset))
            self.topic_id = topic_id or self.topic_id
            consumer.assign([self._partition])
            consumer.seek(self._partition, self.next_offset)
        return self._consumer

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        # The client itself would try for much longer, and whoever waits would not know why.
        async with asyncio.timeout(_END_SECONDS):
            end = (await end_offsets(consumer, [self._partition]))[self._partition]
        if end < self.next_offset:
            read = f"{self.next_offset} records have been read of it, and it holds {end}"
            raise LogGap(f"{self._partition.topic} was made anew: {read}")
        patience = Patience()
        while self.next_offset < end or self._made_anew:
            if self._made_anew and not self.next_offset:
                # Nothing is remembered of the old one. The next look reads the new one.
                await self._disconnect()
                return
            if self._made_anew:
                raise LogGap(_ANEW.format(self._partition.topic, self.next_offset))
            found = await consumer.getmany(self._partition, timeout_ms=_POLL_MILLISECONDS)
            for record in found.get(self._partition, ()):
                self._take(record.key, record.value, record.offset)
            self.next_offset = await consumer.position(self._partition)
            patience.note(self.next_offset)

    @property
    def _made_anew(self) -> bool:
        return self._pinned is not None and bool(self._pinned.made_anew)

    def _take(self, key: bytes | None, value: bytes | None, offset: int) -> None:
        if key is None:
            return
        if value is None:
            self.tombstones.pop(key.decode(), None)
            return
        tombstone = decode_tombstone(key, value, offset, self.digests)
        self.tombstones[tombstone.digest] = tombstone

    async def append(self, tombstone: Tombstone) -> int:
        """Publish a tombstone.

        Args:
            tombstone: takes the place of an earlier one of the same customer.

        Returns:
            Its offset.

        Raises:
            BrokerUnavailable: if Kafka has not accepted it.
        """
        producer = await start_producer(self._settings)
        try:
            key, value = tombstone.digest.encode(), encode_tombstone(tombstone, self.digests)
            sent = await producer.send_and_wait(
                self._partition.topic, value, key=key, partition=self._partition.partition
            )
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka has not accepted an erasure: {error!r}") from error
        finally:
            await producer.stop()
        return int(sent.offset)

    async def close(self) -> None:
        """Give up the connection."""
        await self._disconnect()

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        closing = asyncio.ensure_future(stop_consumer(consumer))
        await asyncio.wait([closing], timeout=_END_SECONDS)
        if not closing.done():
            closing.cancel()
        elif not closing.cancelled():
            error = closing.exception()
            if error is not None and not isinstance(error, KafkaError | OSError):
                raise error


async def read_erasures(settings: Settings) -> ErasureLog:
    """Read the topic once.

    Args:
        settings: name the brokers and the key of the digests.

    Returns:
        What is in it; nothing if there is no such topic.

    Raises:
        BrokerUnavailable: if Kafka does not answer.
    """
    log = ErasureLog(settings)
    if await partitions_of(settings, settings.written(ERASURES)):
        try:
            await log.catch_up()
        finally:
            await log.close()
    return log
