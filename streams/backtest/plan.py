"""When to look at whom: the moments of a validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.backtest.observations import Customer, CutOff
from scoring.instants import DAY, format_instant


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns of a report: days after each customer's start, and times that are the same for all (microseconds)."""

    days: tuple[int, ...] = ()
    times: tuple[int, ...] = ()

    @property
    def titles(self) -> tuple[str, ...]:
        """What the columns are called."""
        dates = [format_instant(time).removesuffix("T00:00:00Z") for time in self.times]
        return (*(f"day {day}" for day in self.days), *dates)

    def moments(self, customers: Mapping[str, Customer], first_events: Mapping[str, int]) -> dict[str, list[CutOff]]:
        """Say when to look at each customer.

        Args:
            customers: by their id.
            first_events: in microseconds, for customers whose start is not given; without both, only by `times`.

        Returns:
            The moments of each customer, in the order of time.
        """
        found = {}
        for name, customer in customers.items():
            start = first_events.get(name) if customer.start is None else customer.start
            days: Sequence[int] = () if start is None else [start + day * DAY for day in self.days]
            times = [CutOff(time, column) for column, time in enumerate(days)]
            times += [CutOff(time, len(self.days) + column) for column, time in enumerate(self.times)]
            found[name] = sorted(times)
        return found
