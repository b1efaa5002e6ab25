"""Customers by the policy in force and by its shadow, as stored, and whose alerts were right."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scoring.backtest.observations import Customer
from scoring.instants import DAY
from scoring.policy.policy import BANDS
from streams.backtest.alert_comparison import Raised
from streams.backtest.live_trial import Trial, judge_both
from streams.policies.band_moves import Move
from tests.unit.scoring.customers import at, policy_with

POINT = 1_000_000


def trial() -> Trial:
    """Compare two versions of the policy by hand."""
    return Trial(policy_with(), policy_with(('"by-hand"', '"tried"')), 5)


def fields(score: str, shadow: str, changed: Mapping[str, str] | None = None, *, band: int = 1) -> dict[str, str]:
    """Give what is stored of a customer."""
    stored = {"_v": "a", "_s": f"{at('09 00:00')};;-1;0", "score": score, "band": BANDS[band]}
    stored |= {"policy_version": "by-hand", "policy_version:shadow": "tried", "score:shadow": shadow}
    return stored | {"band:shadow": BANDS[1]} | dict(changed or {})


def test_customers_are_counted_by_the_bands_of_both() -> None:
    found = trial()
    found.add("anna", fields("12.5", "9", band=2))
    found.add("ben", fields("3", "4"))

    assert (found.customers, found.dropping, found.rising, found.behind) == (2, 1, 0, 0)
    assert found.matrix == {(2, 1): 1, (1, 1): 1}
    assert found.moved == [Move("anna", 12_500_000, 9 * POINT, 2, 1)]


@pytest.mark.parametrize("changed", [{"policy_version": "older"}, {"policy_version:shadow": "earlier"}])
def test_who_has_not_followed_one_of_both_is_behind(changed: dict[str, str]) -> None:
    found = trial()
    found.add("anna", fields("12", "9", changed))
    assert (found.customers, found.behind) == (0, 1)


def test_a_linked_id_is_nobody_and_a_broken_hash_is_left_out() -> None:
    found = trial()
    found.add("cookie", {"_v": "a", "customer_id": "anna"})
    found.add("anna", fields("12", "many"))
    assert (found.customers, found.behind, found.unreadable) == (0, 0, 1)


def test_the_alerts_of_both_are_held_against_what_became_of_the_customers() -> None:
    found = trial()
    for name, score, beside in (("anna", "9", "1"), ("ben", "2", "8"), ("cleo", "5", "5")):
        found.add(name, fields(score, beside))
    customers = {
        "anna": Customer("anna", churned=True, churned_at=at("12 00:00")),
        "ben": Customer("ben", churned=False),
        "nobody": Customer("nobody", churned=True),
    }
    alerts = [Raised(at("05 00:00"), "ben", "churn_risk"), Raised(at("06 00:00"), "ben", "recovered")]
    of_shadow = [Raised(at("07 00:00"), "anna", "churn_risk"), Raised(at("07 00:00"), "cleo", "churn_risk")]
    rules, areas = judge_both(found, customers, (alerts, of_shadow), at("05 00:00"), 28 * DAY)

    assert [(rule.name, rule.alarms.hits.alerts, rule.alarms.hits.right) for rule in rules] == [
        ("by-hand", 1, 0),
        ("tried", 1, 1),
    ]
    assert [rule.alarms.recall for rule in rules] == [0.0, 1.0]
    # By the live scores anna, who left, stood above ben; by those of the shadow, below.
    assert areas == {"by-hand": 0.0, "tried": 1.0}


def test_who_had_churned_by_now_is_not_ranked_by_the_scores_of_now() -> None:
    found = trial()
    found.add("anna", fields("9", "1"))
    found.add("ben", fields("2", "8"))
    customers = {
        "anna": Customer("anna", churned=True, churned_at=at("07 00:00")),
        "ben": Customer("ben", churned=False),
    }
    assert judge_both(found, customers, ([], []), at("05 00:00"), DAY)[1] == {"by-hand": None, "tried": None}


@pytest.mark.parametrize(("churned_at", "churned"), [("04 23:59", 0), ("05 00:00", 1), ("07 00:00", 1)])
def test_whoever_had_churned_before_the_trial_could_not_be_announced(churned_at: str, churned: int) -> None:
    found = trial()
    found.add("anna", fields("9", "1"))
    customers = {"anna": Customer("anna", churned=True, churned_at=at(churned_at))}
    rules, _ = judge_both(found, customers, ([], []), at("05 00:00"), DAY)
    assert [rule.alarms.churned for rule in rules] == [churned, churned]
