"""The evaluation time, from how far all source partitions have been applied.

Rests on decisions 2, 31, 32 and 71.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from scoring.feeds.watermark import Mark, stream_time, waits_for_transactions, wall_time
from scoring.instants import MINUTE, boundary_after
from scoring.policy.policy import Policy
from streams.machine_clock import wall_clock
from streams.records import DecodedBatch, Partition

#: Longer than a worker that has died, or is being replaced, leaves its partitions to nobody.
_UNREAD_AFTER = MINUTE


class EvaluationClock:
    """Keeps the marks of all partitions, this worker's and those that others have reported."""

    def __init__(self, policy: Policy, kind: str, wall: Callable[[], int] = wall_clock) -> None:
        """Start without marks.

        Args:
            policy: gives pane, lateness and idle time.
            kind: ``wall`` or ``stream``.
            wall: reads the wall clock.
        """
        self._policy = policy
        self._stream = kind == "stream"
        # Links have no time: their partitions neither hold the evaluation time back nor carry it on.
        self._timeless = policy.identities
        self.wall = wall
        self.partitions: set[Partition] = set()
        self.own: set[Partition] = set()
        self._marks: dict[Partition, Mark] = {}
        self._assigned_at = 0

    def learn(self, marks: Mapping[Partition, Mark]) -> None:
        """Take over what others have reported.

        Args:
            marks: all that the store has; those of this worker's own partitions are not taken, and what the store has
                forgotten is forgotten here.
        """
        own = {tp: mark for tp, mark in self._marks.items() if tp in self.own}
        self._marks = dict(marks) | own

    def take_over(self, newest: Mapping[Partition, int], marks: Mapping[Partition, Mark]) -> None:
        """Begin anew, with an assignment or after the store has forgotten.

        Args:
            newest: this worker's partitions, each with the newest event time applied, as the fences tell.
            marks: as last reported for all partitions.
        """
        self.own = {tp for tp in newest if tp.topic != self._timeless}
        own = {tp: replace(marks.get(tp, Mark()), caught_up=False, newest=newest[tp]) for tp in self.own}
        self._marks = dict(marks) | own
        self._assigned_at = self.wall()

    def least(self, besides: Iterable[Partition]) -> dict[Partition, int]:
        """Return the offsets that must have been applied for the evaluation time to hold.

        Args:
            besides: partitions that are checked in another way.
        """
        left_out = set(besides)
        return {tp: mark.offset for tp, mark in self._marks.items() if mark.offset and tp not in left_out}

    def with_batches(self, batches: Iterable[DecodedBatch]) -> dict[Partition, Mark]:
        """Return the marks as they will be when batches have been applied.

        Args:
            batches: about to be applied.

        Returns:
            The changed marks only.
        """
        now = self.wall()
        changed: dict[Partition, Mark] = {}
        for batch in batches:
            partition = batch.raw.partition
            if partition.topic == self._timeless:
                continue
            mark = changed.get(partition) or self._marks.get(partition, Mark())
            moving = mark.moved_at and now - mark.moved_at < self._policy.idle_after
            changed[partition] = replace(
                mark,
                newest=max(mark.newest, batch.newest),
                applied_to=max(mark.applied_to, min(batch.appended, now)),
                caught_up=False,
                offset=max(mark.offset, batch.raw.next_offset),
                moving_since=mark.moving_since if moving else now,
                moved_at=now,
            )
        return changed

    def applied(self, changed: Mapping[Partition, Mark]) -> None:
        """Note that batches have been applied.

        Args:
            changed: what `with_batches` said.
        """
        self._marks.update(changed)

    def report(
        self, caught_up: Mapping[Partition, bool], generation: int, held: Collection[Partition] = ()
    ) -> dict[Partition, Mark]:
        """Bring this worker's marks up to date with the present.

        Args:
            caught_up: for each of its partitions whether nothing is left to fetch or to apply.
            generation: of the consumer group.
            held: those of them where all that is left stands behind an open transaction.

        Returns:
            The marks to report.
        """
        now = self.wall()
        timed = {partition: done for partition, done in caught_up.items() if partition.topic != self._timeless}
        for partition, done in timed.items():
            mark = self._marks.get(partition, Mark())
            self._marks[partition] = replace(
                mark,
                caught_up=done,
                applied_to=now if done else mark.applied_to,
                reported_at=now,
                generation=generation,
                held=partition in held,
            )
        return {partition: self._marks[partition] for partition in timed}

    def unread(self) -> list[Partition]:
        """Return the partitions of which no worker has reported for long, as this one has seen."""
        now = self.wall()
        known = {tp: self._marks[tp].reported_at for tp in self.partitions - self.own if tp in self._marks}
        return sorted(tp for tp, at in known.items() if now - max(at, self._assigned_at) > _UNREAD_AFTER)

    def lags(self) -> dict[Partition, float]:
        """Return the lags of this worker's partitions, and of those that nobody reads; none that is not known."""
        lags = {partition: self.lag(partition) for partition in (*self.own, *self.unread())}
        return {partition: lag for partition, lag in lags.items() if lag is not None}

    def lag(self, partition: Partition) -> float | None:
        """Return the seconds between now and the time up to which a partition has been applied; None without one."""
        applied_to = self._marks.get(partition, Mark()).applied_to
        return max(self.wall() - applied_to, 0) / 1e6 if applied_to else None

    def applied_to(self, partition: Partition) -> int:
        """Return the time up to which a partition has been applied, in microseconds; 0 before there is one."""
        return self._marks.get(partition, Mark()).applied_to

    @property
    def known(self) -> bool:
        """Whether every partition has been reported once; the stream clock goes on without, and keeps events aside."""
        return self._stream or (bool(self.partitions) and self.partitions <= self._marks.keys())

    @property
    def keeping_up(self) -> bool:
        """Whether all that can be read is applied at the present; never on the stream clock, which knows no present."""
        known = self._known(self._marks)
        return not self._stream and bool(known) and waits_for_transactions(known, self.wall())

    def arrival(self, changed: Mapping[Partition, Mark]) -> int:
        """Return when what is being applied was appended to its logs.

        Args:
            changed: marks that hold once it has been applied.

        Returns:
            The latest time, in microseconds; 0 on the stream clock, which knows only the events' own times.
        """
        return 0 if self._stream else max([mark.applied_to for mark in changed.values()], default=0)

    def evaluation(self, changed: Mapping[Partition, Mark] | None = None) -> tuple[int, int]:
        """Return the evaluation time and the horizon.

        Args:
            changed: marks that hold once what is being applied has been applied.

        Returns:
            Two times in microseconds; 0 while it is not known how far every partition has come.
        """
        now = self.wall()
        marks = self._marks | dict(changed or {})
        known = self._known(marks)
        if self._stream:
            at = stream_time(known, now, self._policy.lateness, self._policy.idle_after)
            return at, at
        at = wall_time(known, now)
        # Behind an open transaction nothing is silent. But what can be read counts as it comes, up to the end of the
        # pane: no boundary has to be judged for that.
        if at < now and not (at and waits_for_transactions(known, now)):
            return at, at
        return at, boundary_after(at, self._policy.pane) - 1

    def _known(self, marks: Mapping[Partition, Mark]) -> list[Mark]:
        return [marks.get(partition, Mark()) for partition in self.partitions]
