"""Measures over all customers: those of all their events together, from the sums of `scoring.figures.tally_fields`.

Rests on decisions 21, 24 and 100.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter

from scoring.customer.measuring import fraction, of_sessions
from scoring.figures.tally_fields import BILLION, NEWEST
from scoring.points import quotient
from scoring.policy.policy import Policy
from scoring.rules.measures import REGULARITY, SESSION_FORMS, SHARE, SUMMED, Measure
from scoring.rules.regularity import DORMANT, REGULARITIES
from scoring.rules.sessions import SessionTotals
from scoring.rules.tally import held_by, holders_name, regular_name

_AMOUNT = itemgetter(1)


@dataclass(frozen=True, slots=True)
class MeasureFigure:
    """A measure over all customers, as it is published: '' where there is nothing to tell.

    Of a measure without a denominator `value` is the total, `average` that for each of the `customers` who have a
    value; else these are '' and None. Of a share `value` is the percentage of the `customers` who have an event of
    the types in `to`, and `events` that of all events. Of a regularity there is no value but `regular`: how many
    customers are daily, weekly, monthly and dormant ones.
    """

    value: str
    average: str = ""
    customers: int | None = None
    events: str | None = None
    regular: Mapping[str, int] | None = None


class MeasureSums:
    """Sums over customers, to be read as measures."""

    def __init__(self, fields: Mapping[str, int], band: str = "") -> None:
        """Sort the fields.

        Args:
            fields: as `scoring.figures.tally_fields` names them.
            band: the index of the band whose sums are meant; '' for those of all.
        """
        self._amounts: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._capped: dict[str, dict[int, int]] = defaultdict(dict)
        self._newest: dict[str, dict[int, int]] = defaultdict(dict)
        self._sessions: dict[str, dict[int, int]] = defaultdict(dict)
        changes: dict[str, dict[int, int]] = defaultdict(dict)
        by_kind = {"c": changes, NEWEST: self._newest, "k": self._capped, "v": self._sessions}
        for field, amount in fields.items():
            words, _, name = field[1:].partition(".")
            name, _, of_band = name.partition("@")
            if of_band != band:
                continue
            pane = int(words)
            if field[0] in by_kind:
                by_kind[field[0]][name][pane] = amount
            else:
                self._amounts[name][pane] += amount * BILLION if field[0] == "b" else amount
        self._holders = {name: _running(by_pane) for name, by_pane in changes.items()}

    def figures(self, policy: Policy, pane: int, customers: int = 0) -> dict[str, MeasureFigure]:
        """Give the measures of a time.

        Args:
            policy: declares them.
            pane: the present one then.
            customers: how many there are altogether; who is not regular is dormant.

        Returns:
            Each measure that can be published for all customers combined, by its name.
        """
        found = {}
        for measure in policy.measures:
            if measure.form in SUMMED:
                found[measure.name] = self._figure(measure, pane)
            elif policy.figures.by_day and measure.form == REGULARITY:
                name = regular_name(measure.of, measure.panes)
                counts = [self.held_under(f"{name}{index}", pane) for index in range(DORMANT)]
                counts.append(max(customers - sum(counts), 0))
                found[measure.name] = MeasureFigure("", regular=dict(zip(REGULARITIES, counts, strict=True)))
            elif policy.figures.by_day and measure.form in SESSION_FORMS and measure.is_number:
                found[measure.name] = MeasureFigure(of_sessions(measure.form, self._totals_of_sessions(measure, pane)))
        return found

    def shared_out(self, measure: Measure, pane: int, dividend: int, divisor: int) -> str:
        """Share out the total of a measure, as it is published.

        Args:
            measure: of the policy, without a denominator.
            pane: the present one.
            dividend: what it is multiplied with.
            divisor: among how many.

        Returns:
            The text; '' where there is nobody.
        """
        total = sum(self.total(code, measure.panes, pane) for code in measure.of)
        total -= sum(self.total(code, measure.panes, pane) for code in measure.less)
        return quotient(total * measure.numerator * dividend, measure.denominator * divisor) if divisor else ""

    def held(self, codes: Sequence[str], panes: int, pane: int) -> int:
        """Return how many customers have any of some codes.

        Args:
            codes: of types and amounts, in their order.
            panes: in how many.
            pane: up to and with this one.
        """
        return self.held_under(holders_name(codes, panes), pane)

    def held_under(self, name: str, pane: int) -> int:
        """Return how many customers are counted under a name.

        Args:
            name: of holders, or of a step of a funnel.
            pane: as of this one.
        """
        panes, counts = self._holders.get(name, ([], []))
        at = bisect_right(panes, pane)
        return counts[at - 1] if at else 0

    def total(self, code: str, panes: int, pane: int) -> int:
        """Add up what is counted under a code.

        Args:
            code: of a type or an amount that is added up.
            panes: over how many.
            pane: the last one.
        """
        return _sum(self._amounts.get(code, {}), panes, pane)

    def capped(self, code: str, panes: int, pane: int) -> int:
        """Add up what the caps let count under a code, see `total`."""
        return _sum(self._capped.get(code, {}), panes, pane)

    def _figure(self, measure: Measure, pane: int) -> MeasureFigure:
        totals = {code: self._total(code, measure, pane) for code in (*measure.of, *measure.less, *measure.to)}
        held = [self.held(codes, panes, pane) for codes, panes in held_by(measure)]
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

    def _totals_of_sessions(self, measure: Measure, pane: int) -> SessionTotals:
        return SessionTotals(
            *[_sum(self._sessions.get(measure.channel + letter, {}), measure.panes, pane) for letter in "nspbm"]
        )

    def _total(self, code: str, measure: Measure, pane: int) -> int:
        if code[0] == NEWEST:
            newest = self._newest.get(code, {})
            return max([newest[at] for at in newest if pane - measure.panes < at <= pane], default=0)
        return self.total(code, measure.panes, pane)


def _running(changes: Mapping[int, int]) -> tuple[list[int], list[int]]:
    """Give the panes at which a number changes, in order, and the number from each of them on."""
    ordered = sorted(changes.items())
    return [pane for pane, _ in ordered], list(accumulate(map(_AMOUNT, ordered)))


def _sum(by_pane: Mapping[int, int], panes: int, pane: int) -> int:
    if panes < len(by_pane):
        return sum([by_pane.get(at, 0) for at in range(pane - panes + 1, pane + 1)])
    return sum([amount for at, amount in by_pane.items() if pane - panes < at <= pane])
