"""From what a replay saw to the figures of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.backtest.alarms import Hits, lead
from scoring.backtest.observations import Customer, Observation, churned_after, fell_silent
from scoring.backtest.ranking import rank_within
from scoring.instants import DAY, format_duration
from scoring.policy.policy import BANDS, Policy
from streams.backtest.replaying import Replayed
from streams.backtest.rules import EVERYBODY, SILENCE, ReplayedAlerts, Rule

#: What is compared: the product's score, and numbers that anybody has. The lower, the likelier the churn.
MEASURES: dict[str, Callable[[Observation], float]] = {
    "score": lambda seen: -seen.score,
    "recency": lambda seen: seen.moment.time - seen.last_event_at,
    "events": lambda seen: -seen.events,
    "decayed events": lambda seen: -seen.decayed,
}
#: Within which a churn counts as near to an alert, where nothing else is asked for.
HORIZON = 56 * DAY
Outcome = Callable[[Observation], bool | None]


@dataclass(frozen=True, slots=True)
class BandShare:
    """Customers of one band at a moment, and for how many of them the outcome came about."""

    band: str
    customers: int
    happened: int


@dataclass(frozen=True, slots=True)
class Column:
    """One moment and one outcome: who could be asked, for whom it came about, AUC by measure, and the bands."""

    outcome: str
    moment: str
    customers: int
    happened: int
    auc: Mapping[str, float | None]
    bands: Sequence[BandShare]


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """Everything that `engagement validate` reports; `margins` are recall and precision of absences by their margin."""

    policy: str
    within: str
    customers: int
    events: int
    bad: int
    late: int
    outdated: int
    columns: Sequence[Column]
    labelled: bool
    rules: Sequence[Rule]
    margins: Sequence[tuple[float, float]]

    def by_outcome(self) -> Iterator[tuple[str, Sequence[Column]]]:
        """Give each outcome with its columns."""
        for outcome in dict.fromkeys(column.outcome for column in self.columns):
            yield outcome, [column for column in self.columns if column.outcome == outcome]


def make_report(
    policy: Policy,
    customers: Mapping[str, Customer],
    titles: Sequence[str],
    replayed: Replayed,
    *,
    within: str = "",
    silence: int = 0,
    horizon: int = HORIZON,
) -> BacktestReport:
    """Compare what was known with what happened.

    Args:
        policy: that judged.
        customers: by their id.
        titles: of the moments.
        replayed: what was seen.
        within: the name of the column of the strata; '' where all are compared with all.
        silence: microseconds without an event that count as silent; 0: that is not asked.
        horizon: microseconds within which a churn counts as near to an alert.

    Returns:
        The figures.
    """
    labelled = any(customer.churned is not None for customer in customers.values())
    outcomes: dict[str, Outcome] = {}
    if labelled:
        outcomes["churned"] = lambda seen: churned_after(customers[seen.customer], seen)
    if silence:
        outcomes[f"silent for {format_duration(silence)}"] = lambda seen: fell_silent(
            seen, silence, replayed.known_until
        )
    columns = [
        _column(
            name, outcome, title, [seen for seen in replayed.observations if seen.moment.column == index], customers
        )
        for name, outcome in outcomes.items()
        for index, title in enumerate(titles)
    ]
    alerts = ReplayedAlerts(policy, customers, replayed, horizon)
    return BacktestReport(
        policy.version,
        within,
        len(customers),
        replayed.events,
        replayed.bad,
        replayed.late,
        replayed.outdated,
        columns,
        labelled,
        tuple(alerts.rules()),
        tuple(alerts.by_margin()),
    )


def _column(
    name: str, outcome: Outcome, title: str, seen: Sequence[Observation], customers: Mapping[str, Customer]
) -> Column:
    known = [(one, answer) for one in seen if (answer := outcome(one)) is not None]
    happened = [answer for _, answer in known]
    strata = [customers[one.customer].stratum for one, _ in known]
    auc = {
        measure: rank_within(strata, [value(one) for one, _ in known], happened).auc
        for measure, value in MEASURES.items()
    }
    bands = [[answer for one, answer in known if one.band == band] for band in range(len(BANDS))]
    shares = [BandShare(BANDS[band], len(inside), sum(inside)) for band, inside in enumerate(bands)]
    return Column(name, title, len(known), sum(happened), auc, shares)


def warnings_of(report: BacktestReport) -> Iterator[str]:
    """Say where the policy's alerts are no better than customers drawn by lot."""
    for rule in report.rules if report.labelled else ():
        hits = rule.alarms.hits
        if rule.name not in (EVERYBODY, SILENCE) and hits.alerts and not hits.beats_the_lot:
            yield (
                f"{rule.title}: {hits.precision:.1%} of the alerts were right, and by lot it would have been "
                f"{hits.by_lot:.1%}; the error is {hits.error:.1%}, so they say no more than chance"
            )


def as_document(report: BacktestReport) -> dict[str, Any]:
    """Write a report for machines; lead times are days."""
    return {
        "policy_version": report.policy,
        "within": report.within,
        "customers": report.customers,
        "events": {"read": report.events, "bad": report.bad, "late": report.late, "outdated": report.outdated},
        "moments": [
            {
                "outcome": column.outcome,
                "moment": column.moment,
                "customers": column.customers,
                "happened": column.happened,
                "auc": dict(column.auc),
                "bands": {
                    share.band: {"customers": share.customers, "happened": share.happened} for share in column.bands
                },
            }
            for column in report.columns
        ],
        "alerts": [rule_document(rule, labelled=report.labelled) for rule in report.rules],
    }


def rule_document(rule: Rule, *, labelled: bool) -> dict[str, object]:
    """Write what the alerts of a rule were worth for machines; lead times are days.

    Args:
        rule: of any name.
        labelled: whether anybody's outcome is known.
    """
    alarms = rule.alarms
    return {
        "rule": rule.name,
        "customers": alarms.customers,
        "churned": alarms.churned,
        "alerts": alarms.hits.alerts,
        "right": alarms.hits.right,
        "per_100_a_month": alarms.per_100_a_month,
        **_shares(alarms.hits, labelled),
        "recall": alarms.recall,
        "false_per_100": alarms.false_per_100 if labelled else None,
        "lead_first_days": lead(alarms.leads_first),
        "lead_last_days": lead(alarms.leads_last),
        "busiest_1_percent": alarms.busiest_1_percent,
        "told_of": alarms.alerted,
        "told_of_churned": alarms.alerted_churned_share if labelled else None,
        "back_within_horizon": alarms.back_within,
        "within": {
            "days": alarms.horizon / DAY,
            **_shares(alarms.within, labelled and alarms.dated > 0),
            "recall": alarms.recall_within,
        },
        "by_tenure": [
            {"from_day": days, "alerts": hits.alerts, **_shares(hits, labelled)}
            for days, hits in alarms.by_tenure.items()
        ],
    }


def _shares(hits: Hits, known: bool) -> dict[str, object]:  # noqa: FBT001 - whether anything can be said
    if not known:
        return {"precision": None, "by_lot": None, "by_lot_error": None}
    return {"precision": hits.precision, "by_lot": hits.by_lot, "by_lot_error": hits.error if hits.alerts else None}
