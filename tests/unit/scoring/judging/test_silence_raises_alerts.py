"""Drops that no event makes: points leave the window at a pane boundary. The window is three days."""

from __future__ import annotations

import pytest

from scoring.customer.state import settle_panes
from scoring.judging.alerts import Alert, BandChange
from scoring.points import POINT
from tests.unit.scoring.customers import Customer, at, policy_with


def engaged(*, time: str = "01 09:00", posts: int = 5) -> Customer:
    """Give a customer with ten points or more, and nothing since."""
    anna = Customer()
    anna.do("post", time, posts)
    return anna


@pytest.mark.parametrize("time", ["01 00:00", "01 12:00", "01 23:59:59.999999"])
def test_points_count_until_the_boundary_at_which_their_pane_leaves(time: str) -> None:
    anna = engaged(time=time)
    anna.judge("03 23:59:59.999999")
    assert (anna.score, anna.band, anna.story) == (10, "engaged", [])

    anna.judge("04 00:00")
    assert (anna.score, anna.band, anna.story) == (0, "disengaged", [("churn_risk", "04 00:00", 0)])


def test_a_drop_by_silence_has_the_time_of_the_boundary_however_late_it_is_noticed() -> None:
    anna = engaged(posts=6)
    outcome = anna.judge("20 17:31")

    reason = {
        "channel": "social",
        "type": "post",
        "points": -12.0,
        "count": 6,
        "counted": 6,
        "cause": "expired",
        "pane": "2024-01-01T00:00:00Z",
    }
    assert outcome.transitions == [
        BandChange(1, 2, 0, 12 * POINT, at("04 00:00"), "expired", [reason]),
        Alert("churn_risk", 1, 2, 0, 12 * POINT, at("04 00:00"), [reason]),
    ]
    assert (anna.state.judged, anna.state.band_since) == (at("20 17:31"), at("04 00:00"))


def test_boundaries_are_judged_in_order_each_with_the_panes_that_counted_then() -> None:
    anna = Customer()
    for day, posts in ((1, 3), (2, 3), (3, 9)):
        anna.do("post", f"0{day} 09:00", posts)
    anna.judge("20 00:00")

    assert anna.changes == [
        ("engaged", "02 09:00"),
        ("highly_engaged", "03 09:00"),
        ("power", "03 09:00"),
        ("highly_engaged", "04 00:00"),
        ("engaged", "05 00:00"),
        ("disengaged", "06 00:00"),
    ]
    assert anna.story == [("churn_risk", "06 00:00", 0)]


def test_losing_negative_points_lifts_a_customer_and_recovers() -> None:
    anna = Customer(policy_with(("disengaged = 0", "disengaged = -20")))
    anna.do("complain", "01 09:00")
    anna.do("post", "02 09:00", 8)
    anna.do("complain", "02 10:00")
    anna.judge("04 00:00")

    assert anna.story == [("churn_risk", "02 10:00", 8), ("recovered", "04 00:00", 12)]
    assert anna.transitions[-1].reasons[0]["points"] == 4


def test_events_of_many_days_in_one_batch_raise_what_a_slow_stream_would_have() -> None:
    slow, fast = Customer(), Customer()
    events = [slow.event("post", f"{day:02} 09:00") for day in (1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9)]
    for event in events:
        slow.judge("01 09:00" if event.time < at("02 00:00") else "09 09:00", event)
    fast.judge("09 09:00", *events)

    assert fast.transitions == slow.transitions
    assert fast.story == [("churn_risk", "04 00:00", 0), ("recovered", "09 09:00", 12)]


@pytest.mark.parametrize("together", [True, False])
def test_a_boundary_goes_before_the_events_of_its_time(together: bool) -> None:  # noqa: FBT001 - a case of the test
    anna = engaged()
    if not together:
        anna.judge("04 00:00")
    anna.do("post", "04 00:00", 6)

    assert anna.story == [("churn_risk", "04 00:00", 0), ("recovered", "04 00:00", 12)]
    assert anna.score == 12


def test_an_event_just_before_the_boundary_prevents_the_drop() -> None:
    anna = engaged()
    anna.judge("04 00:00", *[anna.event("post", "03 23:59:59.999999")] * 5)

    assert (anna.story, anna.score) == ([], 10)


def test_a_boundary_that_changes_no_points_changes_nothing() -> None:
    anna = Customer()
    anna.do("impression", "01 09:00")
    anna.do("post", "02 09:00", 5)
    anna.judge("04 00:00")

    assert (anna.score, anna.story) == (10, [])


def test_panes_that_not_even_the_trend_needs_are_dropped() -> None:
    anna = engaged()
    [pane] = anna.state.panes
    anna.judge("04 12:00")
    assert list(anna.state.panes) == list(anna.state.pane_points) == [pane]

    settle_panes(anna.state)
    anna.judge("05 00:00")
    assert (anna.state.panes, anna.state.pane_points, anna.state.touched_panes) == ({}, {}, {pane})


def test_an_evaluation_in_the_past_does_not_take_the_customer_back() -> None:
    anna = engaged()
    anna.judge("04 00:00")
    anna.judge("02 00:00")

    assert (anna.state.judged, anna.score) == (at("04 00:00"), 0)


def test_a_second_drop_by_silence_raises_a_second_alert() -> None:
    anna = engaged()
    anna.do("post", "05 09:00", 6)
    anna.judge("10 00:00")

    assert anna.story == [
        ("churn_risk", "04 00:00", 0),
        ("recovered", "05 09:00", 12),
        ("churn_risk", "08 00:00", 0),
    ]


def test_a_policy_may_report_only_drops_into_at_risk() -> None:
    anna = Customer(policy_with(("rearm_margin = 2", 'drops = "at_risk"\nrearm_margin = 2')))
    anna.do("post", "01 09:00", 6)
    anna.judge("04 00:00")
    assert (anna.band, anna.story) == ("disengaged", [])

    anna.do("post", "05 09:00", 6)
    anna.do("quit", "05 10:00")
    assert anna.story == [("churn_risk", "05 10:00", -18)]
