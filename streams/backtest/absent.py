"""The absences of a replayed history, by the rule of a policy.

Rests on decision 25.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scoring.backtest.observations import Customer
from scoring.instants import DAY
from scoring.policy.policy import Policy
from scoring.rules.absence import WHOLE_DAY, Absence, AbsenceRule, SegmentClock, absences, clock_of
from streams.backtest.replaying import Past


class ReplayedAbsences:
    """The clock of each segment, and by it the absences of every customer.

    Where the policy knows no segments, each stratum of customers has a clock of its own, as a segment would have.
    """

    def __init__(
        self, policy: Policy, customers: Mapping[str, Customer], pasts: Sequence[Past], known_until: int
    ) -> None:
        """Make the clocks.

        Args:
            policy: that judged; without a rule of absence the default one is begun from.
            customers: by their id.
            pasts: what is left of their histories.
            known_until: where the history ends, in microseconds.
        """
        self.rule = policy.absence or AbsenceRule()
        by_segment: dict[str, list[Past]] = defaultdict(list)
        for past in pasts:
            by_segment[past.segment if policy.profiles is not None else customers[past.name].stratum].append(past)
        self._days = {past.name: past.days for past in pasts}
        self._clocks: dict[str, SegmentClock] = {}
        for alike in by_segment.values():
            clock = clock_of(self.rule, [past.days for past in alike], known_until // DAY - 1)
            self._clocks |= dict.fromkeys([past.name for past in alike], clock)

    def rule_with(self, share: float, margin: float) -> AbsenceRule:
        """Give the rule with another share and margin, in days; the clocks stay as they are."""
        return replace(self.rule, share=round(share * WHOLE_DAY), margin=round(margin * WHOLE_DAY))

    def of(self, name: str, rule: AbsenceRule, last: int | None = None) -> Iterable[Absence]:
        """Go through the absences of one customer, in order.

        Args:
            name: of the customer.
            rule: that differs from the policy's in share and margin at most.
            last: the number of the day up to whose start to look; None for the end of the history.
        """
        return absences(rule, self._clocks[name], self._days[name], last)

    def alerts(self, name: str, rule: AbsenceRule) -> list[int]:
        """Give the times of a customer's alerts, in microseconds, in order.

        Args:
            name: of the customer.
            rule: that differs from the policy's in share and margin at most.
        """
        return [each.alert_day * DAY for each in self.of(name, rule) if each.alert_day is not None]
