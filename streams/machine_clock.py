"""The wall clock as far as it can be believed: a jump has to last before it is followed.

Rests on decisions 44 and 78.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from scoring.events.event import MOST_AHEAD
from scoring.instants import MINUTE, SECOND

logger = logging.getLogger(__name__)

#: Smaller differences from the time that has passed are followed at once; they are how a clock is kept right.
LARGEST_SLEW = SECOND
#: A jump is believed after this long: then it is no slip, but the clock was wrong before.
BELIEVED_AFTER = 5 * MINUTE


def elapsed() -> int:
    """Read a clock that nobody sets, in microseconds; it also counts the time in which the machine was suspended."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1000


class SteadyClock:
    """A wall clock that goes on evenly when the machine's clock is set wrong for a while."""

    def __init__(self, wall: Callable[[], int], elapsed: Callable[[], int] = elapsed) -> None:
        """Begin with what the wall clock says.

        Args:
            wall: reads the machine's clock, in microseconds since 1970.
            elapsed: reads a clock that nobody sets, in microseconds.
        """
        self._wall = wall
        self._elapsed = elapsed
        self._anchor = wall() - elapsed()
        self._jumped_at: int | None = None

    def __call__(self) -> int:
        """Return the time, in microseconds since 1970."""
        wall, now = self._wall(), self._elapsed()
        steady = self._anchor + now
        off = wall - steady
        if abs(off) <= LARGEST_SLEW:
            if self._jumped_at is not None:
                logger.warning("the machine's clock is back")
            return self._follow(wall, off)
        if self._jumped_at is None:
            self._jumped_at = now
            logger.warning(
                "the machine's clock has jumped by %+.1f s; it is followed if it stays so for %d minutes",
                off / SECOND,
                BELIEVED_AFTER // MINUTE,
            )
        elif now - self._jumped_at >= BELIEVED_AFTER:
            logger.warning("the machine's clock is followed after its jump by %+.1f s", off / SECOND)
            return self._follow(wall, off)
        return steady

    @property
    def in_doubt(self) -> bool:
        """Whether the machine's clock is so far ahead that events which are right by it would be refused by this."""
        steady = self()
        return self._jumped_at is not None and self._wall() - steady > MOST_AHEAD

    def _follow(self, wall: int, off: int) -> int:
        self._anchor += off
        self._jumped_at = None
        return wall


def wall_clock() -> int:
    """Read the machine's clock, in microseconds since 1970."""
    return time.time_ns() // 1000
