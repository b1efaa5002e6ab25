"""The formulas of the domain, and figures that can be counted on one's fingers."""

from __future__ import annotations

import pytest

from scoring.customer.activity_sums import named
from scoring.customer.state import settle_panes
from scoring.figures.kpi import Sums, churn, folding, percent, retention
from tests.property.test_activity import made_of
from tests.unit.scoring.customers import Customer, at, policy_with

FIRST = at("01 00:00") // 86_400_000_000


def test_retention_and_churn_are_the_worked_examples() -> None:
    assert retention(10_000, 12_000, 5_000) == pytest.approx(70)
    assert churn(1_000, 100) == pytest.approx(10)
    assert retention(0, 5, 5) is churn(0, 0) is None


def test_stickiness_is_the_share_of_the_month_that_is_active_on_the_day() -> None:
    sums = sums_of([1], [1, 5], [5], [5, 40])
    [figures] = sums.figures(5, 5)
    assert (figures.daily, figures.weekly, figures.monthly) == (3, 4, 4)
    assert figures.stickiness == percent(3, 4) == pytest.approx(75)
    assert figures.frequency == pytest.approx(5 / 4)
    [later] = sums.figures(40, 40)
    assert (later.daily, later.weekly, later.monthly, later.returned, later.seen_before) == (1, 1, 1, 1, 1)


def sums_of(*people: list[int]) -> Sums:
    """Add up people by the days on which they were active, counted from the thousandth."""
    fields: dict[str, int] = {}
    for days in people:
        for field, count in named(made_of([day + 1000 for day in days]).gains).items():
            fields[shifted(field)] = fields.get(shifted(field), 0) + count
    return Sums(fields)


def shifted(field: str) -> str:
    """Count the days of a field from the thousandth."""
    return field[0] + ".".join(str(int(day) - 1000) for day in field[1:].split("."))


def test_who_was_lost_and_is_back_is_among_the_lost_and_the_acquired() -> None:
    sums = sums_of([1, 40], [1, 20, 45], [38])
    period = sums.period(2, 45)
    assert (period.at_start, period.at_end, period.lost, period.acquired) == (2, 3, 1, 2)
    assert (period.retention, period.churn) == (pytest.approx(50), pytest.approx(50))


def test_who_came_and_went_within_a_long_period_is_neither_acquired_nor_lost() -> None:
    period = sums_of([1, 25, 50, 70], [10]).period(2, 70)
    assert (period.at_start, period.at_end, period.lost, period.acquired) == (1, 1, 0, 0)
    assert period.retention == pytest.approx(100)


def test_impressions_and_what_costs_points_make_nobody_active() -> None:
    anna = Customer()
    for kind in ("impression", "complain"):
        anna.do(kind, "01 10:00")
    anna.do("never heard of", "01 11:00")
    assert anna.state.activity.list_days() == []
    anna.do("view", "01 12:00")
    assert anna.state.activity.list_days() == [FIRST]


def test_a_late_event_counts_on_its_own_day_as_long_as_the_trend_looks_there() -> None:
    anna = Customer()
    anna.do("view", "05 12:00")
    anna.do("view", "02 12:00", now="05 13:00")
    anna.do("view", "01 12:00", now="05 13:00")
    assert anna.state.activity.list_days() == [FIRST + 1, FIRST + 4]


def test_days_follow_a_new_policy_as_far_as_panes_are_kept() -> None:
    anna = Customer()
    anna.do("impression", "01 12:00")
    anna.do("view", "02 12:00")
    assert anna.state.activity.list_days() == [FIRST + 1]
    anna.policy = policy_with(("by-hand", "another"), ("view = 1,", "view = 0,"), ("impression = 0", "impression = 1"))
    settle_panes(anna.state)
    anna.judge("02 13:00")
    assert anna.state.activity.list_days() == [FIRST]
    assert {field for field in named(anna.state.activity.gains) if field[0] == "d"} == {f"d{FIRST}"}


def test_a_day_that_a_new_policy_has_taken_away_comes_back_with_what_it_counts() -> None:
    anna = Customer()
    anna.do("view", "02 12:00")
    anna.policy = policy_with(("by-hand", "another"), ("view = 1,", "view = 0,"))
    anna.judge("02 13:00")
    assert anna.state.activity.list_days() == []
    anna.do("buy", "02 14:00")
    assert anna.state.activity.list_days() == [FIRST + 1]


def test_a_change_of_band_by_a_late_event_does_not_go_before_the_one_that_it_follows() -> None:
    anna = Customer()
    anna.do("post", "03 12:00", 5)
    anna.do("quit", "02 12:00", now="03 13:00")
    assert anna.changes == [("engaged", "03 12:00"), ("at_risk", "02 12:00")]
    assert anna.state.activity.list_changes() == [(FIRST + 2, 1), (FIRST + 2, 2), (FIRST + 2, 0)]


def test_who_was_stored_before_this_was_counted_is_in_the_band_of_all_days() -> None:
    flows = {"f20.-1": 3, "f20.12": 1, "f25.21": 1}
    days = Sums(flows, [0, 5, 2, 0, 0]).figures(19, 25)
    assert [figures.bands[1:3] for figures in days] == [(2, 2), (4, 3), (4, 3), (4, 3), (4, 3), (4, 3), (5, 2)]
    assert days[0].engagement_index == (0, pytest.approx(50), pytest.approx(50))
    assert Sums({}).figures(1, 1)[0].engagement_index == (None, None, None)


def test_folding_twice_leaves_nothing_to_do() -> None:
    fields = dict(named(made_of([1000, 1020, 1100]).gains)) | {"f1000.-1": 1}
    once = folding(fields, 1090)
    folded = {field: total for field in fields | once if (total := fields.get(field, 0) + once.get(field, 0))}
    assert folded["n0"] == folded["l0"] == folded["f0.-1"] == 1
    assert folding(folded, 1090) == {}
