"""Quiet hours: the hours of each day in which nothing is to be said, by the clock of a time zone.

Rests on decision 98.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scoring.instants import SECOND

_MINUTES_OF_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to before `end`, both in minutes after midnight; over midnight where the end is not after it."""

    start: int
    end: int
    timezone: str = "UTC"

    def end_after(self, at: int) -> int:
        """Return when the quiet hours in which a time lies end.

        Args:
            at: microseconds.

        Returns:
            Microseconds, later than the time; 0 where it lies in none. Where the clocks are put back and forward, it
            is the clock on the wall that counts.
        """
        zone = ZoneInfo(self.timezone)
        local = datetime.fromtimestamp(at // SECOND, zone)
        minute = local.hour * _MINUTES_OF_AN_HOUR + local.minute
        over_midnight = self.end <= self.start
        if over_midnight and minute >= self.start:
            day = local.date() + timedelta(days=1)
        elif minute < self.end and (over_midnight or minute >= self.start):
            day = local.date()
        else:
            return 0
        hour, minutes = divmod(self.end, _MINUTES_OF_AN_HOUR)
        # An hour that comes twice ends the second time, if it is the second one in which the time lies.
        end = datetime(day.year, day.month, day.day, hour, minutes, tzinfo=zone, fold=local.fold)
        return round(end.timestamp()) * SECOND
