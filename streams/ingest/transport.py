"""Faust's Kafka transport, changed to hand agents one message per (partition, fetch) instead of one per record.

Faust makes two asyncio tasks for every message, which limits an ordinary agent to some thousand records a second,
whatever it does. Here a message holds all records of a fetch, so that cost is paid once for thousands of records.

Rests on decisions 27, 35 and 150.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, cast

from aiokafka.errors import IllegalStateError
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, ConsumerMessage
from mode.utils.futures import notify

from streams.errors import LogGap
from streams.ingest.consumer_thread import BatchApp, RecordBatchConsumerThread
from streams.ingest.gap_messages import another_log_message, gap_message, new_log_message
from streams.records import Partition, RecordBatch


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
            if self._takes(tp, active) and (batch := await self._batch(tp, fetched)) is not None:
                yield tp, self._to_message(tp, batch)

    def _takes(self, tp: TP, active: set[TP] | None) -> bool:
        if tp in self._wanted or self.app.stopped_consuming:
            return False
        return active is None or tp in active or tp in self._buffered_partitions

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

    async def _batch(self, tp: TP, fetched: list[Any]) -> RecordBatch | None:
        """Make a batch of what was fetched; None of nothing, or if the worker is stopped before no gap is known."""
        if not fetched:
            return None
        first = fetched[0].offset
        base = self._next.get(tp, first)
        if base > first:
            raise LogGap(new_log_message(Partition(*tp), base, fetched[-1].offset + 1))
        if base < first:
            ranges = await self.app.assigning.until_done(self, partial(self._thread.log_ranges, {tp}))
            if ranges is None:
                return None
            if (start := ranges[tp][0]) > base:
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

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget where partitions were read to: aiokafka begins at the committed offset, which may be any.

        What is fetched there before the fences have been asked is then not taken for what comes next.
        """
        for tp in revoked:
            self._next.pop(tp, None)
        await super().on_partitions_revoked(revoked)

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
        """Return the offset up to which a partition has to be applied to leave nothing; None if more is to be fetched.

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
