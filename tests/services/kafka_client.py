"""Writes to and asks a broker, with clients that share no code with the product."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.kafka.log_ends import end_offsets
from tests.polling import poll_until

#: Larger than any record that a topic of the product takes.
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """What is written: a key, a value, headers; appended at a time (Unix seconds; None: now)."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    at: float | None = None


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect an admin client."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=20_000)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def create_topic(bootstrap: str, topic: str, partitions: int, settings: Mapping[str, str] | None = None) -> None:
    """Create a topic."""
    async with admin(bootstrap) as client:
        answer = await client.create_topics([NewTopic(topic, partitions, 1, topic_configs=dict(settings or {}))])
        assert [code for _, code, *_ in answer.topic_errors] == [0], answer


async def make_anew(
    bootstrap: str,
    topic: str,
    partitions: int = 1,
    settings: Mapping[str, str] | None = None,
    gone_for: float = 0.0,
) -> None:
    """Delete a topic, and create it again after so many seconds."""
    async with admin(bootstrap) as client:
        await client.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await client.list_topics()

        await poll_until(gone, 30)
    await asyncio.sleep(gone_for)
    await create_topic(bootstrap, topic, partitions, settings)


async def set_topic(bootstrap: str, topic: str, settings: Mapping[str, str]) -> None:
    """Change the settings of a topic; those not named go back to the broker's."""
    async with admin(bootstrap) as client:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(settings))
        for answer in await client.alter_configs([resource]):
            assert [code for code, *_ in answer.resources] == [0], answer


async def add_partitions(bootstrap: str, topic: str, total: int) -> None:
    """Give a topic more partitions."""
    async with admin(bootstrap) as client:
        await client.create_partitions({topic: NewPartitions(total)})


async def delete_records(bootstrap: str, topic: str, partition: int, before: int) -> None:
    """Delete the records of a partition before an offset."""
    async with admin(bootstrap) as client:
        await client.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})


async def send_batches(
    bootstrap: str, topic: str, batches: Iterable[tuple[int, Sequence[Record]]], **options: Any
) -> None:
    """Write batches of records, each as one batch of Kafka's, in order.

    Args:
        bootstrap: host:port of a broker.
        topic: its name.
        batches: partition and records of each.
        **options: of the producer.
    """
    async with producer(bootstrap, **options) as client:
        await append_batches(client, topic, batches)


async def append_batches(client: AIOKafkaProducer, topic: str, batches: Iterable[tuple[int, Sequence[Record]]]) -> None:
    """Write as `send_batches` does, with a producer that is there already."""
    pending = []
    for partition, records in batches:
        builder = client.create_batch()
        for record in records:
            timestamp = int((time.time() if record.at is None else record.at) * 1000)
            added = builder.append(
                timestamp=timestamp, key=record.key, value=record.value, headers=list(record.headers)
            )
            assert added is not None, "the batch is full"
        pending.append(await client.send_batch(builder, topic, partition=partition))
    for delivery in pending:
        await delivery


async def send_aborted(bootstrap: str, topic: str, partition: int, records: Sequence[Record], name: str) -> None:
    """Write records in a transaction that is aborted."""
    async with producer(bootstrap, transactional_id=name) as client:
        await client.begin_transaction()
        for record in records:
            await client.send_and_wait(topic, record.value, key=record.key, partition=partition)
        await client.abort_transaction()


def producer(bootstrap: str, **options: Any) -> AIOKafkaProducer:
    """Make a producer, not started, for batches of any size."""
    standard = {"acks": "all", "max_request_size": _MOST_BYTES, "max_batch_size": _MOST_BYTES}
    return AIOKafkaProducer(bootstrap_servers=bootstrap, **{**standard, **options})


async def log_ends(bootstrap: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Return the end of the log of every partition of topics."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        # The embedded broker lists wrong ends: decision 72.
        return {tuple(tp): end for tp, end in (await end_offsets(consumer, await _all(consumer, topics))).items()}


async def committed(bootstrap: str, group: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Return the offsets that a consumer group has committed for topics."""
    # The embedded broker answers what a consumer asks, not what an administrator does.
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False) as consumer:
        partitions = await _all(consumer, topics)
        consumer.assign(partitions)
        offsets = {tuple(tp): await consumer.committed(tp) for tp in partitions}
    return {tp: offset for tp, offset in offsets.items() if offset is not None}


class TopicTail:
    """Collects what is appended to topics from some moment on."""

    def __init__(self, bootstrap: str, *topics: str) -> None:
        """Prepare; nothing is collected before `begin`.

        Args:
            bootstrap: host:port of a broker.
            *topics: their names.
        """
        self._bootstrap = bootstrap
        self._topics = topics
        self._positions: dict[tuple[str, int], int] = {}
        self._records: list[Any] = []

    async def begin(self) -> None:
        """Begin at the present end."""
        self._positions = await log_ends(self._bootstrap, self._topics)

    def begin_anew(self) -> None:
        """Go on at the start of the topics: they were deleted and made anew."""
        self._positions = {}

    async def read(self) -> list[Any]:
        """Give everything collected up to now, as aiokafka's consumer records."""
        async with AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed", max_partition_fetch_bytes=_MOST_BYTES
        ) as consumer:
            partitions = await _all(consumer, self._topics)
            ends = await consumer.end_offsets(partitions)
            behind = [tp for tp in partitions if self._positions.get(tuple(tp), 0) < ends[tp]]
            consumer.assign(behind)
            for tp in behind:
                consumer.seek(tp, self._positions.get(tuple(tp), 0))
            while any([await consumer.position(tp) < ends[tp] for tp in behind]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    self._records += records
            for tp in behind:
                self._positions[tuple(tp)] = await consumer.position(tp)
        return list(self._records)


async def _all(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    found = []
    for topic in topics:
        numbers = consumer.partitions_for_topic(topic)
        if numbers is None:
            await consumer._client._wait_on_metadata(topic)
            numbers = consumer.partitions_for_topic(topic)
        found += [TopicPartition(topic, number) for number in sorted(numbers or ())]
    return found
