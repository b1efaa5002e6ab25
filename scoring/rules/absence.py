"""The rule of absence: who has missed more of the segment's days than this customer ever came back from.

Silence is counted in the days of a segment, each weighed by the share of its members who were active, so that a
holiday raises no wave of alerts. All numbers are whole: shares, clocks, absences and due times are millionths of a day,
days are numbered from 1970-01-01 UTC.

Rests on decisions 25 and 135.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

#: One whole day of the segment: all of its members were active.
WHOLE_DAY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class AbsenceRule:
    """When an absence is worth an alert.

    An alert is raised once the segment's clock has gone on by `share` of the customer's longest absence, of `at_most`
    at the most, and `margin` more. The longest absence is that of those that ended within the last `memory` days. The
    margin grows by `growth` with each doubling of the active days within these. All are in millionths (of 1, of a day).
    A member of a day was active on one of the `members_within` days before it. A day with fewer than `least_members`
    does not move the clock.
    """

    share: int = WHOLE_DAY
    margin: int = 2 * WHOLE_DAY
    members_within: int = 28
    memory: int = 181
    least_members: int = 5
    at_most: int = 365 * WHOLE_DAY
    growth: int = 0

    def share_of_day(self, members: int, active: int) -> int:
        """Give by how much a day moves the clock, in millionths of a day.

        Args:
            members: of the segment on that day.
            active: those of them who were active on it.
        """
        return active * WHOLE_DAY // members if members >= self.least_members else 0

    def needed(self, longest: int, days: Sequence[int], index: int) -> int:
        """Give how many missed days after an active one raise the alert, in millionths.

        Args:
            longest: the longest absence that the customer has come back from.
            days: on which the customer was active, in order; those within the memory before the one asked about.
            index: of that one.
        """
        held = min(longest * self.share // WHOLE_DAY, self.at_most)
        if not self.growth:
            return held + self.margin
        active = index + 1 - bisect_left(days, days[index] - self.memory)
        return held + self.margin + self.growth * (active.bit_length() - 1)


class SegmentClock:
    """The clock of one segment: how many whole days of it have passed by the start of a day."""

    __slots__ = ("_first", "_readings")

    def __init__(self, first: int, readings: Sequence[int]) -> None:
        """Take over what the days came to.

        Args:
            first: number of the first day.
            readings: of the clock at the start of that day and of each that follows, never less than the one before.
        """
        self._first = first
        self._readings = readings

    @property
    def first(self) -> int:
        """The number of the first day."""
        return self._first

    @property
    def last(self) -> int:
        """The number of the last day at whose start the clock is known."""
        return self._first + len(self._readings) - 1

    def at(self, day: int) -> int:
        """Read the clock at the start of a day, in millionths; before the first one it stands still.

        Args:
            day: its number, `last` at most.
        """
        return self._readings[max(day - self._first, 0)]

    def until(self, day: int) -> SegmentClock:
        """Give the clock as it was known at the start of a day.

        Args:
            day: its number.
        """
        if day >= self.last:
            return self
        return SegmentClock(self._first, self._readings[: max(day - self._first, 0) + 1])

    def reaches(self, reading: int, after: int) -> int | None:
        """Find the first day at whose start the clock has come to a reading.

        Args:
            reading: in millionths.
            after: number of the day from which on it is looked for.

        Returns:
            The number of the day; None while the clock has not come so far.
        """
        place = bisect_left(self._readings, reading, max(after - self._first, 0))
        return self._first + place if place < len(self._readings) else None


class Absence:
    """The days from one active day of a customer, `last_day`, to the next, `ended` (None while it goes on).

    `missed` is how much of the segment's clock has passed, `longest` the longest absence that the customer had come
    back from before it, `needed` how much has to pass to raise an alert, all in millionths of a day. `alert_day` is the
    day at whose start the alert is raised, None if it is not.
    """

    # A plain class, as `Event` is: each time a customer is judged, some are made.
    __slots__ = ("alert_day", "ended", "last_day", "longest", "missed", "needed")

    def __init__(
        self, last_day: int, ended: int | None, missed: int, longest: int, needed: int, alert_day: int | None
    ) -> None:
        """Put an absence together; see above for the arguments."""
        self.last_day = last_day
        self.ended = ended
        self.missed = missed
        self.longest = longest
        self.needed = needed
        self.alert_day = alert_day


def absences(rule: AbsenceRule, clock: SegmentClock, days: Sequence[int], last: int | None = None) -> Iterator[Absence]:
    """Go through the absences of one customer.

    Args:
        rule: when an alert is raised.
        clock: of the customer's segment.
        days: on which the customer was active, in order.
        last: the day up to whose start to look, where that is before the end of the clock.

    Yields:
        Each absence, the one that goes on included, as far as the clock is known.
    """
    end = clock.last if last is None else min(last, clock.last)
    # The absences that may still be the longest: each shorter than the ones before it.
    past: list[tuple[int, int]] = []
    for index, day in enumerate(days):
        if day >= end:
            return
        past = [(ended, missed) for ended, missed in past if ended >= day - rule.memory]
        longest = past[0][1] if past else 0
        began = clock.at(day + 1)
        ended = days[index + 1] if index + 1 < len(days) else None
        until = end if ended is None else min(ended, end)
        needed = rule.needed(longest, days, index)
        found = clock.reaches(began + needed, day + 1)
        missed = clock.at(until) - began
        yield Absence(day, ended, missed, longest, needed, found if found is not None and found <= until else None)
        if ended is not None:
            past = [one for one in past if one[1] > missed] + [(ended, missed)]


def clock_of(rule: AbsenceRule, histories: Iterable[Sequence[int]], last: int) -> SegmentClock:
    """Make the clock of a segment from all active days of all its customers.

    Args:
        rule: who is a member, and which days count.
        histories: for each customer the active days, in order.
        last: number of the last day that has ended.

    Returns:
        The clock, known at the start of each day up to the one after `last`.
    """
    changes: Counter[int] = Counter()
    active: Counter[int] = Counter()
    first = last + 1
    for days in histories:
        first = min([first, *days[:1]])
        changes.update(member_changes(rule.members_within, days))
        active.update(current for before, current in pairwise(days) if current - before <= rule.members_within)
    readings, members = [0], 0
    for day in range(first, last + 1):
        members += changes[day]
        readings.append(readings[-1] + rule.share_of_day(members, active[day]))
    return SegmentClock(first, readings)


def member_changes(within: int, days: Sequence[int]) -> dict[int, int]:
    """Return by how much one customer changes the number of members, by day.

    Args:
        within: for how many days after an active one a customer is a member.
        days: on which the customer was active, in order.

    Returns:
        The days on which it changes, and by how much.
    """
    if not days:
        return {}
    joins = days[0] + 1
    changes = {joins: 1}
    for day in days:
        # Where the membership that an earlier day gave still lasts, it goes on.
        if day + 1 > joins + within:
            changes[joins + within] = -1
            changes[day + 1] = 1
        joins = day + 1
    changes[joins + within] = -1
    return changes
