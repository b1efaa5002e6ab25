"""The thread of the consumer, which talks to Kafka, and what it asks of the app.

Rests on decisions 27, 35, 147 and 150.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import aiokafka
import faust
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Transport
from faust.types import TP

from streams.backoff import Backoff
from streams.errors import BrokerUnavailable, OffsetsRefused
from streams.ingest.fetch_size import FetchSize
from streams.ingest.record_chunks import take_in_chunks, take_turns
from streams.kafka.consumers import stop_consumer
from streams.kafka.fetch_by_id import PinnedTopics, fetch_by_id
from streams.kafka.log_ends import end_offsets
from streams.records import Partition

_MOST_FETCHED_BYTES = 1024 * 1024
_FETCH_WAIT_MS = 500
#: Longer than a fetch waits for records, however busy the worker is.
_ANSWERED_WITHIN = 2.0
_TOLD_WITHIN = 10.0
_COMMITTED_WITHIN = 3.0
_STOPPED_WITHIN, _REST_WITHIN = 5.0, 2.0


class BatchApp(faust.App):
    """What the consumer asks of its app."""

    #: What keeps partitions from being read, and offsets from being committed.
    assigning: Backoff
    committing: Backoff

    @property
    @abstractmethod
    def failed(self) -> bool:
        """Whether scoring has failed for good, so that nothing in hand will be finished."""

    @abstractmethod
    def kafka_options(self) -> dict[str, Any]:
        """Say to a client where the brokers are and how to get in."""

    @property
    @abstractmethod
    def stopped_consuming(self) -> bool:
        """Whether nothing more is to be fetched."""

    @abstractmethod
    async def let_go(self) -> None:
        """Drop what was fetched and not begun, and wait until the rest is done."""

    @abstractmethod
    async def offsets_to_start(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """Return where to start reading assigned partitions."""


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

    async def on_thread_stop(self) -> None:
        """Stop the consumer within seconds; what it leaves ends with the thread.

        It would wait for brokers that do not answer, and in a rebalance for the app, which has stopped listening.
        """
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOPPED_WITHIN):
                    await stop_consumer(self._consumer)

    async def _gather_remaining_tasks(self) -> None:
        # aiokafka's fetcher may take its own end for that of a fetch, and go on; then it is ended once more.
        with suppress(TimeoutError):
            async with asyncio.timeout(_REST_WITHIN):
                await super()._gather_remaining_tasks()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; a failure is no more than a warning, as the fences decide where reading goes on."""
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        wanted = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned
        }
        try:
            # The client tries until the coordinator of the group, and every topic, is there, and holds up a rebalance
            # and the end of the worker. What it has sent may still be carried out, and that is all the same.
            async with asyncio.timeout(_COMMITTED_WITHIN):
                await consumer.commit(wanted)
        except (KafkaError, TimeoutError) as error:
            self.app.committing.note(OffsetsRefused(f"Kafka has not taken the offsets to be committed: {error!r}"))
            return False
        self.app.committing.over()
        return True

    async def log_ranges(self, partitions: set[TP]) -> dict[TP, tuple[int, int]]:
        """Ask for the first offset and the end of each partition's log.

        Raises:
            BrokerUnavailable: if Kafka does not tell, or not in time; so does whatever else asks.
        """
        consumer = self._ensure_consumer()
        wanted = [TopicPartition(*tp) for tp in partitions]
        if not wanted:
            return {}
        first = await self._ask(consumer.beginning_offsets, wanted)
        end = await self._ask(end_offsets, consumer, wanted)
        return {ensure_TP(tp): (first[tp], end[tp]) for tp in wanted}

    async def logs(self, partitions: Iterable[TP]) -> dict[Partition, str]:
        """Return the ids of the topics that partitions are fetched from, '' where Kafka tells none."""
        wanted = [Partition(*tp) for tp in partitions]
        ids = await self._ask(self._pinned.pin, {partition.topic for partition in wanted})
        return {partition: ids[partition.topic] for partition in wanted}

    async def _ask(self, question: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        try:
            return await self.call_thread(_in_time, question, *arguments)
        except TimeoutError as error:
            raise BrokerUnavailable(f"Kafka has not told of the logs within {_TOLD_WITHIN:g} s") from error
        except (KafkaError, OSError) as error:
            raise BrokerUnavailable(f"Kafka does not tell of the logs: {error!r}") from error

    @property
    def made_anew(self) -> Partition | None:
        """A partition in hand whose topic is another one by now than the one that is fetched from."""
        return next((Partition(*tp) for tp in self.assignment() if tp.topic in self._pinned.made_anew), None)

    async def offsets_at(self, partitions: set[TP], time_ms: int) -> dict[TP, int | None]:
        """Ask for the first offset of each partition that was appended at a time or later; None if there is none."""
        consumer = self._ensure_consumer()
        if not partitions:
            return {}
        found = await self._ask(consumer.offsets_for_times, {TopicPartition(*tp): time_ms for tp in partitions})
        return {ensure_TP(tp): place.offset if place is not None else None for tp, place in found.items()}

    def positions(self) -> dict[TP, int]:
        """Return where the consumer stands in its partitions."""
        return {tp: state.position for tp, state in self._states().items() if state.has_valid_position}

    def at_end(self, tp: TP, position: int) -> bool:
        """Return whether the consumer stands at a position that is the end of the log by the broker's last answer."""
        state = self._states().get(tp)
        if state is None or not state.has_valid_position:
            return False
        end = state.lso if state.lso is not None and state.lso >= 0 else state.highwater
        return end is not None and state.position == position >= end

    def unanswered(self, tp: TP) -> bool:
        """Return whether Kafka has not answered for a partition for so long that its log may go on by now."""
        state = self._states().get(tp)
        return state is not None and abs(time.time() - (state.timestamp or 0) / 1000) > _ANSWERED_WITHIN

    def held(self, tp: TP) -> int | None:
        """Return the offset at which an open transaction begins, if all before it has been read; None if there is none.

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


async def _in_time(question: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    # The client itself would try for much longer, and whoever waits would not know why.
    async with asyncio.timeout(_TOLD_WITHIN):
        return await question(*arguments)


def _is_held(consumer: aiokafka.AIOKafkaConsumer, error: KafkaError) -> bool:
    """Return whether an error of a fetch is one that `GroupWatch` sees by itself, and names with its cause."""
    coordinator = consumer._coordinator  # noqa: SLF001 - no public way
    refused = type(error) is type(coordinator._pending_exception)  # noqa: SLF001
    return refused or coordinator._coordination_task.done() or isinstance(error, TopicAuthorizationFailedError)  # noqa: SLF001
