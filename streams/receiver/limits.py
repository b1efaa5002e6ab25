"""What the receiver takes at most: records a second, and bytes that Kafka has not acknowledged yet.

Rests on decision 88.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from streams.errors import RequestRefused

_TOO_MANY, _UNAVAILABLE = 429, 503
#: After how many seconds a request may come again that did not fit.
_PAUSE = 1.0


class Rate:
    """So many records a second of one source: a bucket of tokens that holds those of one second.

    A request is taken while there is a token, and takes one for each of its records: a large one leaves a debt.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a full bucket.

        Args:
            per_second: records.
            clock: seconds.
        """
        self._per_second = self._tokens = per_second
        self._clock = clock
        self._seen = clock()

    def take(self, records: int) -> None:
        """Count the records of a request.

        Args:
            records: how many.

        Raises:
            RequestRefused: if there were too many before; these are not counted.
        """
        now = self._clock()
        self._tokens = min(self._per_second, self._tokens + (now - self._seen) * self._per_second)
        self._seen = now
        if self._tokens <= 0:
            wait = math.ceil((1 - self._tokens) / self._per_second)
            raise RequestRefused(
                _TOO_MANY, "rate", f"more than {self._per_second:g} records a second", retry_after=wait
            )
        self._tokens -= records


class Backlog:
    """The bytes that have been taken and that Kafka has not acknowledged."""

    def __init__(self, most: int) -> None:
        """Begin with nothing.

        Args:
            most: bytes.
        """
        self._most = most
        self.size = 0

    def check(self) -> None:
        """Look whether there is room for anything.

        Raises:
            RequestRefused: if there is none.
        """
        if self.size >= self._most:
            raise RequestRefused(_UNAVAILABLE, "backlog", "Kafka is behind", retry_after=_PAUSE)

    def add(self, size: int) -> None:
        """Count bytes until they are taken away.

        Args:
            size: of the records of a request, which may be larger than the room that is left.

        Raises:
            RequestRefused: if there is no room for anything.
        """
        self.check()
        self.size += size

    def take_away(self, size: int) -> None:
        """Count bytes no longer.

        Args:
            size: that was added.
        """
        self.size -= size
