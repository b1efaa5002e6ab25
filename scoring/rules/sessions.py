"""Sessions: what a customer does without a longer pause, exact in whatever order the events come.

A pane keeps *visits*: the parts of sessions that lie in it. Sessions are put together from the visits of all panes
only when they are asked for, so an event that comes late, before, between or after others, joins what it has to join,
also over the border of a pane. Times are whole seconds.

Rests on decisions 9 and 24.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Visit(NamedTuple):
    """Events of one customer with no pause among them: the first and the last second, and how many pages they saw."""

    first: int
    last: int
    pages: int


class SessionRule(NamedTuple):
    """What an event of one type does to sessions: of which channel, by its stored code, and whether it is a page.

    `pause` is how many seconds without an event end a session.
    """

    channel: str
    pause: int
    pages: int


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """The sessions of some panes, added up.

    `seconds` is the time from the first to the last event of each, `bounces` are sessions with a single page, and
    `moves` how often a page was left for another one of the same session.
    """

    sessions: int
    seconds: int
    pages: int
    bounces: int
    moves: int


def add_visit(visits: list[Visit], second: int, pages: int, pause: int) -> None:
    """Add one event to the visits of its pane.

    Args:
        visits: in the order of their time; changed in place.
        second: when it happened.
        pages: 1 if it is the view of a page, else 0.
        pause: see `SessionRule`; the event joins every visit that is nearer than this.
    """
    if visits:
        first, last, seen = visits[-1]
        if first <= second < last + pause:
            visits[-1] = Visit(first, max(last, second), seen + pages)
            return
    first = last = second
    before = after = 0
    for visit in visits:
        if visit.last + pause <= second:
            before += 1
        elif second + pause > visit.first:
            first, last, pages = min(first, visit.first), max(last, visit.last), pages + visit.pages
            after += 1
    visits[before : before + after] = [Visit(first, last, pages)]


def join_visits(one: Iterable[Visit], other: Iterable[Visit], pause: int) -> list[Visit]:
    """Put the visits of two customers to one pane together, as if they had always been those of one.

    Args:
        one: in any order.
        other: in any order.
        pause: see `SessionRule`.

    Returns:
        Visits in the order of their time, none nearer than the pause to another.

    Example:
        >>> join_visits([Visit(0, 200, 3)], [Visit(250, 300, 1), Visit(9000, 9000, 1)], pause=1800)
        [Visit(first=0, last=300, pages=4), Visit(first=9000, last=9000, pages=1)]
    """
    joined: list[Visit] = []
    for visit in sorted([*one, *other]):
        if joined and visit.first < joined[-1].last + pause:
            first, last, pages = joined[-1]
            joined[-1] = Visit(first, max(last, visit.last), pages + visit.pages)
        else:
            joined.append(visit)
    return joined


def add_up(visits: Iterable[Visit], pause: int) -> SessionTotals:
    """Put sessions together and add them up.

    Args:
        visits: of any number of panes, in the order of their time.
        pause: see `SessionRule`.

    Returns:
        Their totals.

    Example:
        >>> add_up([Visit(0, 200, 3), Visit(250, 300, 1), Visit(9000, 9000, 1)], pause=1800)
        SessionTotals(sessions=2, seconds=300, pages=5, bounces=1, moves=3)
    """
    sessions = seconds = pages = bounces = moves = 0
    last: int | None = None
    seen = 0
    for visit in visits:
        if last is None or visit.first - last >= pause:
            bounces += seen == 1
            moves += max(seen - 1, 0)
            sessions += 1
            seconds -= visit.first
            seen = 0
        else:
            seconds -= last
        last = visit.last
        seconds += last
        pages += visit.pages
        seen += visit.pages
    return SessionTotals(sessions, seconds, pages, bounces + (seen == 1), moves + max(seen - 1, 0))
