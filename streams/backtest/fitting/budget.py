"""Alerts within a budget: absences by their margin, drops by bound and cooldown, and whether they beat a lot.

Rests on decisions 25, 92 and 140.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import tomli_w

from scoring.backtest.alarms import MONTH, AlarmReport, Hits, days_expected
from scoring.backtest.lot import open_until
from scoring.backtest.observations import Customer
from scoring.instants import DAY, format_duration
from scoring.points import rounded
from scoring.policy.policy import AT_RISK, BANDS, DISENGAGED, ENGAGED, Policy
from scoring.rules.absence import WHOLE_DAY, AbsenceRule
from streams.backtest.fitting.folds import folds_of
from streams.backtest.replaying import Past, Replayed
from streams.backtest.rules import ReplayedAlerts
from streams.errors import InvalidOutcomes
from streams.policy_file.builtin import BUILTIN_POLICY

#: What share of the customer's longest absence a new one has to reach before the margin counts.
SHARES = (0.0, 0.5, 1.0)
#: What part of the budget drops into `disengaged` may take; without any, only those into `at_risk` are reported.
PARTS = (0.25, 0.5, 0.75)
#: Bounds of `engaged` that are tried, as parts of the policy's own, from the one that raises the most alerts down.
_BOUNDS = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
_COOLDOWNS = (7 * DAY, 14 * DAY, 28 * DAY)
#: The alerts of all customers: their times by name.
_Times = Mapping[str, Sequence[int]]


class Drops(NamedTuple):
    """How drops are reported: the bound of `engaged` (millionths), the highest band that is one, and the cooldown."""

    bound: int
    into: int
    cooldown: int


class Spending(NamedTuple):
    """One way to spend the budget: the share of the longest absence, the part that drops have, their cooldown."""

    share: float
    part: float = 0.0
    cooldown: int = 0

    def __str__(self) -> str:
        """Say it for the forecast."""
        drops = f", drops {self.part:.0%} of the budget after {format_duration(self.cooldown)}" if self.part else ""
        return f"share {self.share:g}{drops}"


@dataclass(frozen=True, slots=True)
class Fitted:
    """The rules that keep to a budget, and what is to be expected of them.

    `held_out` is what they came to on customers who were not chosen by, `report` on all of them; `months` are the
    alerts for each hundred customers by calendar month, quietest first.
    """

    rule: AbsenceRule
    drops: Drops
    held_out: Hits
    report: AlarmReport
    months: Sequence[float]


class BudgetFit:
    """Chooses share and margin of absences, and bound and cooldown of drops, on a replayed history."""

    def __init__(
        self, policy: Policy, customers: Mapping[str, Customer], replayed: Replayed, horizon: int, budget: float
    ) -> None:
        """Prepare.

        Args:
            policy: that judged; without a rule of absence the default one is begun from.
            customers: by their id.
            replayed: what was seen, with trails.
            horizon: within which a churn has to come for an alert to be right, in microseconds.
            budget: alerts for each hundred customers and month.
        """
        self._policy = policy
        self._customers = customers
        self._pasts = replayed.pasts
        self._until = replayed.known_until
        self._budget = budget
        self._alerts = ReplayedAlerts(policy, customers, replayed, horizon)
        self._dated = any(customer.churned_at is not None for customer in customers.values())
        self._folds = folds_of({name: customer.stratum for name, customer in customers.items()})
        self._days = {
            past.name: days_expected(customers[past.name], past.began, self._until)
            for past in self._pasts
            if customers[past.name].churned is not None
        }
        self._own = Spending(self._alerts.absences.rule.share / WHOLE_DAY)
        self._excesses = {share: dict(self._excesses_at(share)) for share in {self._own.share, *SHARES}}
        self._found: dict[Drops, _Times] = {}

    def fit(self) -> Fitted:
        """Choose.

        Raises:
            InvalidOutcomes: if no choice is better than a lot by more than its error.
        """
        tried = {spending: self._held_out(spending) for spending in map(Spending, self._excesses)}
        best = chosen(tried, self._own)
        # One thing at a time, as for the score: drops beside the absences that are the best without them.
        for part in PARTS:
            for cooldown in _COOLDOWNS:
                spending = best._replace(part=part, cooldown=cooldown)
                # Where no bound is low enough for the part there is nothing to try.
                if self._rules(spending, self._pasts)[1].into != AT_RISK:
                    tried[spending] = self._held_out(spending)
        best = chosen(tried, best)
        hits = tried[best]
        if not hits.beats_the_lot:
            found = f"{hits.precision or 0:.1%} of its alerts are right, {hits.by_lot or 0:.1%} of a lot's"
            problem = f"nothing beats a lot at this budget, {best}: {found}; the error is {hits.error:.1%}"
            raise InvalidOutcomes([problem])
        rule, drops = self._rules(best, self._pasts)
        times = {past.name: self._times(past, rule, drops) for past in self._pasts}
        report = self._alerts.judge(lambda one: times[one.name])
        return Fitted(rule, drops, hits, report, self._months(report))

    def _held_out(self, spending: Spending) -> Hits:
        """Choose the rules without each fold, and count what they bring in the fold."""
        times: dict[str, Sequence[int]] = {}
        for fold in sorted(set(self._folds.values())):
            rule, drops = self._rules(spending, [past for past in self._pasts if self._folds[past.name] != fold])
            for past in self._pasts:
                if self._folds[past.name] == fold:
                    times[past.name] = self._times(past, rule, drops)
        report = self._alerts.judge(lambda one: times[one.name])
        return report.within if self._dated else report.hits

    def _times(self, past: Past, rule: AbsenceRule, drops: Drops) -> Sequence[int]:
        return sorted([*self._alerts.absences.alerts(past.name, rule), *self._drops(drops)[past.name]])

    def _rules(self, spending: Spending, pasts: Sequence[Past]) -> tuple[AbsenceRule, Drops]:
        """Give drops their part of the budget, and absences what is left."""
        names = [past.name for past in pasts if past.name in self._days]
        wanted = round(self._budget / 100 * sum(self._days[name] for name in names) / MONTH)
        drops = Drops(self._policy.engaged_from, AT_RISK, self._policy.cooldown)
        for bound in self._bounds() if spending.part else ():
            tried = Drops(bound, DISENGAGED, spending.cooldown)
            if self._count(tried, names) <= spending.part * wanted:
                drops = tried
                break
        # The number of absences above a margin is that of the alerts.
        left = max(wanted - self._count(drops, names), 0)
        excesses = sorted([one for name in names for one in self._excesses[spending.share][name]], reverse=True)
        margin = excesses[left] if left < len(excesses) else 0
        # A tenth of a day is as fine as anybody would write it, and never above the budget.
        margin = max(margin // (WHOLE_DAY // 10) + 1, 0) * (WHOLE_DAY // 10)
        return self._alerts.absences.rule_with(spending.share, margin / WHOLE_DAY), drops

    def _bounds(self) -> Iterator[int]:
        lowest, engaged, above, _ = self._policy.bounds
        for part in _BOUNDS:
            # As somebody would write it: 20.5 points.
            bound = round(int(engaged * part), -5)
            if lowest < bound < above:
                yield bound

    def _count(self, drops: Drops, names: Sequence[str]) -> int:
        found = self._drops(drops)
        ends = {name: open_until(self._customers[name], self._until) for name in names}
        return sum(time <= ends[name] for name in names for time in found[name])

    def _drops(self, drops: Drops) -> _Times:
        if drops not in self._found:
            policies = {}
            for segment in {past.segment for past in self._pasts}:
                policies[segment] = _with_drops(self._policy.of(segment), drops)
            self._found[drops] = {
                past.name: past.trail.drops(policies[past.segment], self._until) if past.trail is not None else ()
                for past in self._pasts
            }
        return self._found[drops]

    def _excesses_at(self, share: float) -> Iterator[tuple[str, Sequence[int]]]:
        rule = self._alerts.absences.rule_with(share, 0)
        for name in self._days:
            last = open_until(self._customers[name], self._until) // DAY
            found = self._alerts.absences.of(name, rule, last)
            yield name, [each.missed - each.needed for each in found]

    def _months(self, report: AlarmReport) -> list[float]:
        present: dict[int, int] = {}
        for past in self._pasts:
            if past.began >= 0:
                last = open_until(self._customers[past.name], self._until) // DAY
                for month in range(int(past.began // DAY // MONTH), int(last // MONTH) + 1):
                    present[month] = present.get(month, 0) + 1
        alerts: dict[int, int] = {}
        for day, count in report.by_day.items():
            alerts[int(day // MONTH)] = alerts.get(int(day // MONTH), 0) + count
        # The first and the last month are parts of one.
        inner = sorted(present)[1:-1]
        return sorted(100 * alerts.get(month, 0) / present[month] for month in inner)


def chosen(tried: Mapping[Spending, Hits], usual: Spending) -> Spending:
    """Choose the spending whose alerts are right the most often, if that is by more than the error, else the usual one.

    Args:
        tried: what each spending came to.
        usual: one of them.
    """
    best = max(tried, key=lambda spending: tried[spending].precision or 0.0)
    ahead = (tried[best].precision or 0.0) - (tried[usual].precision or 0.0)
    return best if ahead > tried[best].error else usual


def _with_drops(policy: Policy, drops: Drops) -> Policy:
    lowest, _, above, highest = policy.bounds
    return replace(policy, bounds=(lowest, drops.bound, above, highest), drops_into=drops.into, cooldown=drops.cooldown)


def with_alerts(text: str, version: str, fitted: Fitted, budget: float) -> str:
    """Write the rules into a policy, and what is to be expected of them as comments.

    Args:
        text: of the policy.
        version: of the new one.
        fitted: the rules.
        budget: that they keep to.

    Returns:
        TOML.
    """
    document = {"version": "", **tomllib.loads(text)} | {"version": version}
    rule, drops = fitted.rule, fitted.drops
    alerts = document.setdefault("alerts", {})
    table = alerts.get("absence")
    alerts["drops"] = BANDS[drops.into]
    alerts["cooldown"] = format_duration(drops.cooldown)
    alerts["absence"] = {
        **(table if isinstance(table, dict) else {}),
        "share": rule.share / WHOLE_DAY,
        "margin": rule.margin / WHOLE_DAY,
    }
    if drops.into != AT_RISK:
        document.setdefault("bands", {})[BANDS[ENGAGED]] = rounded(drops.bound)
    document["channels"] = document.pop("channels", None) or tomllib.loads(BUILTIN_POLICY)["channels"]
    head = "".join(line + "\n" for line in text.splitlines() if line.startswith("#"))
    return head + "".join(f"# {line}\n" for line in forecast(fitted, budget)) + tomli_w.dumps(document)


def forecast(fitted: Fitted, budget: float) -> Iterator[str]:
    """Say what is to be expected of alerts.

    Args:
        fitted: the rules.
        budget: that they keep to.
    """
    report, held_out = fitted.report, fitted.held_out
    came = f"{report.per_100_a_month or 0:.1f} of {budget:g} per 100 customers a month"
    if fitted.months:
        came += f"; {fitted.months[0]:.1f} in the quietest month, {fitted.months[-1]:.1f} in the busiest"
    yield f"All alerts, forecast: {came}."
    within = f" within {format_duration(report.horizon)}" if report.dated else ""
    yield (
        f"Right{within}: {held_out.precision or 0:.1%} of them, by lot {held_out.by_lot or 0:.1%}, error "
        f"{held_out.error:.1%}, on customers who were not chosen by."
    )
    yield f"Right at any time: {report.hits.precision or 0:.1%}, by lot {report.hits.by_lot or 0:.1%}, on all of them."
