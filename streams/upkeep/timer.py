"""The timer: reports how far this worker has come, takes what is due, and publishes what a failure left behind.

Rests on decisions 31, 34, 38 and 147.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial

from mode.utils.logging import get_logger

from scoring.instants import HOUR, MINUTE, SECOND
from streams.backoff import Backoff
from streams.errors import FenceMoved, StoreUnavailable, TransientError
from streams.machine_clock import elapsed
from streams.records import Partition
from streams.rounds.engine import Engine
from streams.rounds.pipeline import Pipeline
from streams.upkeep.absence_watch import AbsenceWatch
from streams.upkeep.open_transactions import OpenTransactions
from streams.upkeep.policy_sweep import PolicySweep
from streams.upkeep.unread_partitions import UnreadPartitions

logger = get_logger(__name__)

#: How often the timer runs, in seconds, by the clock: the stream clock can move on by days at each turn.
INTERVAL = {"wall": 1.0, "stream": 0.25}
#: Customers judged in one go, so that the live stream does not wait long for the lock.
_AT_ONCE = 500
#: Goes for refreshes in one turn, while crossings go on until none is due.
_REFRESH_GOES = 20
_UNPUBLISHED_AFTER = 5 * SECOND
_CHECK_EVERY = 5 * SECOND
_TYPES_EVERY = 5 * SECOND
_EXCHANGE_EVERY = SECOND
_BROKER_CHECK_SECONDS = 4.0
#: A turn that takes longer is logged, but only once in so long.
_LONG_TURN, _TELL_EVERY = 10 * SECOND, MINUTE


class Timer:
    """What one worker does regularly."""

    def __init__(
        self,
        engine: Engine,
        pipeline: Pipeline,
        sweep: PolicySweep,
        absences: AbsenceWatch,
        elapsed: Callable[[], int] = elapsed,
    ) -> None:
        """Put the parts together.

        Args:
            engine: judges, and holds the schedules.
            pipeline: its lock keeps rounds and evaluations apart.
            sweep: through all customers, goes on at the end of each turn.
            absences: closes the days of the clocks of absence once a turn.
            elapsed: reads a clock that nobody sets, in microseconds.
        """
        self._store = engine.store
        self._scorer = engine.scorer
        self._publisher = engine.publisher
        self._clock = engine.clock
        self._metrics = engine.metrics
        self._feeds = engine.feeds
        self._moments = engine.moments
        self._erasures = engine.erasures
        self._pipeline = pipeline
        self._sweep = sweep
        self._absences = absences
        self.transactions = OpenTransactions(engine.metrics, elapsed)
        self.unread = UnreadPartitions(engine.clock, engine.settings.namespace)
        self._elapsed = elapsed
        self._told_slow_at = -_TELL_EVERY
        self._worker = secrets.token_urlsafe(6)
        self._checked_at = self._told_types_at = 0
        self._exchanged_at = 0
        self._exchange: Callable[[], Awaitable[None]]
        self._waiting = Backoff(engine.metrics, logger, "the timer tries again")
        # What of a turn the fault that is waited for has kept from being done.
        self._failed_at: object = None

    @property
    def fault(self) -> str:
        """What the last turn has failed by, '' once that has been done after all."""
        return self._waiting.reason

    async def turn(
        self,
        caught_up: Callable[[], Mapping[Partition, bool]],
        generation: int,
        partitions: set[Partition],
        held: Callable[[], Mapping[Partition, int | None]] = dict,
    ) -> None:
        """Do one turn; a transient fault ends it, and the next turn tries again.

        Args:
            caught_up: tells this worker's partitions, each with whether nothing is left to fetch or to apply; asked at
                the moment for which it is reported.
            generation: of the consumer group.
            partitions: all partitions of the source topics.
            held: tells the partitions where nothing is left that can be read, and there may be more: where an open
                transaction begins, or None if Kafka does not answer.

        Raises:
            UnsafeStore: if the store would lose or drop scores by now.
        """
        self._exchange = partial(self._exchange_marks, caught_up, generation, partitions, held)
        began, step = self._elapsed(), None
        try:
            for step in self._steps():
                await step()
                # What comes after it may wait long for rounds that make up for what was missed.
                if step == self._failed_at:
                    self._over()
        except (TransientError, FenceMoved) as error:
            self._waiting.note(error)
            # Marks are read and written, so a store that has taken them is there again.
            self._failed_at = self._exchange_now if isinstance(error, StoreUnavailable) else step
        else:
            self._over()
            self._note_length(began)

    def _steps(self) -> Iterator[Callable[[], Awaitable[None]]]:
        yield self._erasures.read_on
        yield self._pipeline.follow_policy
        yield self._pipeline.check_fences
        yield self._exchange_now
        yield self._check_services
        yield self._tell_feeds
        yield self._crossings
        yield self._absent
        yield self._unpublished
        yield self._refreshes
        yield self._tell_unknown_types
        yield self._sweep_on

    @property
    def remarks(self) -> list[str]:
        """What an operator should look at, though nothing fails."""
        return self.transactions.reports + self.unread.reports

    def _over(self) -> None:
        self._waiting.over()
        self._failed_at = None

    def _note_length(self, began: int) -> None:
        """Say so where a turn has taken long; it waits for rounds, so some seconds are usual behind a backlog."""
        now = self._elapsed()
        if now - began > _LONG_TURN and now - self._told_slow_at >= _TELL_EVERY:
            self._told_slow_at = now
            logger.warning("a turn of the timer took %.1f s: silence is judged that much later", (now - began) / SECOND)

    async def _exchange_marks(
        self,
        caught_up: Callable[[], Mapping[Partition, bool]],
        generation: int,
        partitions: set[Partition],
        held: Callable[[], Mapping[Partition, int | None]],
    ) -> None:
        self._clock.partitions = partitions
        open_at = held()
        own = self._clock.report(caught_up(), generation, open_at)
        marks = await self._store.exchange_marks(own)
        await self._moments.learn(marks)
        self.unread.look()
        self.transactions.note(
            {partition: (at, self._clock.applied_to(partition)) for partition, at in open_at.items() if at is not None}
        )
        self._exchanged_at = self._clock.wall()

    async def _exchange_now(self) -> None:
        await self._exchange()

    async def _tell_feeds(self) -> None:
        await self._feeds.tell(self._clock.evaluation()[0])

    async def _sweep_on(self) -> None:
        await self._sweep.turn(self._exchange_meanwhile)

    async def _exchange_meanwhile(self) -> None:
        """Exchange marks again if the last time is some while ago.

        Each evaluation waits for a round to end, and behind a backlog rounds are long. The clock of others rests on
        these marks: they would keep more and more events aside until the marks are renewed.
        """
        if abs(self._clock.wall() - self._exchanged_at) >= _EXCHANGE_EVERY:
            await self._exchange()

    async def _check_services(self) -> None:
        """Look for a sign of life of Kafka, and whether Redis has been set up in another way meanwhile."""
        now = self._clock.wall()
        if abs(now - self._checked_at) >= _CHECK_EVERY:
            await self._publisher.check(_BROKER_CHECK_SECONDS)
            await self._store.check()
            self._checked_at = now

    async def _tell_unknown_types(self) -> None:
        now = self._clock.wall()
        if abs(now - self._told_types_at) < _TYPES_EVERY:
            return
        self._told_types_at = now
        if counts := self._metrics.unknown_names.take():
            await self._store.note_unknown_types(now // HOUR, counts)
        self._metrics.set_unknown_types(await self._store.unknown_types(now // HOUR))

    async def _crossings(self) -> None:
        for group in range(self._store.groups):
            while await self._evaluate_due(group, crossing=True) == _AT_ONCE:
                await self._exchange_meanwhile()
            await self._exchange_meanwhile()

    async def _refreshes(self) -> None:
        goes = _REFRESH_GOES
        for group in range(self._store.groups):
            while goes and await self._evaluate_due(group, crossing=False) == _AT_ONCE:
                goes -= 1
                await self._exchange_meanwhile()
            await self._exchange_meanwhile()

    async def _absent(self) -> None:
        """Close the days that have ended, and judge whose absence has gone on for long enough by then."""
        if self._sweep.done:
            # Neither what is closed nor the look at who is due has to wait for rounds.
            await self._absences.close(self._moments.moment())
        for group in range(self._store.groups):
            while await self._judge_absent(group) == _AT_ONCE:
                await self._exchange_meanwhile()
        await self._absences.tell()

    async def _judge_absent(self, group: int) -> int:
        now, _ = self._clock.evaluation()
        judged = await self._absences.judge(group, now, _AT_ONCE, self._worker, self._evaluate_absent)
        if judged:
            self._metrics.evaluations.labels("absence").inc(judged)
        return judged

    async def _evaluate_absent(self, group: int, customers: Sequence[str]) -> None:
        async with self._pipeline.lock:
            await self._scorer.evaluate(group, customers, self._moments.moment())

    async def _evaluate_due(self, group: int, *, crossing: bool) -> int:
        """Judge customers who are due; return how many."""
        async with self._pipeline.lock:
            moment = self._moments.moment()
            if not moment.now:
                return 0
            customers = await self._store.due(
                group, crossing=crossing, until=moment.now, limit=_AT_ONCE, worker=self._worker
            )
            if customers:
                await self._scorer.evaluate(group, customers, moment)
                self._metrics.evaluations.labels("crossing" if crossing else "refresh").inc(len(customers))
            self._metrics.note_evaluation(moment.now)
        return len(customers)

    async def _unpublished(self) -> None:
        before = self._clock.wall() - _UNPUBLISHED_AFTER
        for group in range(self._store.groups):
            waiting = await self._store.unpublished(group, before, _AT_ONCE)
            if waiting:
                async with self._pipeline.lock:
                    await self._scorer.republish(group, waiting)
