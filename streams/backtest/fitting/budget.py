"""Alerts of absence within a budget: their margin, their share of the record, and whether they beat a lot.

Rests on decision 25.
"""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import tomli_w

from scoring.backtest.alarms import MONTH, AlarmReport, Hits, days_expected
from scoring.backtest.lot import open_until
from scoring.backtest.observations import Customer
from scoring.instants import DAY
from scoring.policy.builtin import BUILTIN_POLICY
from scoring.policy.policy import Policy
from scoring.rules.absence import WHOLE_DAY, AbsenceRule
from streams.backtest.replaying import Past, Replayed
from streams.backtest.rules import Alerts
from streams.errors import InvalidOutcomes

#: How much of the customer's own record an absence has to reach before the margin counts.
SHARES = (0.0, 0.5, 1.0)
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Fitted:
    """The rule of absence that keeps to a budget, and what is to be expected of it.

    `shares` are what each share came to on customers who were not chosen by; `months` the alerts for each hundred
    customers by calendar month, quietest first.
    """

    rule: AbsenceRule
    report: AlarmReport
    shares: Mapping[float, Hits]
    months: Sequence[float]


class BudgetFit:
    """Chooses share and margin of absences on a replayed history."""

    def __init__(
        self, policy: Policy, customers: Mapping[str, Customer], replayed: Replayed, horizon: int, budget: float
    ) -> None:
        """Prepare.

        Args:
            policy: that judged; without a rule of absence the default one is begun from.
            customers: by their id.
            replayed: what was seen.
            horizon: within which a churn has to come for an alert to be right, in microseconds.
            budget: alerts for each hundred customers and month.
        """
        self._customers = customers
        self._replayed = replayed
        self._budget = budget
        self._alerts = Alerts(policy, customers, replayed, horizon)
        self._dated = any(customer.churned_at is not None for customer in customers.values())
        self._folds = _folds(customers)
        self._days = {
            past.name: days_expected(customers[past.name], past.began, replayed.known_until)
            for past in replayed.pasts
            if customers[past.name].churned is not None
        }

    def fit(self) -> Fitted:
        """Choose.

        Raises:
            InvalidOutcomes: if no choice is better than a lot by more than its error.
        """
        tried = {share: self._held_out(share) for share in SHARES}
        best = max(tried, key=lambda share: tried[share].precision or 0.0)
        hits = tried[best]
        if not hits.beats_the_lot:
            found = f"{hits.precision or 0:.1%} of its alerts are right, {hits.by_lot or 0:.1%} of a lot's"
            problem = f"no rule of absence beats a lot at this budget: {found}; the error is {hits.error:.1%}"
            raise InvalidOutcomes([problem])
        rule = self._rule(best, self._replayed.pasts)
        report = self._alerts.judge(lambda one: self._alerts.absences.alerts(one.name, rule))
        return Fitted(rule, report, tried, self._months(report))

    def _held_out(self, share: float) -> Hits:
        """Choose the margin without each fold, and count what it brings in the fold."""
        total = Hits()
        for fold in sorted(set(self._folds.values())):
            learned = [past for past in self._replayed.pasts if self._folds[past.name] != fold]
            rule = self._rule(share, learned)
            times = {
                past.name: self._alerts.absences.alerts(past.name, rule)
                for past in self._replayed.pasts
                if self._folds[past.name] == fold
            }
            report = self._alerts.judge(lambda one, times=times: times.get(one.name, ()))  # type: ignore[misc]
            total.join(report.within if self._dated else report.hits)
        return total

    def _rule(self, share: float, pasts: Sequence[Past]) -> AbsenceRule:
        """Read the margin off the excesses: the number of absences above it is that of the alerts."""
        rule = self._alerts.absences.rule_with(share, 0)
        excesses = sorted(self._excesses(rule, pasts), reverse=True)
        wanted = round(self._budget / 100 * sum(self._days.get(past.name, 0.0) for past in pasts) / MONTH)
        # A tenth of a day is as fine as anybody would write it, and never above the budget.
        margin = excesses[wanted] if wanted < len(excesses) else 0
        return replace(rule, margin=max(margin // (WHOLE_DAY // 10) + 1, 0) * (WHOLE_DAY // 10))

    def _excesses(self, rule: AbsenceRule, pasts: Sequence[Past]) -> Iterator[int]:
        for past in pasts:
            if past.name in self._days:
                last = open_until(self._customers[past.name], self._replayed.known_until) // DAY
                found = self._alerts.absences.of(past.name, rule, last)
                yield from (each.missed - rule.needed(each.record) for each in found)

    def _months(self, report: AlarmReport) -> list[float]:
        present: dict[int, int] = {}
        for past in self._replayed.pasts:
            if past.began >= 0:
                last = open_until(self._customers[past.name], self._replayed.known_until) // DAY
                for month in range(int(past.began // DAY // MONTH), int(last // MONTH) + 1):
                    present[month] = present.get(month, 0) + 1
        alerts: dict[int, int] = {}
        for day, count in report.by_day.items():
            alerts[int(day // MONTH)] = alerts.get(int(day // MONTH), 0) + count
        # The first and the last month are parts of one.
        inner = sorted(present)[1:-1]
        return sorted(100 * alerts.get(month, 0) / present[month] for month in inner)


def _folds(customers: Mapping[str, Customer]) -> dict[str, int]:
    """Part the customers for cross-validation: by group where there are enough of them."""
    groups = list(dict.fromkeys(customer.group for customer in customers.values()))
    if len(groups) > 2:  # noqa: PLR2004 - with two, half of the history would be left to learn from
        return {name: groups.index(customer.group) % _FOLDS for name, customer in customers.items()}
    return {name: zlib.crc32(name.encode("utf-8", "surrogatepass")) % _FOLDS for name in customers}


def with_absence(text: str, fitted: Fitted, budget: float) -> str:
    """Write the rule into a policy, and what is to be expected of it as a comment.

    Args:
        text: of the policy.
        fitted: the rule.
        budget: that it keeps to.

    Returns:
        TOML.
    """
    document = tomllib.loads(text)
    rule, report = fitted.rule, fitted.report
    table = document.setdefault("alerts", {}).get("absence")
    document["alerts"]["absence"] = {
        **(table if isinstance(table, dict) else {}),
        "share": rule.share / WHOLE_DAY,
        "margin": rule.margin / WHOLE_DAY,
    }
    document["channels"] = document.pop("channels", None) or tomllib.loads(BUILTIN_POLICY)["channels"]
    head = "".join(line + "\n" for line in text.splitlines() if line.startswith("#"))
    came = f"{report.per_100_a_month:.1f} of {budget:g} per 100 customers a month"
    if fitted.months:
        came += f"; {fitted.months[0]:.1f} in the quietest month, {fitted.months[-1]:.1f} in the busiest"
    lines = [f"Alerts of absence, forecast: {came}."]
    precision, lot = report.hits.precision or 0.0, report.hits.by_lot or 0.0
    lines.append(f"Right: {precision:.1%} of them, by lot {lot:.1%}; the customers were learned from.")
    return head + "".join(f"# {line}\n" for line in lines) + tomli_w.dumps(document)
