"""The pace of a replay: how long to wait before an event is due."""

from __future__ import annotations

import time
from collections.abc import Callable

from scoring.instants import SECOND


class Pace:
    """So many times as fast as it happened, counted from the first event."""

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with the first event that has a time.

        Args:
            speed: seconds of the events in one second.
            clock: seconds.
        """
        self._speed = speed
        self._clock = clock
        self._first = 0
        self._began = 0.0

    def delay(self, at: int) -> float:
        """Return how long an event has to wait.

        Args:
            at: the time of the event in microseconds; 0 for none.

        Returns:
            Seconds; 0 or less if it is due.
        """
        if not at:
            return 0.0
        if not self._first:
            self._first, self._began = at, self._clock()
        return self._began + (at - self._first) / SECOND / self._speed - self._clock()
