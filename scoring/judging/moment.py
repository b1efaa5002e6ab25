"""The moment as of which customers are judged: one value for the core, the store and everything between.

Rests on decision 81.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scoring.feeds.feeds import NO_FEEDS, Feeds
from scoring.judging.absence_judging import Clocks

_NOTHING: Final[Mapping[Any, int]] = {}


class Moment:
    """A time, and what is known at it; it does not change.

    `now` is the evaluation time, in microseconds, and 0 while it is not known; events up to `horizon` are taken, later
    ones are kept aside. `feeds` tell when the watched feeds have been silent, as far as `now`. `clocks` are those of
    absence, as far as they are known; None where absences are not judged. `arrived` is when the events came, where that
    is later than `now`: their ids are remembered from then, as the evaluation time jumps over what it has missed.

    The core only passes on what `now` rests on, and the store refuses what is judged where it no longer holds: `least`
    are the offsets that must have been applied, by source partition, and `erasures` is up to where the erasures had
    been read when the events were chosen.
    """

    __slots__ = ("arrived", "clocks", "erasures", "feeds", "horizon", "least", "now")

    def __init__(
        self,
        now: int,
        horizon: int = 0,
        feeds: Feeds = NO_FEEDS,
        clocks: Clocks | None = None,
        *,
        arrived: int = 0,
        least: Mapping[Any, int] = _NOTHING,
        erasures: int = 0,
    ) -> None:
        """Put a moment together; see above for the arguments. A horizon before `now` counts as `now`."""
        self.now: Final = now
        self.horizon: Final = max(horizon, now)
        self.feeds: Final = feeds
        self.clocks: Final = clocks
        self.arrived: Final = arrived
        self.least: Final = least
        self.erasures: Final = erasures

    def __repr__(self) -> str:
        """Write the two times."""
        return f"Moment({self.now!r}, {self.horizon!r})"

    def at(self, now: int) -> Moment:
        """Give the moment at another time, with all else that is known.

        Args:
            now: in microseconds.
        """
        return Moment(
            now,
            self.horizon,
            self.feeds,
            self.clocks,
            arrived=self.arrived,
            least=self.least,
            erasures=self.erasures,
        )

    def not_before(self, time: int) -> Moment:
        """Give the moment, or the one at a later time: nobody is judged as of a time before the last.

        Args:
            time: in microseconds.
        """
        return self if time <= self.now else self.at(time)
