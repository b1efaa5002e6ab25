"""Events that do not come in time: late, outdated, ahead of the horizon, or twice."""

from __future__ import annotations

import pytest

from scoring.customer.state import settle_panes
from scoring.judging.moment import Moment
from scoring.judging.score import trend
from scoring.judging.walk import advance
from tests.unit.scoring.customers import Customer, at, policy_with


def test_a_late_event_counts_in_its_own_pane_and_is_judged_at_once() -> None:
    anna = Customer()
    anna.do("post", "02 09:00", 4)
    outcome = anna.judge("02 12:00", anna.event("post", "01 09:00"))

    assert (anna.score, outcome.late, outcome.taken) == (10, 1, 1)
    assert anna.changes == [("engaged", "01 09:00")]
    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", 8)]


def test_a_late_event_does_not_take_the_last_event_back() -> None:
    anna = Customer()
    anna.do("post", "02 09:00")
    anna.do("post", "01 09:00", now="02 10:00")

    assert anna.state.last_event_at == at("02 09:00")


def test_boundaries_that_have_passed_are_not_judged_again_for_a_late_event() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    anna.judge("04 00:00")
    outcome = anna.do("post", "03 12:00", 6, now="04 01:00")

    assert outcome.late == 6
    assert anna.story == [("churn_risk", "04 00:00", 0), ("recovered", "03 12:00", 12)]


def test_the_first_events_of_a_customer_are_never_late() -> None:
    anna = Customer()
    outcome = anna.judge("09 00:00", *[anna.event("post", "01 09:00")] * 5)

    assert (outcome.late, outcome.outdated, outcome.taken) == (0, 0, 5)
    assert anna.story == [("churn_risk", "04 00:00", 0)]


@pytest.mark.parametrize(("time", "outdated"), [("02 23:59:59.999999", 1), ("03 00:00", 0)])
def test_an_event_whose_pane_has_left_the_window_scores_nothing(time: str, outdated: int) -> None:
    anna = Customer()
    anna.do("post", "05 09:00")
    outcome = anna.do("post", time, now="05 10:00")

    assert (outcome.outdated, outcome.taken, outcome.late) == (outdated, 1 - outdated, 1 - outdated)
    assert anna.score == 4 - 2 * outdated


def test_an_outdated_event_still_counts_in_what_the_trend_compares_with() -> None:
    anna = Customer()
    anna.do("post", "05 09:00")
    anna.do("post", "02 12:00", 3, now="05 10:00")

    assert anna.score == 2
    assert trend(anna.policy, anna.state) == (2 - 6) * 1_000_000


def test_an_event_that_not_even_the_trend_needs_leaves_no_trace() -> None:
    anna = Customer()
    anna.do("post", "05 09:00")
    settle_panes(anna.state)
    outcome = anna.do("post", "01 23:59", now="05 10:00")

    assert (outcome.outdated, len(anna.state.panes), anna.state.touched_panes) == (1, 1, set())


def test_an_event_ahead_of_the_horizon_is_kept_aside_whole() -> None:
    anna = Customer()
    outcome = anna.judge("01 09:00", anna.event("post", "01 09:00"), anna.event("post", "01 09:00:00.000001"))

    assert (anna.score, outcome.taken, outcome.ahead) == (2, 1, 1)
    assert [time for time, *_ in anna.state.ahead] == [at("01 09:00") + 1]
    assert (anna.due, anna.state.due_crosses) == ("01 09:00:1e-06", True)
    assert anna.state.last_event_at == at("01 09:00")


def test_an_event_kept_aside_is_taken_when_the_evaluation_reaches_it() -> None:
    anna = Customer()
    anna.judge("01 09:00", anna.event("post", "02 10:00"), *[anna.event("post", "02 09:00")] * 5)
    assert (anna.state.judged, anna.score) == (-1, 0)

    anna.judge("02 09:59")
    assert (anna.score, len(anna.state.ahead), anna.changes) == (10, 1, [("engaged", "02 09:00")])
    anna.judge("02 10:00")
    assert (anna.score, anna.state.ahead) == (12, [])


def test_events_kept_aside_are_taken_in_the_order_of_their_time_with_new_ones() -> None:
    anna = Customer()
    anna.judge("01 09:00", *[anna.event("complain", "02 12:00")], *[anna.event("post", "02 10:00")] * 2)
    anna.judge("02 12:00", *[anna.event("post", "02 11:00")] * 3)

    assert anna.story == [("churn_risk", "02 12:00", 6)]


def test_events_of_one_time_are_taken_in_the_order_of_arrival_though_some_were_kept_aside() -> None:
    anna = Customer()
    anna.judge("01 09:00", *[anna.event("post", "02 12:00")] * 5)
    anna.judge("02 12:00", anna.event("complain", "02 12:00"))

    assert anna.story == [("churn_risk", "02 12:00", 6)]


def test_the_horizon_lets_events_of_the_present_pane_in() -> None:
    anna = Customer()
    outcome = anna.judge("01 09:00", anna.event("post", "01 23:59"), horizon="01 23:59:59.999999")

    assert (outcome.taken, anna.score, anna.state.judged) == (1, 2, at("01 09:00"))


def test_an_event_id_counts_once() -> None:
    anna = Customer()
    first = anna.event("post", "01 09:00", "a")
    outcome = anna.judge("01 10:00", first, first, anna.event("post", "01 09:00", "b"))
    again = anna.judge("02 10:00", first)

    assert (outcome.taken, outcome.duplicates, again.duplicates, anna.score) == (2, 1, 1, 4)


def test_events_without_an_id_count_each_time() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 2)
    anna.do("post", "01 09:00", now="01 10:00")

    assert anna.score == 6


def test_an_event_kept_aside_counts_once_too() -> None:
    anna = Customer()
    ahead = anna.event("post", "01 10:00", "a")
    outcomes = [anna.judge("01 09:00", ahead), anna.judge("01 09:30", ahead), anna.judge("01 10:00", ahead)]

    assert [outcome.duplicates for outcome in outcomes] == [0, 1, 1]
    assert anna.score == 2


def test_an_event_id_is_remembered_for_as_long_as_the_policy_says_and_then_to_the_end_of_the_day() -> None:
    policy = policy_with(('idle_after = "10s"', 'idle_after = "10s"\n[events]\nremember_ids = "2d"'))
    for now, duplicates in (("03 23:59", 1), ("04 00:00", 0)):
        anna = Customer(policy)
        anna.do("post", "01 09:00", event_id="a")
        anna.judge(now)
        assert anna.do("post", "03 12:00", now=now, event_id="a").duplicates == duplicates


def test_an_id_is_remembered_from_when_it_came_not_from_the_time_of_its_event() -> None:
    policy = policy_with(('idle_after = "10s"', 'idle_after = "10s"\n[events]\nremember_ids = "1d"'))
    anna = Customer(policy)
    anna.do("post", "01 09:00", now="03 09:00", event_id="a")

    assert anna.do("post", "03 09:00", now="04 20:00", event_id="a").duplicates == 1


def test_an_id_is_remembered_from_when_it_came_also_where_the_evaluation_time_jumps_over_that() -> None:
    """A backlog is judged up to where all of it has been read, and then up to the present."""
    policy = policy_with(('idle_after = "10s"', 'idle_after = "10s"\n[events]\nremember_ids = "1d"'))
    for arrived, duplicates in (("09 09:00", 1), ("01 09:00", 0)):
        anna = Customer(policy)
        first = anna.event("post", "01 09:00", "a")
        advance(policy, anna.state, [first], Moment(0, arrived=at(arrived)))
        anna.judge("09 10:00")
        assert anna.judge("09 10:01", first).duplicates == duplicates


def test_an_outdated_event_is_recognised_when_it_comes_again() -> None:
    anna = Customer()
    anna.do("post", "09 09:00")
    outcomes = [anna.do("post", "01 09:00", now="09 10:00", event_id="a") for _ in range(2)]

    assert [(outcome.outdated, outcome.duplicates) for outcome in outcomes] == [(1, 0), (0, 1)]
