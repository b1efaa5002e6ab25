"""The rules whose alerts are compared: the policy's, each kind on its own, and two that anybody could have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scoring.backtest.alarms import AlarmReport, Alarms, judge_alarms, matched, silences
from scoring.backtest.lot import Lot
from scoring.backtest.observations import Customer
from scoring.instants import DAY, format_duration
from scoring.policy.policy import Policy
from scoring.rules.absence import WHOLE_DAY
from streams.backtest.absent import ReplayedAbsences
from streams.backtest.replaying import Past, Replayed

#: The rows by the name that they have for machines, and what they say to people.
POLICY, EVERYBODY, SILENCE, ABSENT = "policy", "everybody", "silence", "absent"
_TITLES = {
    POLICY: "the policy, all alerts",
    "churn_risk": "drops of the score",
    "disengaging_soon": "drops that are coming",
    ABSENT: "absences",
    EVERYBODY: "everybody once, a day after the first event",
}
#: Bounds that silence tries, in days: enough to come near any number of alerts.
_BOUNDS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 21, 28, 35, 42, 56, 70, 90, 120, 180, 250, 365)

#: Margins in days for the plot of precision against recall.
_MARGINS = (0, 1, 2, 3, 5, 8, 12, 20)

_Times = Callable[[Past], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to raise alerts: its name for machines and for people, and what its alerts were worth."""

    name: str
    title: str
    alarms: AlarmReport


class ReplayedAlerts:
    """The alerts of a replayed history, and what those of other rules would have been worth."""

    def __init__(self, policy: Policy, customers: Mapping[str, Customer], replayed: Replayed, horizon: int) -> None:
        """Find out who was there when.

        Args:
            policy: that judged.
            customers: by their id.
            replayed: what was seen.
            horizon: within which a churn counts as near, in microseconds.
        """
        self._policy = policy
        self._past = [(customers[one.name], one) for one in replayed.pasts]
        self._until = replayed.known_until
        self._lot = Lot([(customer, one.began) for customer, one in self._past], self._until, horizon)
        self.absences = ReplayedAbsences(policy, customers, replayed.pasts, self._until)
        self._absent: dict[str, list[int]] = {}
        if policy.absence is not None:
            self._absent = {one.name: self.absences.alerts(one.name, policy.absence) for one in replayed.pasts}
        raised = {"churn_risk": True, "disengaging_soon": policy.warn_before > 0, ABSENT: policy.absence is not None}
        self._kinds = [kind for kind, raises in raised.items() if raises]

    def judge(self, times_of: _Times) -> AlarmReport:
        """Judge alerts.

        Args:
            times_of: gives the times of a customer's alerts, in microseconds, in order.
        """
        found = (Alarms(customer, one.began, one.days, times_of(one)) for customer, one in self._past)
        return judge_alarms(found, self._until, self._lot)

    def rules(self) -> Iterator[Rule]:
        """Judge every rule that is compared."""
        of_policy = self.judge(self._all)
        yield Rule(POLICY, _TITLES[POLICY], of_policy)
        for kind in self._kinds:
            yield Rule(kind, _TITLES[kind], self.judge(lambda one, kind=kind: self._of_kind(one, kind)))  # type: ignore[misc]
        yield Rule(EVERYBODY, _TITLES[EVERYBODY], self.judge(_day_after_the_first))
        length = matched(of_policy.hits.alerts, _BOUNDS, lambda days: self._silence(days).hits.alerts)
        yield Rule(SILENCE, f"no event for {format_duration(length * DAY)}", self._silence(length))

    def by_margin(self) -> Iterator[tuple[float, float]]:
        """Give recall and precision of the absences for one margin after the other, where outcomes are known."""
        rule = self._policy.absence
        if rule is None or not self._lot.labelled:
            return
        for margin in _MARGINS:
            tried = self.absences.rule_with(rule.share / WHOLE_DAY, margin)
            alarms = self.judge(lambda one, tried=tried: self.absences.alerts(one.name, tried))  # type: ignore[misc]
            if alarms.recall is not None and alarms.hits.precision is not None:
                yield alarms.recall, alarms.hits.precision

    def _of_kind(self, one: Past, kind: str) -> Sequence[int]:
        return self._absent.get(one.name, ()) if kind == ABSENT else one.alerts.get(kind, ())

    def _all(self, one: Past) -> Sequence[int]:
        return sorted(time for kind in self._kinds for time in self._of_kind(one, kind))

    def _silence(self, length: int) -> AlarmReport:
        return self.judge(lambda one: silences(one.days, length, DAY, self._until))


def _day_after_the_first(one: Past) -> Sequence[int]:
    return ((one.began // DAY + 1) * DAY,) if one.began >= 0 else ()
