"""Closes the days of the segments' clocks, and tells which customers are to be looked at again by them.

Rests on decision 80.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from scoring.customer.absence_days import close_days
from scoring.instants import DAY
from scoring.judging.absence_judging import readings_at
from scoring.judging.moment import Moment
from scoring.policy.policy import Policy
from scoring.rules.absence import AbsenceRule, SegmentClock
from streams.records import Partition
from streams.rounds.engine import Engine
from streams.upkeep.segment_watch import SegmentWatch

_NEVER = -1


class AbsenceWatch:
    """What this worker knows of the clocks; costs nothing where the policy has no alerts of absence."""

    def __init__(self, engine: Engine) -> None:
        """Start knowing nothing.

        Args:
            engine: judges by the clocks, which the workers share in its store.
        """
        self._policy = engine.settings.policy
        self._store = engine.store
        self._set_aside = engine.scorer.set_aside
        self._moments = engine.moments
        self._segments = SegmentWatch(engine)
        self._closed = _NEVER

    def follow(self, policy: Policy) -> None:
        """Close days by another policy.

        Args:
            policy: in force from now on.
        """
        self._policy = policy
        self._segments.follow(policy)
        self._closed = _NEVER

    async def close(self, moment: Moment) -> None:
        """Close the days that have ended; once closed, a day stays as it is.

        All customers must be in the sums: not while they are brought to follow a policy.

        Args:
            moment: of which the days are looked at; its time is 0 while it is not known.

        Raises:
            TransientError: if the store does not answer; the next turn goes on.
            FenceMoved: if the store has forgotten something.
        """
        rule, today = self._policy.absence, moment.now // DAY
        if rule is None or not moment.now or (today <= self._closed and self._moments.clocks):
            return
        segments = [""]
        if self._policy.profiles is not None:
            segments += await self._store.kpi.segments()
        clocks: dict[str, SegmentClock] = {}
        closed = today
        for segment in segments:
            clock = await self._closed_to(today, segment, rule, moment.least)
            if clock is None:
                continue
            clocks[segment] = clock
            if clock.last < today:
                # Somebody is still to be judged: the next turn looks again.
                closed = _NEVER
        self._moments.clocks = clocks
        self._closed = closed

    async def _closed_to(
        self, today: int, segment: str, rule: AbsenceRule, least: Mapping[Partition, int]
    ) -> SegmentClock | None:
        store = self._store.absences
        while True:
            clock = await store.clock(segment)
            if clock is not None and clock.last >= today:
                return clock
            fields = await store.members(rule.members_within, segment, today * DAY - 1, least)
            if fields is None:
                return clock
            closed = close_days(rule, clock, fields, today - 1)
            if closed is None or await store.move_clock(segment, None if clock is None else clock.last, closed):
                return closed

    async def tell(self) -> None:
        """Report what the closed days say of whole segments: see `SegmentWatch.tell`."""
        await self._segments.tell(self._moments.clocks)

    async def judge(
        self,
        group: int,
        now: int,
        limit: int,
        worker: str,
        evaluate: Callable[[int, list[str]], Awaitable[None]],
    ) -> int:
        """Judge customers whose time has come by the clocks.

        Args:
            group: of the customers.
            now: the evaluation time, in microseconds.
            limit: how many, at most.
            worker: only one at a time gets a group's.
            evaluate: judges and stores customers of a group.

        Returns:
            How many there were.

        Raises:
            TransientError: if the store or Kafka does not answer.
            FenceMoved: if the store has forgotten something.
        """
        clocks = self._moments.clocks
        if self._policy.absence is None or not clocks:
            return 0
        readings = readings_at(clocks, now)
        customers = await self._store.absences.due(group, readings, limit, worker)
        if customers:
            await evaluate(group, customers)
            unread = [customer for customer in customers if customer in self._set_aside]
            await self._store.absences.prune(group, list(readings), customers, unread)
        return len(customers)
