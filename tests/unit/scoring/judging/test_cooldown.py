"""A flap around the boundary: one alert per cooldown of twelve hours, and no drop forgotten."""

from __future__ import annotations

from scoring.judging.alerts import Alert
from scoring.points import POINT
from tests.unit.scoring.customers import Customer, at, clock, policy_with


def flapped() -> Customer:
    """Give a customer who dropped at 01:00, came back at 02:00, and dropped again at 03:00, within the cooldown."""
    anna = Customer()
    anna.do("post", "01 00:00", 5)
    anna.do("complain", "01 01:00")
    anna.judge("01 02:00", *[anna.event("post", "01 02:00")] * 3)
    anna.do("complain", "01 03:00")
    return anna


def test_a_drop_within_the_cooldown_is_held() -> None:
    anna = flapped()

    assert anna.story == [("churn_risk", "01 01:00", 6), ("recovered", "01 02:00", 12)]
    assert (anna.score, anna.band, anna.state.armed, anna.state.alert_open) == (8, "disengaged", True, False)


def test_a_held_drop_is_scheduled_for_the_end_of_the_cooldown() -> None:
    anna = flapped()

    assert (anna.due, anna.state.due_crosses) == ("01 13:00", True)


def test_a_drop_by_silence_that_is_held_is_scheduled_too() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    anna.do("complain", "03 18:00")
    anna.do("post", "03 19:00", 3)
    anna.judge("04 00:00")
    assert (anna.score, anna.due, anna.state.due_crosses) == (2, "04 06:00", True)

    anna.judge("04 06:00")
    assert anna.story[2:] == [("churn_risk", "04 06:00", 2)]


def test_a_held_drop_is_raised_when_the_cooldown_ends_with_that_time_and_the_reasons_of_the_drop() -> None:
    anna = flapped()
    anna.judge("01 12:59:59.999999")
    assert len(anna.story) == 2

    [alert] = anna.judge("01 20:00").transitions
    assert isinstance(alert, Alert)
    assert (alert.kind, clock(alert.occurred_at), alert.score) == ("churn_risk", "01 13:00", 8 * POINT)
    assert (alert.reasons[0]["type"], alert.reasons[0]["at"]) == ("complain", "2024-01-01T03:00:00Z")
    assert (anna.state.held, anna.state.alert_open, anna.state.last_alert) == (None, True, at("01 13:00"))


def test_a_held_drop_is_raised_exactly_at_the_end_of_the_cooldown() -> None:
    anna = flapped()
    anna.judge("01 13:00")

    assert anna.story[2:] == [("churn_risk", "01 13:00", 8)]


def test_a_held_drop_is_raised_before_a_later_event_of_the_same_batch_recovers_it() -> None:
    anna = flapped()
    anna.do("post", "01 14:00", 3)

    assert anna.story[2:] == [("churn_risk", "01 13:00", 8), ("recovered", "01 14:00", 12)]


def test_a_held_drop_is_not_raised_if_the_customer_came_back_before() -> None:
    anna = flapped()
    anna.do("post", "01 12:59", 1)
    anna.judge("01 14:00")

    assert (len(anna.story), anna.state.held, anna.state.armed) == (2, None, True)


def test_who_came_back_within_the_cooldown_needs_no_margin_to_be_alerted_on_again() -> None:
    anna = flapped()
    anna.do("post", "01 12:00", 1)
    anna.do("complain", "01 14:00")

    assert anna.story[2:] == [("churn_risk", "01 14:00", 6)]


def test_a_drop_that_goes_on_while_it_is_held_keeps_its_first_reasons_and_takes_the_last_band() -> None:
    anna = flapped()
    anna.do("quit", "01 04:00")
    [alert] = anna.judge("01 13:00").transitions

    assert (alert.severity, alert.score, alert.previous_score) == ("critical", -22 * POINT, 12 * POINT)
    assert alert.reasons[0]["type"] == "complain"


def test_a_drop_at_the_very_end_of_the_cooldown_is_raised_at_once() -> None:
    anna = Customer()
    anna.do("post", "01 00:00", 5)
    anna.do("complain", "01 01:00")
    anna.do("post", "01 02:00", 3)
    anna.do("complain", "01 13:00")

    assert anna.story[2:] == [("churn_risk", "01 13:00", 8)]


def test_a_drop_just_before_the_end_of_the_cooldown_is_held() -> None:
    anna = Customer()
    anna.do("post", "01 00:00", 5)
    anna.do("complain", "01 01:00")
    anna.do("post", "01 02:00", 3)
    anna.do("complain", "01 12:59:59.999999")

    assert len(anna.story) == 2
    assert anna.due == "01 13:00"


def test_a_storm_of_flaps_raises_one_alert_per_cooldown() -> None:
    anna = Customer()
    anna.do("post", "01 00:00", 6)
    for hour in range(1, 23):
        anna.do("complain", f"01 {hour:02}:00", 2)
        anna.do("post", f"01 {hour:02}:30", 4)

    assert [time for kind, time, _ in anna.story if kind == "churn_risk"] == ["01 01:00", "01 13:00"]


def test_a_boundary_at_the_end_of_the_cooldown_is_judged_first() -> None:
    anna = Customer(policy_with(('cooldown = "12h"', 'cooldown = "24h"'), ("disengaged = 0", "disengaged = -20")))
    anna.do("complain", "01 00:00", 2)
    anna.do("post", "03 00:00", 9)
    anna.do("complain", "03 00:00")
    anna.do("post", "03 01:00", 3)
    anna.do("complain", "03 02:00")
    assert (anna.score, anna.due) == (8, "04 00:00")
    assert anna.state.held is not None

    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "03 00:00", 6), ("recovered", "03 01:00", 12)]
    assert (anna.score, anna.state.held) == (16, None)


def test_without_a_cooldown_every_armed_drop_is_raised_at_once() -> None:
    anna = Customer(policy_with(('cooldown = "12h"', 'cooldown = "0s"')))
    anna.do("post", "01 00:00", 5)
    anna.do("complain", "01 01:00")
    anna.do("post", "01 02:00", 3)
    anna.do("complain", "01 03:00")

    assert anna.story[2:] == [("churn_risk", "01 03:00", 8)]


def came_back_at_the_end(*, judged_before: bool) -> Customer:
    """Lift a customer with a held drop by an event at the very end of the cooldown."""
    anna = flapped()
    if judged_before:
        anna.judge("01 13:00")
    anna.do("post", "01 13:00", 2)
    return anna


def test_an_event_at_the_end_of_the_cooldown_comes_after_the_held_alert() -> None:
    anna = came_back_at_the_end(judged_before=True)

    assert anna.story[2:] == [("churn_risk", "01 13:00", 8), ("recovered", "01 13:00", 12)]


def test_an_event_at_the_end_of_the_cooldown_does_the_same_whether_or_not_it_was_judged_before() -> None:
    assert came_back_at_the_end(judged_before=False).story == came_back_at_the_end(judged_before=True).story
