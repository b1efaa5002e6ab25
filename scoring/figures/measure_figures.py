"""Measures over all customers: those of all their events together, from the sums of `scoring.rules.tally`.

Rests on decisions 21 and 24.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from scoring.figures.measuring import fraction
from scoring.points import quotient
from scoring.policy.policy import Policy
from scoring.rules.measures import SHARE, SUMMED, Measure
from scoring.rules.tally import BILLION, NEWEST, held_by, holders_name


@dataclass(frozen=True, slots=True)
class MeasureFigure:
    """A measure over all customers, as it is published: '' where there is nothing to tell.

    Of a measure without a denominator `value` is the total, `average` that for each of the `customers` who have a
    value; else these are '' and None. Of a share `value` is the percentage of the `customers` who have an event of
    the types in `to`, and `events` that of all events.
    """

    value: str
    average: str = ""
    customers: int | None = None
    events: str | None = None


class MeasureSums:
    """Sums over customers, to be read as measures."""

    def __init__(self, fields: Mapping[str, int]) -> None:
        """Sort the fields.

        Args:
            fields: as `scoring.rules.tally` names them.
        """
        self._amounts: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._newest: dict[str, dict[int, int]] = defaultdict(dict)
        self._holders: dict[str, dict[int, int]] = defaultdict(dict)
        for field, amount in fields.items():
            words, _, name = field[1:].partition(".")
            pane = int(words)
            if field[0] == "c":
                self._holders[name][pane] = amount
            elif field[0] == NEWEST:
                self._newest[name][pane] = amount
            else:
                self._amounts[name][pane] += amount * BILLION if field[0] == "b" else amount

    def figures(self, policy: Policy, pane: int) -> dict[str, MeasureFigure]:
        """Give the measures of a time.

        Args:
            policy: declares them.
            pane: the present one then.

        Returns:
            Each measure that can be told of all customers together, by its name.
        """
        return {measure.name: self._figure(measure, pane) for measure in policy.measures if measure.form in SUMMED}

    def _figure(self, measure: Measure, pane: int) -> MeasureFigure:
        totals = {code: self._total(code, measure, pane) for code in (*measure.of, *measure.less, *measure.to)}
        held = [self._held(codes, panes, pane) for codes, panes in held_by(measure)]
        if measure.form == SHARE:
            asked, did, either = held
            value = quotient((asked + did - either) * measure.numerator, measure.denominator * asked) if asked else ""
            return MeasureFigure(value, "", asked, fraction(measure, totals))
        if measure.to:
            return MeasureFigure(fraction(measure, totals))
        (customers,) = held
        if not customers:
            return MeasureFigure("", "", 0)
        total = sum(totals[code] for code in measure.of) - sum(totals[code] for code in measure.less)
        average = quotient(total * measure.numerator, measure.denominator * customers)
        return MeasureFigure(fraction(measure, totals), average, customers)

    def _held(self, codes: tuple[str, ...], panes: int, pane: int) -> int:
        changes = self._holders.get(holders_name(codes, panes), {})
        return sum(change for at, change in changes.items() if at <= pane)

    def _total(self, code: str, measure: Measure, pane: int) -> int:
        oldest = pane - measure.panes
        if code[0] == NEWEST:
            return max((newest for at, newest in self._newest.get(code, {}).items() if oldest < at <= pane), default=0)
        return sum(amount for at, amount in self._amounts.get(code, {}).items() if oldest < at <= pane)
