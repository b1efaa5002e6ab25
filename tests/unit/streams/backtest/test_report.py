"""The figures of a report, on customers whose scores are given."""

from __future__ import annotations

import pytest

from scoring.backtest.observations import Customer, CutOff, Observation
from streams.backtest.replaying import Past, Replayed
from streams.backtest.report import as_document, make_report
from streams.policy_file.document import parse_policy

DAY = 86_400 * 10**6
POLICY = parse_policy('[window]\nlength = "5d"\n[channels.web]\nweights = { view = 1 }\n')
#: Blue customers have lower scores than red ones, whatever becomes of them.
SCORES = {"a": ("red", 20, True), "b": ("red", 30, False), "c": ("blue", 5, True), "d": ("blue", 10, False)}


def seen_of(name: str, score: int) -> Observation:
    return Observation(name, CutOff(10 * DAY, 0), score, 1, 9 * DAY, score)


@pytest.mark.parametrize(("within", "expected"), [("team", 1.0), ("", 0.75)])
def test_customers_are_compared_with_those_of_their_stratum(within: str, expected: float) -> None:
    customers = {
        name: Customer(name, stratum=team if within else "", churned=churned)
        for name, (team, _, churned) in SCORES.items()
    }
    replayed = Replayed([seen_of(name, score) for name, (_, score, _) in SCORES.items()], known_until=20 * DAY)
    (column,) = make_report(POLICY, customers, ["day 10"], replayed, within=within).columns
    assert column.auc["score"] == column.auc["events"] == expected
    assert column.auc["recency"] == 0.5


def test_plain_rules_are_given_bounds_at_which_they_raise_about_as_many_alerts() -> None:
    customers = {"a": Customer("a", churned=True, churned_at=30 * DAY), "b": Customer("b", churned=False)}
    # Two gaps of three days in each history; the score raised three alerts in all.
    panes = {1: 2, 5: 2, 9: 2}
    pasts = [
        Past("a", {"churn_risk": [6 * DAY, 12 * DAY]}, panes, DAY, list(panes)),
        Past("b", {"churn_risk": [7 * DAY]}, panes, DAY, list(panes)),
    ]
    everything, drops, everybody, quiet = make_report(
        POLICY, customers, [], Replayed([], pasts, known_until=40 * DAY)
    ).rules
    assert [rule.name for rule in (everything, drops, everybody, quiet)] == [
        "policy",
        "churn_risk",
        "everybody",
        "silence",
    ]
    alarms = drops.alarms
    assert (alarms.hits.alerts, alarms.hits.right, alarms.alerted_churned, alarms.alerted) == (3, 2, 1, 2)
    assert (alarms.leads_first, alarms.leads_last) == ([24 * DAY], [18 * DAY])
    # One of the two who were there churned.
    assert alarms.hits.by_lot == 0.5
    assert (everybody.alarms.hits.alerts, everybody.alarms.hits.precision) == (2, 0.5)
    # With a bound of four or five days only the last silence counts, once for each.
    assert (quiet.title, quiet.alarms.hits.alerts) == ("no event for 4d", 2)


def test_a_report_without_anything_known_has_no_figures() -> None:
    report = make_report(POLICY, {"a": Customer("a")}, ["day 10"], Replayed(), silence=DAY)
    (column,) = report.columns
    assert (column.outcome, column.customers, column.auc["score"]) == ("silent for 1d", 0, None)
    assert [row["precision"] for row in as_document(report)["alerts"]] == [None] * 4
