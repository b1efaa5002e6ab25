"""How far the evaluation time may go, given how far each source partition has been applied.

Rests on decisions 2, 31 and 71.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scoring.instants import SECOND

#: A mark that has not been renewed for this long says nothing about the present.
STALE_AFTER: Final = 5 * SECOND
#: Up to this much lag counts as keeping up.
KEEPING_UP: Final = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one partition has been applied; all times in microseconds, wall clock but for `newest`.

    `newest` is the newest event time applied, 0 before the first. `applied_to` is the time up to which everything
    appended has been applied. `caught_up`: nothing was left to fetch when last reported. `held`: all that was left
    stood behind an open transaction, where nobody may read yet, or Kafka did not answer. `moving_since` and `moved_at`
    bound the present stretch of records; `generation` is that of the consumer group when reported.
    """

    newest: int = 0
    applied_to: int = 0
    caught_up: bool = False
    moving_since: int = 0
    moved_at: int = 0
    reported_at: int = 0
    generation: int = 0
    offset: int = 0
    held: bool = False


def stream_time(marks: Iterable[Mark], now: int, lateness: int, idle_after: int) -> int:
    """Compute the watermark of the stream clock.

    The least of the newest event times over the partitions that still move, less the lateness. A partition is idle,
    and does not hold it back, when it is read to its end and has had no record for `idle_after`, counted from the
    moment at which the stream came to life where that is later: so partitions whose first records come a little
    later than those of others are waited for. With all partitions idle nothing more is under way, and the newest
    event time of all holds.

    Args:
        marks: of every partition of every source topic.
        now: the wall clock, in microseconds.
        lateness: microseconds that an event may come late.
        idle_after: microseconds without a record after which a partition is idle.

    Returns:
        Microseconds since 1970; 0 while some partition is not known well enough, or without events.
    """
    marks = list(marks)
    woke = min((mark.moving_since for mark in marks if now - mark.moved_at < idle_after), default=0)
    holding = [mark.newest for mark in marks if not _idle(mark, now, woke, idle_after)]
    newest = min(holding) if holding else max((mark.newest for mark in marks), default=0)
    return max(newest - lateness, 0)


def _idle(mark: Mark, now: int, woke: int, idle_after: int) -> bool:
    # Idle as of the last report: since then, records may have come that nobody has read.
    fresh = now - mark.reported_at <= STALE_AFTER
    return fresh and mark.caught_up and mark.reported_at - max(mark.moved_at, woke) >= idle_after


def wall_time(marks: Iterable[Mark], now: int) -> int:
    """Compute the evaluation time of the wall clock.

    It is now, but while a partition is behind, the time up to which it has been applied: silence is not judged
    before the log has been read. Behind an open transaction there may be records at any moment, so there it is not
    judged even for as long as counts as keeping up.

    Args:
        marks: of every partition of every source topic.
        now: the wall clock, in microseconds.

    Returns:
        Microseconds since 1970; `now` where every partition keeps up.
    """
    return min((mark.applied_to if mark.held or _is_behind(mark, now) else now for mark in marks), default=0)


def waits_for_transactions(marks: Iterable[Mark], now: int) -> bool:
    """Return whether no partition is behind but for what stands behind open transactions.

    Args:
        marks: of every partition of every source topic.
        now: the wall clock, in microseconds.
    """
    return all(mark.held for mark in marks if _is_behind(mark, now))


def _is_behind(mark: Mark, now: int) -> bool:
    return now - mark.applied_to > KEEPING_UP
