"""What one customer adds to the numbers of members that move the clocks of absence, read off the active days.

The sums have a field for each thing that is counted; `scoring.rules.absence` says who is a member of a day:

| field | counts |
| --- | --- |
| `m<day>` | change on the day in the number of members |
| `a<day>` | members who were active on the day |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from scoring.customer.activity import SPAN, days_of_span
from scoring.rules.absence import AbsenceRule, SegmentClock, member_changes

#: Active days as bits, by the number of their span: see `scoring.customer.activity`.
Days = Mapping[int, int]


def member_fields(within: int, days: Sequence[int]) -> dict[str, int]:
    """Return what a customer adds to the sums altogether.

    Args:
        within: for how many days after an active one a customer is a member, 1 to 49.
        days: on which the customer was active, in order.

    Returns:
        By field.
    """
    fields = {f"m{day}": change for day, change in member_changes(within, days).items()}
    for before, day in pairwise(days):
        if day - before <= within:
            fields[f"a{day}"] = 1
    return fields


def member_gains(within: int, days: Days, flipped: Sequence[int]) -> dict[str, int]:
    """Return what a customer adds beyond what has been added.

    Args:
        within: see `member_fields`.
        days: on which the customer was active, by now.
        flipped: the days that were noted or taken back since, once for each time.

    Returns:
        By field; only what the neighbours of these days leave to them.
    """
    turned = turned_days(flipped)
    if not turned:
        return {}
    first, last = min(turned), max(turned)
    before = _bits(days, first - within, within)
    after = _bits(days, last + 1, within)
    now = [first - within + before.bit_length() - 1] if before else []
    now += [day for day in range(first, last + 1) if has_day(days, day)]
    now += [last + (after & -after).bit_length()] if after else []
    fields = member_fields(within, now)
    for field, count in member_fields(within, sorted(turned.symmetric_difference(now))).items():
        fields[field] = fields.get(field, 0) - count
    return {field: count for field, count in fields.items() if count}


def turned_days(flipped: Iterable[int]) -> set[int]:
    """Give the days that are not what they were.

    Args:
        flipped: the days that were noted or taken back, once for each time.
    """
    turned: set[int] = set()
    for day in flipped:
        turned ^= {day}
    return turned


def has_day(days: Days, day: int) -> bool:
    """Return whether a day is among active ones.

    Args:
        days: as bits.
        day: its number.
    """
    return bool(days.get(day // SPAN, 0) >> day % SPAN & 1)


def days_from(days: Days, start: int) -> list[int]:
    """List active days, in order: those from one on, and the last one before it.

    Args:
        days: as bits.
        start: the number of the first.
    """
    found: list[int] = []
    for span in sorted(days, reverse=True):
        found[:0] = days_of_span(span, days[span])
        if found[0] < start:
            break
    earlier = [day for day in found if day < start]
    return earlier[-1:] + found[len(earlier) :]


def _bits(days: Days, start: int, length: int) -> int:
    span, offset = start // SPAN, start % SPAN
    found = days.get(span, 0) >> offset
    if offset + length > SPAN:
        found |= days.get(span + 1, 0) << (SPAN - offset)
    return found & ((1 << length) - 1)


def close_days(
    rule: AbsenceRule, clock: SegmentClock | None, fields: Mapping[str, int], until: int
) -> SegmentClock | None:
    """Move a clock on, day by day.

    Args:
        rule: which days count.
        clock: as far as it is known; None where it has not begun.
        fields: of the sums of the segment.
        until: number of the last day that has ended.

    Returns:
        The clock at the start of each day up to the one after `until`; None while nobody has been active.
    """
    changes = {int(field[1:]): count for field, count in fields.items() if field[0] == "m"}
    if clock is None:
        if not changes:
            return None
        # Members are those who were active the day before.
        clock = SegmentClock(min(changes) - 1, [0])
    members = sum([change for day, change in changes.items() if day < clock.last])
    readings = [clock.at(day) for day in range(clock.first, clock.last + 1)]
    for day in range(clock.last, until + 1):
        members += changes.get(day, 0)
        readings.append(readings[-1] + rule.share_of_day(members, fields.get(f"a{day}", 0)))
    return SegmentClock(clock.first, readings)
