"""Reads the source topics for a rebuild, without a consumer group.

Rests on decisions 42 and 70.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from scoring.instants import MILLISECOND
from streams.errors import BrokerUnavailable, LogGap
from streams.ingest.gap_messages import another_log_message, gap_message
from streams.kafka.access import unavailable
from streams.kafka.consumers import committed_reader, stop_consumer
from streams.kafka.fetch_by_id import PinnedTopics, fetch_by_id
from streams.kafka.log_ends import end_offsets
from streams.kafka.patience import Patience
from streams.kafka.topic_range import partitions_of
from streams.kafka.topics import event_topics, read_topics
from streams.machine_clock import wall_clock
from streams.records import Partition, RecordBatch
from streams.settings.settings import Settings

_POLL_MILLISECONDS = 500
_RECORDS = 20_000


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"Kafka does not answer: {error!r}") from error


class SourceLog:
    """The source topics, read from any offset to any other."""

    def __init__(self, settings: Settings) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the brokers and the topics.
        """
        self._settings = settings
        self._consumer: AIOKafkaConsumer
        self._pinned: PinnedTopics
        self.partitions: list[Partition] = []
        self._next: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerUnavailable: if Kafka does not answer.
        """
        for topic in read_topics(self._settings.policy):
            self.partitions += [Partition(topic, number) for number in await partitions_of(self._settings, topic)]
        self._consumer = committed_reader(self._settings)
        self._pinned = fetch_by_id(self._consumer)
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await stop_consumer(self._consumer)
            raise await unavailable(self._settings, error) from error
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Give up the connection."""
        await stop_consumer(self._consumer)

    async def logs(self) -> dict[Partition, str]:
        """Return the ids of the topics that the partitions are read from, '' where Kafka tells none."""
        with _answering():
            ids = await self._pinned.pin({partition.topic for partition in self.partitions})
        return {partition: ids[partition.topic] for partition in self.partitions}

    async def starts(self, *, from_beginning: bool) -> dict[Partition, int]:
        """Return where a rebuild from nothing starts.

        Args:
            from_beginning: with the first record that the log holds; otherwise, on the wall clock, with the first
                event that window and trend look at.
        """
        tps = [TopicPartition(*partition) for partition in self.partitions]
        if not tps:
            return {}
        with _answering():
            first = await self._consumer.beginning_offsets(tps)
            if not from_beginning and self._settings.clock == "wall":
                policy = self._settings.policy
                since = max((wall_clock() - policy.length - policy.trend) // MILLISECOND, 0)
                # A profile, or a link, holds for good, however old it is.
                events = [tp for tp in tps if tp.topic in event_topics(policy)]
                found = await self._consumer.offsets_for_times(dict.fromkeys(events, since))
                ends = await end_offsets(self._consumer, events)
                first |= {tp: place.offset if place is not None else ends[tp] for tp, place in found.items()}
        return {Partition(*tp): offset for tp, offset in first.items()}

    async def is_whole(self) -> bool:
        """Return whether the log still holds every record that was ever written to it."""
        tps = [TopicPartition(*partition) for partition in self.partitions]
        with _answering():
            return not any((await self._consumer.beginning_offsets(tps)).values()) if tps else True

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Go to where reading begins.

        Args:
            offsets: of those partitions that will be read.

        Raises:
            LogGap: if the log does not hold one of them any more.
        """
        self._next = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        self._patience = Patience()
        self._consumer.assign(list(self._next))
        if not self._next:
            return
        with _answering():
            first = await self._consumer.beginning_offsets(list(self._next))
        for tp, offset in self._next.items():
            if first[tp] > offset:
                raise LogGap(gap_message(Partition(*tp), offset, first[tp]))
            self._consumer.seek(tp, offset)

    async def read(self, ends: Mapping[Partition, int]) -> tuple[list[RecordBatch], dict[Partition, int]]:
        """Read some more.

        Args:
            ends: of those partitions that are still to be read; nothing at or after them is given.

        Returns:
            Batches, and where each of these partitions now stands.

        Raises:
            BrokerUnavailable: if Kafka does not answer, or gives no more.
        """
        tps = [TopicPartition(*partition) for partition in ends]
        with _answering():
            found = await self._consumer.getmany(*tps, timeout_ms=_POLL_MILLISECONDS, max_records=_RECORDS)
            positions = {tp: await self._consumer.position(tp) for tp in tps}
        if self._pinned.made_anew:
            partition = next(each for each in self.partitions if each.topic in self._pinned.made_anew)
            raise LogGap(another_log_message(partition))
        batches = []
        for tp, records in found.items():
            partition = Partition(*tp)
            wanted: Sequence[Any] = [record for record in records if record.offset < ends[partition]]
            if wanted:
                batches.append(RecordBatch(partition, self._next[tp], wanted))
        self._patience.note(positions)
        self._next |= positions
        return batches, {Partition(*tp): position for tp, position in positions.items()}
