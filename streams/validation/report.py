"""From what a replay saw to the figures of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scoring.instants import DAY, format_duration
from scoring.points import POINT
from scoring.policy import BANDS, Policy
from scoring.validation.alarms import AlarmReport, judge_alarms, matched, shortfalls, silences
from scoring.validation.observations import Customer, Observation, churned_after, fell_silent
from scoring.validation.ranking import rank_within
from streams.validation.replaying import Past, Replayed

#: What is compared: the product's score, and two numbers that anybody has. The lower, the likelier the churn.
MEASURES: dict[str, Callable[[Observation], float]] = {
    "score": lambda seen: -seen.score,
    "recency": lambda seen: seen.moment.time - seen.last_event_at,
    "events": lambda seen: -seen.events,
}
#: Bounds that the plain rules try, in panes and in events: enough to come near any number of alerts.
_BOUNDS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 21, 28, 35, 42, 56, 70, 90, 120, 180, 250, 365)

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
class Rule:
    """One way to raise alerts, and what they were worth."""

    name: str
    alarms: AlarmReport


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that `engagement validate` tells."""

    policy: str
    within: str
    customers: int
    events: int
    bad: int
    late: int
    outdated: int
    columns: Sequence[Column]
    rules: Sequence[Rule]

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
) -> Report:
    """Compare what was known with what happened.

    Args:
        policy: that judged.
        customers: by their id.
        titles: of the moments.
        replayed: what was seen.
        within: the name of the column of the groups; '' where all are compared with all.
        silence: microseconds without an event that count as silent; 0: that is not asked.

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
    rules = tuple(_rules(policy, customers, replayed)) if labelled else ()
    return Report(
        policy.version,
        within,
        len(customers),
        replayed.events,
        replayed.bad,
        replayed.late,
        replayed.outdated,
        columns,
        rules,
    )


def _column(
    name: str, outcome: Outcome, title: str, seen: Sequence[Observation], customers: Mapping[str, Customer]
) -> Column:
    known = [(one, answer) for one in seen if (answer := outcome(one)) is not None]
    happened = [answer for _, answer in known]
    groups = [customers[one.customer].group for one, _ in known]
    auc = {
        measure: rank_within(groups, [value(one) for one, _ in known], happened).auc
        for measure, value in MEASURES.items()
    }
    bands = [[answer for one, answer in known if one.band == band] for band in range(len(BANDS))]
    shares = [BandShare(BANDS[band], len(inside), sum(inside)) for band, inside in enumerate(bands)]
    return Column(name, title, len(known), sum(happened), auc, shares)


def _rules(policy: Policy, customers: Mapping[str, Customer], replayed: Replayed) -> Iterator[Rule]:
    """Judge the alerts, and those that the plain numbers would have raised about as often."""
    end, pane = replayed.known_until, policy.pane
    past = [(customers[one.name], one) for one in replayed.pasts]

    def judged(times_of: Callable[[Past], Sequence[int]]) -> AlarmReport:
        return judge_alarms(((customer, times_of(one)) for customer, one in past), end)

    def quiet(length: int) -> AlarmReport:
        return judged(lambda one: silences(sorted(one.panes), length, pane, end))

    def few(least: int) -> AlarmReport:
        return judged(lambda one: shortfalls(one.panes, least, policy.panes, pane, end))

    alerts = judged(lambda one: one.alerts)
    yield Rule(f"score below {policy.engaged_from / POINT:g}", alerts)
    bounds = [bound for bound in _BOUNDS if bound <= policy.panes]
    length = matched(alerts.alerts, bounds, lambda bound: quiet(bound).alerts)
    yield Rule(f"no event for {format_duration(length * pane)}", quiet(length))
    least = matched(alerts.alerts, _BOUNDS, lambda bound: few(bound).alerts)
    yield Rule(f"events below {least}", few(least))


def as_document(report: Report) -> dict[str, object]:
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
        "alerts": [
            {
                "rule": rule.name,
                "customers": rule.alarms.customers,
                "churned": rule.alarms.churned,
                "alerts": rule.alarms.alerts,
                "right": rule.alarms.right,
                "precision": rule.alarms.precision,
                "recall": rule.alarms.recall,
                "false_per_hundred": rule.alarms.false_per_hundred,
                "lead_days": {str(share): days(rule.alarms.lead(share)) for share in (0.25, 0.5, 0.75)},
            }
            for rule in report.rules
        ],
    }


def days(length: int | None) -> float | None:
    """Give a length of time in days."""
    return None if length is None else length / DAY
