"""Band changes and alerts that events make, worked by hand: engaged from 10 points, armed again from 12."""

from __future__ import annotations

from scoring.judging.alerts import Alert, BandChange
from scoring.points import POINT
from tests.unit.scoring.customers import Customer, at, policy_with


def test_a_stranger_stands_at_nothing_until_an_event_comes() -> None:
    anna = Customer()
    anna.judge("01 09:00")

    assert (anna.score, anna.band, anna.state.judged, anna.due) == (0, "disengaged", -1, "")
    assert anna.transitions == []


def test_weights_and_caps_make_the_score() -> None:
    anna = Customer()
    anna.do("view", "01 09:00", 5)
    anna.do("view", "02 09:00", 2)
    anna.do("buy", "02 10:00")
    anna.do("post", "02 11:00")

    assert anna.score == 3 + 2 + 4.5 + 2
    assert anna.state.channel_points == [9_500_000, 2 * POINT]


def test_an_event_that_lifts_a_customer_to_engaged_changes_the_band_and_raises_no_alert() -> None:
    anna = Customer()
    outcome = anna.do("post", "01 09:00", 5)

    reason = {
        "channel": "social",
        "type": "post",
        "points": 2.0,
        "count": 1,
        "counted": 1,
        "cause": "event",
        "at": "2024-01-01T09:00:00Z",
    }
    assert outcome.transitions == [BandChange(2, 1, 10 * POINT, 8 * POINT, at("01 09:00"), "event", [reason])]
    assert (anna.state.band_since, anna.state.previous_band) == (at("01 09:00"), 1)


def test_each_band_on_the_way_is_a_change_of_its_own() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 16)

    assert [band for band, _ in anna.changes] == ["engaged", "highly_engaged", "power"]


def test_an_unsubscribe_is_a_drop_at_the_time_of_the_event_and_critical_below_nothing() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 6)
    outcome = anna.do("quit", "01 12:30", now="01 18:00")

    reason = {
        "channel": "web",
        "type": "quit",
        "points": -30.0,
        "count": 1,
        "counted": 1,
        "cause": "event",
        "at": "2024-01-01T12:30:00Z",
    }
    assert outcome.transitions == [
        BandChange(0, 2, -18 * POINT, 12 * POINT, at("01 12:30"), "event", [reason]),
        Alert("churn_risk", 0, 2, -18 * POINT, 12 * POINT, at("01 12:30"), [reason]),
    ]
    assert outcome.transitions[1].severity == "critical"


def test_a_drop_that_stays_at_nothing_or_above_is_a_warning() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    [_, alert] = anna.do("complain", "01 10:00").transitions

    assert (alert.kind, alert.severity, alert.score) == ("churn_risk", "warning", 6 * POINT)


def test_who_never_reached_engaged_is_alerted_on_in_at_risk_alone() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 4)
    anna.do("complain", "01 09:30")
    assert anna.story == []
    anna.do("quit", "01 10:00")
    anna.judge("09 00:00")

    assert anna.story == [("churn_risk", "01 10:00", -26)]
    assert anna.changes == [("at_risk", "01 10:00"), ("disengaged", "04 00:00")]


def test_reaching_engaged_arms_without_a_margin_the_first_time() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)

    assert (anna.score, anna.state.armed) == (10, True)


def test_one_drop_raises_one_alert_however_much_further_it_goes_in_its_band() -> None:
    anna = Customer(policy_with(("disengaged = 0", "disengaged = -20")))
    anna.do("post", "01 09:00", 5)
    anna.do("complain", "01 10:00")
    anna.do("complain", "02 10:00", 3)
    anna.judge("09 00:00")

    assert anna.story == [("churn_risk", "01 10:00", 6)]


def test_coming_back_recovers_once() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    anna.do("complain", "01 10:00")
    anna.do("post", "01 11:00", 3)
    [change, alert] = anna.transitions[-2:]
    anna.do("post", "01 12:00", 20)

    assert anna.story == [("churn_risk", "01 10:00", 6), ("recovered", "01 11:00", 12)]
    assert isinstance(change, BandChange)
    assert (alert.severity, alert.band, alert.previous_band) == ("info", 2, 2)
    assert alert.reasons[0]["type"] == "post"


def test_only_the_margin_arms_again() -> None:
    for posts, armed in ((2, False), (3, True)):
        anna = Customer()
        anna.do("post", "01 09:00", 5)
        anna.do("complain", "01 10:00")
        anna.do("post", "02 09:00", posts)

        assert (anna.score, anna.state.armed) == (6 + 2 * posts, armed)
        anna.do("complain", "02 10:00")
        assert len(anna.story) == (3 if armed else 1)


def test_the_margin_arms_when_it_is_reached_later_and_the_band_stays() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    anna.do("complain", "01 10:00")
    anna.do("post", "02 09:00", 2)
    anna.do("view", "02 09:30", 2)

    assert (anna.score, anna.state.armed, anna.band) == (12, True, "engaged")


def test_the_margin_arms_even_when_one_batch_goes_up_to_it_and_down_again() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    anna.do("complain", "01 10:00")
    anna.do("post", "02 09:00", 2)
    batch = [anna.event("post", "02 10:00")] * 2 + [anna.event("complain", "02 11:00")]
    anna.judge("02 12:00", *batch)

    assert (anna.score, anna.state.armed) == (10, True)


def test_events_of_one_batch_are_judged_one_by_one_in_the_order_of_their_time() -> None:
    anna = Customer()
    batch = [anna.event("complain", "01 10:00")] + [anna.event("post", "01 09:00")] * 5
    anna.judge("01 12:00", *batch)

    assert anna.story == [("churn_risk", "01 10:00", 6)]
    assert anna.changes == [("engaged", "01 09:00"), ("disengaged", "01 10:00")]


def test_events_of_one_time_are_judged_in_the_order_of_arrival() -> None:
    posts, complaint = [Customer().event("post", "01 09:00")] * 5, [Customer().event("complain", "01 09:00")]
    first, last = [Customer(policy_with(("disengaged = 0", "disengaged = -20"))) for _ in range(2)]
    first.judge("01 09:00", *complaint, *posts)
    last.judge("01 09:00", *posts, *complaint)

    assert first.score == last.score == 6
    assert first.story == []
    assert last.story == [("churn_risk", "01 09:00", 6)]


def test_a_type_that_scores_nothing_moves_nothing_but_the_last_event() -> None:
    anna = Customer()
    anna.do("post", "01 09:00")
    outcome = anna.do("impression", "01 10:00", 3)
    anna.do("unheard", "01 11:00")

    assert (anna.score, outcome.taken, anna.state.last_event_at) == (2, 3, at("01 11:00"))
    assert sum(sum(counts.values()) for counts in anna.state.panes.values()) == 5


def test_a_count_over_the_cap_is_kept_and_scores_nothing() -> None:
    anna = Customer()
    anna.do("view", "01 09:00", 7)

    assert list(anna.state.panes.values()) == [{anna.event("view", "01 09:00").code: 7}]
    assert anna.score == 3


def test_engaged_may_lie_at_nothing_or_below() -> None:
    anna = Customer(policy_with(("disengaged = 0", "disengaged = -20"), ("engaged = 10", "engaged = -10")))
    anna.do("impression", "01 09:00")
    anna.do("complain", "01 10:00", 3)

    assert anna.changes == [("engaged", "01 09:00"), ("disengaged", "01 10:00")]
    assert anna.story == [("churn_risk", "01 10:00", -12)]
