"""The partitions that are assigned to a worker: where to start reading them, and how far they have been read.

Rests on decisions 35, 70 and 71.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faust.types import TP

from scoring.instants import MILLISECOND
from streams.erasures.knowledge import Erasures
from streams.ingest.consumer_thread import BatchApp
from streams.ingest.gaps import check_logs
from streams.ingest.transport import RecordBatchConsumer
from streams.kafka.topics import event_topics
from streams.records import Partition
from streams.rounds.engine import Engine
from streams.rounds.positions import Positions


class AssignedPartitions:
    """The log that the rounds are made of, as `streams.rounds.log.Log` asks for it."""

    def __init__(self, app: BatchApp, engine: Engine, erasures: Erasures) -> None:
        """Put the parts together.

        Args:
            app: whose consumer reads.
            engine: knows the policy, and has the store with the fences.
            erasures: told which logs are read.
        """
        self._app = app
        self._engine = engine
        self._erasures = erasures

    @property
    def consumer(self) -> RecordBatchConsumer:
        """The consumer; there is one once the app has been started."""
        consumer = self._app.consumer
        assert isinstance(consumer, RecordBatchConsumer)  # noqa: S101 - the transport makes no other
        return consumer

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return where to start reading partitions of which nothing has been applied.

        Args:
            partitions: assigned ones.

        Returns:
            Offsets: the start of the window for the wall clock, the start of the log for the stream clock.
        """
        assigned = list(partitions)
        # What the store has forgotten has to be noted again.
        await self.check(assigned)
        return await self.starts_of(await self.consumer.thread.log_ranges({TP(*tp) for tp in assigned}))

    async def check(self, partitions: Iterable[Partition]) -> None:
        """Hold the logs that partitions are read from against those of which the fences speak.

        Args:
            partitions: assigned ones.

        Raises:
            LogGap: if records of another log under the same name have been applied.
            StoreUnavailable: if the store does not answer.
        """
        logs = await self.consumer.thread.logs(TP(*tp) for tp in partitions)
        await check_logs(self._engine.store, logs)
        self._erasures.read_from(logs)

    async def starts_of(self, ranges: Mapping[TP, tuple[int, int]]) -> dict[Partition, int]:
        """Return where to start reading partitions of which nothing has been applied.

        Args:
            ranges: of the partitions, the first offset of the log and its end.
        """
        engine = self._engine
        if engine.settings.clock == "stream":
            return {Partition(*tp): first for tp, (first, _) in ranges.items()}
        policy = engine.settings.policy
        events = {tp for tp in ranges if tp.topic in event_topics(policy)}
        window_start = (engine.clock.wall() - policy.length - policy.trend) // MILLISECOND
        found = await self.consumer.thread.offsets_at(events, max(window_start, 0))
        starts = {Partition(*tp): ranges[tp][1] if offset is None else offset for tp, offset in found.items()}
        # A profile, or a link, holds for good, however old it is.
        return starts | {Partition(*tp): first for tp, (first, _) in ranges.items() if tp not in events}

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Go to offsets of partitions, as far as they are still assigned."""
        consumer = self.consumer
        assigned = consumer.assignment()
        wanted = {TP(*partition): offset for partition, offset in offsets.items()}
        await consumer.seek_batches({tp: offset for tp, offset in wanted.items() if tp in assigned})

    def unread(self) -> set[Partition]:
        """Return the assigned partitions of which more is to be fetched; none while partitions change hands."""
        consumer = self.consumer
        if self._app.rebalancing or self._app.stopped_consuming:
            return set()
        return {Partition(*tp) for tp in consumer.assignment() if consumer.end_of_log(tp) is None}

    def caught_up(self, positions: Positions) -> dict[Partition, bool]:
        """Return for each assigned partition whether nothing is left to fetch, and everything fetched has been applied.

        Args:
            positions: up to where has been applied.
        """
        consumer = self.consumer
        return {
            Partition(*tp): not self._app.rebalancing
            and (end := consumer.end_of_log(tp)) is not None
            and positions.has_applied(Partition(*tp), end)
            and consumer.thread.held(tp) is None
            and not consumer.thread.unanswered(tp)
            for tp in consumer.assignment()
        }

    def held(self, positions: Positions) -> dict[Partition, int | None]:
        """Return the assigned partitions of which all that can be read is applied, and there may be more.

        Args:
            positions: up to where has been applied.

        Returns:
            For each where an open transaction begins; None if Kafka does not answer for the partition.
        """
        consumer = self.consumer
        if self._app.rebalancing:
            return {}
        return {
            Partition(*tp): held
            for tp in consumer.assignment()
            if (end := consumer.end_of_log(tp)) is not None
            and positions.has_applied(Partition(*tp), end)
            and ((held := consumer.thread.held(tp)) is not None or consumer.thread.unanswered(tp))
        }
