"""How regularly somebody does something: daily, weekly, monthly, or not at all.

Rests on decisions 8 and 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from scoring.instants import DAY

#: How often somebody does something, from the most to the least.
REGULARITIES: Final = ("daily", "weekly", "monthly", "dormant")
#: The place of the last one: not at all.
DORMANT: Final = 3
_WEEK: Final = 7
# 1970 began on a Thursday; weeks begin on Mondays.
_MONDAY: Final = 3


def regularity(panes: Iterable[int], span: int, pane: int) -> int:
    """Return how regular somebody is: active on more than half of the days, in more than half of the weeks, or at all.

    Args:
        panes: with an event, all within the span.
        span: how many panes it is about.
        pane: the length of one, in microseconds.

    Returns:
        An index into `REGULARITIES`.
    """
    days = {each * pane // DAY for each in panes}
    if not days:
        return DORMANT
    length = span * pane // DAY
    if len(days) * 2 > length:
        return 0
    weeks = {(day + _MONDAY) // _WEEK for day in days}
    return 1 if len(weeks) * 2 > length // _WEEK else 2


def regularity_changes(panes: Sequence[int], span: int, pane: int, start: int, end: int) -> dict[tuple[int, int], int]:
    """Return when a customer becomes regular, as of the panes of a range; what was before does not count.

    Args:
        panes: with an event, in order.
        span: how many panes it is about.
        pane: the length of one, in microseconds.
        start: the first pane of the range.
        end: the last one.

    Returns:
        1 and -1 by pane and regularity: where one begins, and where it ends.
    """
    moments = sorted({start, *[at for each in panes for at in (each, each + span) if start < at <= end]})
    changes: dict[tuple[int, int], int] = {}
    before = DORMANT
    for at in moments:
        now = regularity([each for each in panes if at - span < each <= at], span, pane)
        if now != before:
            if before != DORMANT:
                changes[at, before] = -1
            if now != DORMANT:
                changes[at, now] = 1
        before = now
    return changes
