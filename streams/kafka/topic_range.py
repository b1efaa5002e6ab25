"""Reads what a topic holds now, up to its end, without a consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.errors import BrokerUnavailable
from streams.kafka.access import unavailable
from streams.kafka.connections import kafka_options
from streams.kafka.consumers import committed_reader, lone_consumer, stop_consumer
from streams.kafka.log_ends import end_offsets
from streams.kafka.patience import Patience
from streams.records import Partition
from streams.settings.settings import Settings

_POLL_MILLISECONDS = 500


class TopicRange:
    """The records of a topic between two places; `length` is how many offsets lie between them.

    `exists` says whether there is such a topic, or the record that was asked for.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
    ) -> None:
        """Keep the places.

        Args:
            consumer: connected, with all partitions assigned.
            starts: where to begin.
            ends: where to end; not beyond the ends of the logs.
        """
        self._consumer = consumer
        self._starts = starts
        self._ends = ends
        self.exists = bool(ends)
        self.length = sum(max(ends[tp] - start, 0) for tp, start in starts.items())
        self.passed = 0

    async def batches(self) -> AsyncIterator[list[Any]]:
        """Give the records of one fetch after the other, each partition in order; counts `passed` offsets.

        Raises:
            BrokerUnavailable: if Kafka does not answer.
        """
        positions, patience = dict(self._starts), Patience()
        try:
            for tp, start in positions.items():
                self._consumer.seek(tp, start)
            while behind := [tp for tp, position in positions.items() if position < self._ends[tp]]:
                found = await self._consumer.getmany(*behind, timeout_ms=_POLL_MILLISECONDS)
                for tp in behind:
                    # An aborted transaction or a compacted stretch moves the position without a record.
                    positions[tp] = await self._consumer.position(tp)
                self.passed = sum(min(positions[tp], self._ends[tp]) - start for tp, start in self._starts.items())
                patience.note(self.passed)
                for tp, records in found.items():
                    if wanted := [record for record in records if record.offset < self._ends[tp]]:
                        yield wanted
        except (KafkaError, OSError) as error:
            raise BrokerUnavailable(f"Kafka does not answer: {error!r}") from error


@asynccontextmanager
async def open_range(
    settings: Settings,
    topic: str,
    *,
    since_ms: int | None = None,
    only: tuple[int, int] | None = None,
    last: int | None = None,
) -> AsyncIterator[TopicRange]:
    """Open a topic from its beginning, or from a time, to where it ends now.

    Args:
        settings: name the brokers and how to get in.
        topic: its name; one that does not exist is empty.
        since_ms: leave out what was appended before, Unix milliseconds.
        only: partition and offset of a single record.
        last: how many offsets of each partition are read at most, those at its end.

    Yields:
        The range, to be read once.

    Raises:
        BrokerUnavailable: if Kafka does not answer.
    """
    partitions = [TopicPartition(topic, number) for number in await partitions_of(settings, topic)]
    consumer = committed_reader(settings)
    try:
        if partitions:
            # A consumer that is stopped as soon as it has started raises as if it were its caller that is cancelled.
            await consumer.start()
            consumer.assign(partitions)
        starts = await consumer.beginning_offsets(partitions) if partitions else {}
        ends = await end_offsets(consumer, partitions)
        if since_ms is not None and partitions:
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
            starts = {tp: place.offset if place is not None else ends[tp] for tp, place in found.items()}
        if last is not None:
            starts = {tp: max(start, ends[tp] - last) for tp, start in starts.items()}
        if only is not None:
            tp = TopicPartition(topic, only[0])
            here = starts.get(tp, 0) <= only[1] < ends.get(tp, 0)
            starts, ends = ({tp: only[1]}, {tp: only[1] + 1}) if here else ({}, {})
    except (KafkaError, OSError) as error:
        await stop_consumer(consumer)
        raise await unavailable(settings, error) from error
    try:
        yield TopicRange(consumer, starts, ends)
    finally:
        await stop_consumer(consumer)


async def partitions_of(settings: Settings, topic: str) -> list[int]:
    """List the partitions of a topic.

    Args:
        settings: name the brokers and how to get in.
        topic: its name.

    Returns:
        Their numbers in order; none if there is no such topic.

    Raises:
        BrokerUnavailable: if Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        if topic not in await admin.list_topics():
            return []
        (described,) = await admin.describe_topics([topic])
        return sorted(entry["partition"] for entry in described["partitions"])
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error
    finally:
        await admin.close()


async def log_ranges(settings: Settings, topics: Iterable[str]) -> dict[Partition, tuple[int, int]]:
    """Ask where the logs begin and end.

    Args:
        settings: name the brokers and how to get in.
        topics: one that does not exist has no partitions.

    Returns:
        The first offset and the end of each partition's log.

    Raises:
        BrokerUnavailable: if Kafka does not answer.
    """
    wanted = [TopicPartition(topic, number) for topic in topics for number in await partitions_of(settings, topic)]
    if not wanted:
        # See `open_range`.
        return {}
    consumer = lone_consumer(settings)
    try:
        await consumer.start()
        first = await consumer.beginning_offsets(wanted)
        end = await end_offsets(consumer, wanted)
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error
    finally:
        await stop_consumer(consumer)
    return {Partition(*tp): (first[tp], end[tp]) for tp in wanted}
