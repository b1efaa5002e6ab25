"""What customers do while they are in a band, side by side: event types, measures, and how many days that takes.

Rests on decision 101.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.customer.activity_sums import MONTH
from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureFigure, MeasureSums
from scoring.instants import DAY
from scoring.points import quotient
from scoring.policy.policy import BANDS, Policy
from scoring.rules.measures import FRACTION, RATE, REGULARITY


@dataclass(frozen=True, slots=True)
class BandFigure:
    """The customers of a band at the end of a day, and what was done in the window up to then by those who were in it.

    `customer_days` adds up the customers at the end of each day of the window. `types` are counts by the name of the
    type. `a_month` tells of these, and of each measure that is a total, what it comes to for a customer who is in the
    band for 30 days; '' where nobody was.
    """

    customers: int
    customer_days: int
    types: Mapping[str, int]
    measures: Mapping[str, MeasureFigure]
    a_month: Mapping[str, str]


class BandSums:
    """Sums over customers by the band that they were in, to be read as figures."""

    def __init__(self, policy: Policy, fields: Mapping[str, int], sums: Sums) -> None:
        """Sort the fields.

        Args:
            policy: in force, with figures by band.
            fields: as `scoring.figures.tally_fields` names them.
            sums: how many customers are in which band.
        """
        self._policy = policy
        self._sums = sums
        self._bands = [MeasureSums(fields, str(index)) for index in range(len(BANDS))]

    def figures(self, day: int, pane: int) -> dict[str, BandFigure]:
        """Give the figures of the bands of a day.

        Args:
            day: its number.
            pane: the last one that counts.

        Returns:
            By the name of the band, the lowest first.
        """
        first = day + 1 - self._days(day, pane, self._policy.panes)
        by_day = [each.bands for each in self._sums.figures(first, day)]
        return {
            name: self._figure(index, [each[index] for each in by_day], day, pane) for index, name in enumerate(BANDS)
        }

    def _days(self, day: int, pane: int, panes: int) -> int:
        """Return how many days so many panes are, or have been so far where the last one is longer than a day."""
        length = self._policy.pane
        return min(-(-panes * length // DAY), day + 1 - (pane - panes + 1) * length // DAY)

    def _figure(self, index: int, customers: Sequence[int], day: int, pane: int) -> BandFigure:
        policy, sums = self._policy, self._bands[index]
        whole, a_month = sum(customers), {}
        types = {
            f"{channel.name}.{kind.name}": sums.total(kind.code, policy.panes, pane)
            for channel in policy.channels
            for kind in channel.types
        }
        for name, count in types.items():
            a_month[name] = quotient(count * MONTH, whole) if whole else ""
        figures, measures = sums.figures(policy, pane), {}
        for measure in policy.measures:
            if measure.name in figures and measure.form not in (RATE, REGULARITY):
                measures[measure.name] = figures[measure.name]
                if measure.form == FRACTION and not measure.to:
                    days = self._days(day, pane, measure.panes)
                    a_month[measure.name] = sums.shared_out(measure, pane, MONTH, sum(customers[-days:]))
        return BandFigure(customers[-1], whole, types, measures, a_month)
