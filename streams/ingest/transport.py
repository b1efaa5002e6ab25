"""Faust's Kafka transport, changed to hand agents one message per (partition, fetch) instead of one per record.

Faust makes two asyncio tasks for every message, which limits an ordinary agent to some thousand records a second,
whatever it does. Here a message holds all records of a fetch, so that cost is paid once for thousands of records.

Rests on decisions 27 and 35.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import chain
from typing import Any, cast

import aiokafka
import faust
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, ConsumerMessage
from mode.utils.futures import notify

from streams.errors import LogGap
from streams.ingest.fetch_size import FetchSize
from streams.ingest.gaps import another_log_message
from streams.ingest.record_chunks import take_in_chunks, take_turns
from streams.kafka.fetch_by_id import PinnedTopics, fetch_by_id
from streams.kafka.log_ends import end_offsets
from streams.records import Partition, RecordBatch

_MOST_FETCHED_BYTES = 1024 * 1024
_FETCH_WAIT_MS = 500


class BatchApp(faust.App):
    """What the consumer asks of its app."""

    @property
    @abstractmethod
    def failed(self) -> bool:
        """Whether scoring has failed for good, so that nothing in hand will be finished."""

    @abstractmethod
    def kafka_options(self) -> dict[str, Any]:
        """Tell a client where the brokers are and how to get in."""

    @property
    @abstractmethod
    def stopped_consuming(self) -> bool:
        """Whether nothing more is to be fetched."""

    @abstractmethod
    async def let_go(self) -> None:
        """Drop what was fetched and not begun, and wait until the rest is done."""

    @abstractmethod
    async def offsets_to_start(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """Tell where to start reading assigned partitions."""


class RecordBatchConsumerThread(AIOKafkaConsumerThread):
    """The thread of the consumer: reads committed records, and takes a failed commit for what it is."""

    app: BatchApp
    _pinned: PinnedTopics

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See `faust.transport.drivers.aiokafka.AIOKafkaConsumerThread`."""
        super().__init__(*args, **kwargs)
        self._fetch_size = FetchSize()

    def _create_worker_consumer(self, _transport: Transport) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = RoundRobinPartitionAssignor
        consumer = aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            **self.app.kafka_options(),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            # Where to start is decided by the fences; an offset that is gone is noticed in `getmany`.
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=_MOST_FETCHED_BYTES,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            # New partitions of a topic are noticed this soon.
            metadata_max_age_ms=int(conf.consumer_metadata_max_age_ms),
        )
        self._pinned = fetch_by_id(consumer)
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; a failure is no more than a warning, as the fences decide where reading goes on."""
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        wanted = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned
        }
        try:
            await consumer.commit(wanted)
        except KafkaError as error:
            self.log.warning("offsets not committed, tried again later: %r", error)
            return False
        return True

    async def log_ranges(self, partitions: set[TP]) -> dict[TP, tuple[int, int]]:
        """Ask for the first offset and the end of each partition's log."""
        consumer = self._ensure_consumer()
        wanted = [TopicPartition(*tp) for tp in partitions]
        if not wanted:
            return {}
        first = await self.call_thread(consumer.beginning_offsets, wanted)
        end = await self.call_thread(end_offsets, consumer, wanted)
        return {ensure_TP(tp): (first[tp], end[tp]) for tp in wanted}

    async def logs(self, partitions: Iterable[TP]) -> dict[Partition, str]:
        """Tell the ids of the topics that partitions are fetched from, '' where Kafka tells none."""
        wanted = [Partition(*tp) for tp in partitions]
        ids = await self.call_thread(self._pinned.pin, {partition.topic for partition in wanted})
        return {partition: ids[partition.topic] for partition in wanted}

    @property
    def made_anew(self) -> Partition | None:
        """A partition in hand whose topic is another one by now than the one that is fetched from."""
        return next((Partition(*tp) for tp in self.assignment() if tp.topic in self._pinned.made_anew), None)

    async def offsets_at(self, partitions: set[TP], time_ms: int) -> dict[TP, int | None]:
        """Ask for the first offset of each partition that was appended at a time or later; None if there is none."""
        consumer = self._ensure_consumer()
        if not partitions:
            return {}
        found = await self.call_thread(consumer.offsets_for_times, {TopicPartition(*tp): time_ms for tp in partitions})
        return {ensure_TP(tp): place.offset if place is not None else None for tp, place in found.items()}

    def positions(self) -> dict[TP, int]:
        """Tell where the consumer stands in its partitions."""
        return {tp: state.position for tp, state in self._states().items() if state.has_valid_position}

    def at_end(self, tp: TP, position: int) -> bool:
        """Tell whether the consumer stands at a position, and it is the end of the log by the broker's last answer."""
        state = self._states().get(tp)
        if state is None or not state.has_valid_position:
            return False
        end = state.lso if state.lso is not None and state.lso >= 0 else state.highwater
        return end is not None and state.position == position >= end

    def held(self, tp: TP) -> int | None:
        """Tell the offset at which an open transaction begins, if all before it has been read; None if there is none.

        What stands behind it is in the log, and may be read once the transaction has ended.
        """
        state = self._states().get(tp)
        if state is None or state.lso is None or not 0 <= state.lso < state.highwater:
            return None
        return int(state.lso) if state.has_valid_position and state.position >= state.lso else None

    def _states(self) -> dict[TP, Any]:
        assignment = self._ensure_consumer()._subscription.subscription.assignment  # noqa: SLF001 - no public way
        return {ensure_TP(tp): assignment.state_value(tp) for tp in assignment.tps} if assignment is not None else {}

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's
        max_records: int | None = None,  # noqa: ARG002 - decided here
    ) -> Any:
        """Take no more records at a time than have some megabytes."""
        take_in_chunks(consumer._fetcher, self._fetch_size)  # noqa: SLF001 - Faust's way
        try:
            chunks = await super()._fetch_records(consumer, active_partitions, timeout, self._fetch_size.chunks)
        except KafkaError as error:
            if not _is_held(consumer, error):
                raise
            await asyncio.sleep(timeout or 0.0)
            return {}
        take_turns(consumer._fetcher, chunks)  # noqa: SLF001
        self._fetch_size.learn(chunks)
        return {tp: list(chain.from_iterable(some)) for tp, some in chunks.items()}

    def partitions_of(self, topic: str) -> set[int]:
        """List the partitions of a topic, as far as the metadata tells."""
        return set(self._ensure_consumer().partitions_for_topic(topic) or ())


def _is_held(consumer: aiokafka.AIOKafkaConsumer, error: KafkaError) -> bool:
    """Tell whether an error of a fetch is one that `GroupWatch` sees by itself, and names with its cause."""
    coordinator = consumer._coordinator  # noqa: SLF001 - no public way
    refused = type(error) is type(coordinator._pending_exception)  # noqa: SLF001
    return refused or coordinator._coordination_task.done() or isinstance(error, TopicAuthorizationFailedError)  # noqa: SLF001


class RecordBatchConsumer(Consumer):
    """Consumer whose messages hold a `RecordBatch`; offsets are those of whole batches."""

    app: BatchApp
    _thread: RecordBatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See `faust.transport.consumer.Consumer`."""
        super().__init__(*args, **kwargs)
        self._next: dict[TP, int] = {}
        # Where to go before the next fetch. Only `getmany` moves the consumer, between two fetches, so that records
        # from before a seek can never pass for those after it.
        self._wanted: dict[TP, int] = {}
        self._placed = True
        # Where the consumer stood after the last fetch, and of what partitions records are on their way out of it.
        self._positions: dict[TP, int] = {}
        self._arriving: set[TP] = set()
        # Faust would drop what is read again after a seek back.
        self._read_offset = NoReadOffsets()

    def _new_consumer_thread(self) -> RecordBatchConsumerThread:
        return RecordBatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's
        """Fetch, and yield one message per partition."""
        if not self._placed and self.flow_active:
            await self.perform_seek()
        if self.app.stopped_consuming:
            # Still a member of the group, with its partitions: what is not fetched here, nobody fetches.
            await self.sleep(timeout)
            return
        if self._wanted and self.flow_active and not await self._go():
            return
        records, active = await self._wait_next_records(timeout)
        if (anew := self._thread.made_anew) is not None:
            raise LogGap(another_log_message(anew))
        self._arriving = set(records or ())
        self._positions = self._thread.positions()
        generation = self.app.consumer_generation_id
        if not records or self.should_stop:
            return
        for tp, fetched in records.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                # What was fetched is dropped; the seek at the end of the rebalance fetches it again.
                return
            if tp in self._wanted or self.app.stopped_consuming:
                continue
            if fetched and (active is None or tp in active or tp in self._buffered_partitions):
                yield tp, self._to_message(tp, await self._batch(tp, fetched))

    async def _go(self) -> bool:
        """Go to where the next fetch is to begin; False if the partitions are just changing hands."""
        assigned = self.assignment()
        wanted = {tp: offset for tp, offset in self._wanted.items() if tp in assigned}
        try:
            await self.seek_wait(wanted)
        except IllegalStateError:
            return False
        for tp, offset in wanted.items():
            self._next[tp] = offset
            if self._wanted[tp] == offset:
                del self._wanted[tp]
        return True

    async def _batch(self, tp: TP, fetched: list[Any]) -> RecordBatch:
        first = fetched[0].offset
        base = self._next.get(tp, first)
        if base > first:
            raise LogGap(new_log_message(Partition(*tp), base, fetched[-1].offset + 1))
        if base < first:
            start, _ = (await self._thread.log_ranges({tp}))[tp]
            if start > base:
                raise LogGap(gap_message(Partition(*tp), base, start))
        batch = RecordBatch(Partition(*tp), base, fetched)
        self._next[tp] = batch.next_offset
        self._arriving.discard(tp)
        return batch

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        batch = cast("RecordBatch", record)
        last = batch.records[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            None,
            None,
            cast("bytes", batch),
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def ack(self, message: Any) -> bool:
        """Note that a message has left the agent; its offsets count only if its batch has been applied.

        Faust also acknowledges messages that it drops during a rebalance.
        """
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        counts = bool(message.value.applied and message.generation_id == self.app.consumer_generation_id)
        if counts:
            self._acked[message.tp].append(message.value.next_offset)
            self._n_acked += 1
        notify(self._waiting_for_ack)
        return counts

    def _new_offset(self, tp: TP) -> int | None:
        # Batches of a partition are applied in order, so everything before the newest has been applied too.
        acked = self._acked[tp]
        newest = max(acked, default=None)
        acked.clear()
        return newest

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: a batch reaches from its base to its end, gaps included."""

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002 - Faust's signature
        committed = await super()._commit_offsets(offsets, start_new_transaction)
        if not committed:
            for tp, offset in offsets.items():
                self._committed_offset.pop(tp, None)
                if tp in self.assignment():
                    self._acked[tp].append(offset)
        return bool(committed)

    async def perform_seek(self) -> None:
        """Go to where the fences say, instead of to the committed offsets.

        Faust gives up waiting for this after a while, and goes on; nothing is fetched all the same before it is done.
        """
        self._placed = False
        self._wanted.clear()
        await self.seek_batches(await self.app.offsets_to_start(self.assignment()))
        self._placed = True

    async def seek_batches(self, starts: Mapping[TP, int]) -> None:
        """Go to offsets before the next fetch, and forget what was acknowledged after them."""
        for tp, offset in starts.items():
            self._acked.pop(tp, None)
            self._committed_offset.pop(tp, None)
            self._wanted[tp] = offset

    def end_of_log(self, tp: TP) -> int | None:
        """Tell up to which offset a partition has to be applied for nothing to be left; None if more is to be fetched.

        That is also so before the consumer is where it has to be, and while records are on their way out of it.
        """
        position = self._positions.get(tp)
        there = self._placed and tp not in self._wanted and tp not in self._arriving
        if not there or position is None or self.app.stopped_consuming:
            return None
        return self._next.get(tp, position) if self._thread.at_end(tp, position) else None

    async def wait_empty(self) -> None:
        """Finish the round in hand and commit, before partitions are given up.

        Faust would wait for all that was fetched, which under a backlog can take longer than the group waits, and
        collect garbage again and again meanwhile, which keeps the consumer's thread from its heartbeats.
        """
        if not self.app.failed:
            await self.app.let_go()
        # A commit that is under way may not hold what has just been acknowledged.
        await self.maybe_wait_for_commit_to_finish()
        await self.commit_and_end_transactions()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: `/ready` and the lag in the metrics tell more than Faust's guess from times."""

    @property
    def thread(self) -> RecordBatchConsumerThread:
        """The thread that talks to Kafka."""
        return self._thread


class NoReadOffsets(dict[TP, int | None]):
    """What Faust remembers of the offsets it has read: nothing, as batches carry where they begin."""

    def __getitem__(self, _partition: TP) -> None:
        """Remember nothing."""

    def __setitem__(self, _partition: TP, _offset: int | None) -> None:
        """Take no note."""


class RecordBatchTransport(Transport):
    """Transport that makes the consumer of this module."""

    Consumer = RecordBatchConsumer


def gap_message(partition: Partition, wanted: int, start: int) -> str:
    """Say that the log starts after the next offset to apply.

    Args:
        partition: of the log.
        wanted: the next offset to apply.
        start: the first offset that the log still holds.
    """
    return (
        f"{partition.topic}[{partition.number}]: the next record to apply has offset {wanted}, but the log now starts "
        f"at {start}: {start - wanted} offsets were deleted before they were applied. Keep the topic longer than the "
        f"longest outage. To go on without them: engagement gaps accept {partition.label}"
    )


def new_log_message(partition: Partition, applied: int, end: int) -> str:
    """Say that the log ends before what has been applied.

    Args:
        partition: of the log.
        applied: the next offset to apply.
        end: the offset at which the log ends.
    """
    return (
        f"{partition.topic}[{partition.number}]: the scores hold records up to offset {applied}, but the log ends at "
        f"{end}: the topic was made anew. To go on with the new log: engagement gaps accept {partition.label}"
    )
