"""A new policy: every score follows at once, and a change of policy is not a change of the customer."""

from __future__ import annotations

from scoring.judging.alerts import BandChange
from scoring.judging.score import next_change
from scoring.points import POINT
from scoring.policy.policy import Policy
from tests.unit.scoring.customers import Customer, at, clock, policy_with

SECOND = ('version = "by-hand"', 'version = "second"')


def with_posts_worth(points: float, *changes: tuple[str, str]) -> Policy:
    """Make a second policy with another weight for posts."""
    return policy_with(SECOND, ("post = 2", f"post = {points}"), *changes)


def engaged(posts: int = 6) -> Customer:
    """Give a customer who is engaged under the first policy."""
    anna = Customer()
    anna.do("post", "01 09:00", posts)
    return anna


def test_scores_follow_the_weights_without_any_event() -> None:
    anna = engaged()
    anna.policy = with_posts_worth(3.5)
    anna.judge("01 10:00")

    assert (anna.score, anna.band, anna.state.policy_version) == (21, "highly_engaged", "second")
    assert anna.state.channel_points == [0, 21 * POINT]


def test_a_fall_by_policy_is_a_band_change_with_that_cause_and_no_alert() -> None:
    anna = engaged()
    anna.policy = with_posts_worth(1)
    outcome = anna.judge("02 10:00")

    assert outcome.transitions == [BandChange(1, 2, 6 * POINT, 12 * POINT, at("01 09:00"), "policy")]
    assert (anna.state.band_since, anna.state.previous_band) == (at("01 09:00"), 2)
    anna.judge("09 00:00")
    assert anna.story == []


def test_a_change_has_the_time_up_to_which_the_customer_had_been_judged() -> None:
    anna = engaged()
    anna.judge("02 12:00")
    anna.policy = with_posts_worth(1)
    anna.judge("02 18:00")

    assert anna.changes[-1] == ("disengaged", "02 12:00")


def test_a_policy_that_keeps_the_band_raises_nothing() -> None:
    anna = engaged()
    anna.policy = with_posts_worth(2.5)

    assert anna.judge("01 10:00").transitions == []
    assert anna.score == 15


def test_who_rises_by_policy_is_alerted_on_when_the_drop_comes() -> None:
    anna = engaged(4)
    anna.policy = with_posts_worth(2.5)
    anna.judge("01 10:00")
    anna.judge("04 00:00")

    assert anna.changes == [("engaged", "01 09:00"), ("disengaged", "04 00:00")]
    assert anna.story == [("churn_risk", "04 00:00", 0)]


def test_a_rise_by_policy_leaves_an_alert_open_until_the_customer_does_something() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.policy = with_posts_worth(4)
    anna.judge("01 11:00")
    assert (anna.state.alert_open, [kind for kind, _, _ in anna.story]) == (True, ["churn_risk"])

    anna.do("impression", "01 12:00")
    assert anna.story[1:] == [("recovered", "01 12:00", 20)]
    assert (anna.state.alert_open, anna.state.armed) == (False, True)


def test_a_policy_that_puts_a_customer_into_at_risk_raises_nothing_and_the_customer_does() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.policy = with_posts_worth(0.5)
    anna.judge("01 11:00")
    anna.do("impression", "01 12:00")
    assert (anna.band, len(anna.story)) == ("at_risk", 1)

    ben = Customer()
    ben.do("post", "01 09:00")
    ben.do("buy", "01 09:00")
    ben.policy = policy_with(SECOND, ("buy = 4.5", "buy = -4.5"))
    ben.judge("01 11:00")
    assert (ben.band, ben.story) == ("at_risk", [])
    ben.do("post", "01 12:00", 2)
    ben.do("buy", "01 13:00")
    assert (ben.band, ben.story) == ("at_risk", [("churn_risk", "01 13:00", -3)])


def test_a_rise_by_policy_lets_a_held_drop_go() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.do("post", "01 11:00", 2)
    anna.do("complain", "01 12:00")
    assert anna.state.held is not None
    anna.policy = with_posts_worth(3)
    anna.judge("01 13:00")
    anna.judge("02 09:00")

    assert (anna.state.held, len(anna.story)) == (None, 2)


def test_a_held_drop_is_still_raised_under_a_policy_that_does_not_lift_the_customer() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.do("post", "01 11:00", 2)
    anna.do("complain", "01 12:00")
    anna.policy = with_posts_worth(1.5)
    anna.judge("02 09:00")

    assert anna.story[2:] == [("churn_risk", "01 22:00", 4)]


def test_a_cooldown_that_a_policy_shortens_ends_not_before_the_customer_was_judged_last() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.do("post", "01 11:00", 2)
    anna.do("complain", "01 12:00")
    # After one hour it would have been over at 11:00, when the drop had not come.
    anna.policy = policy_with(('"by-hand"', '"next"'), ('cooldown = "12h"', 'cooldown = "1h"'))
    anna.judge("01 13:00")

    assert anna.story[2:] == [("churn_risk", "01 12:00", 8)]


def test_the_new_policy_judges_what_comes_after() -> None:
    anna = engaged()
    anna.policy = with_posts_worth(2, ("engaged = 10", "engaged = 15"))
    anna.do("post", "01 10:00", 2)

    assert anna.changes[1:] == [("disengaged", "01 09:00"), ("engaged", "01 10:00")]


def test_a_customer_without_a_change_of_policy_keeps_the_alert_machine() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.judge("01 11:00")

    assert (anna.state.alert_open, anna.state.armed) == (True, False)


def test_the_schedule_follows_a_shorter_window() -> None:
    anna = engaged()
    anna.judge("02 12:00")
    anna.policy = policy_with(SECOND, ('length = "3d"', 'length = "2d"'))
    anna.judge("02 13:00")

    assert anna.due == clock(next_change(anna.policy, anna.state)) == "03 00:00"


def test_an_alert_that_is_open_within_the_margin_stays_open_under_other_policies() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.do("post", "01 11:00")
    assert (anna.band, anna.score, anna.state.armed) == ("engaged", 10, False)
    anna.policy = with_posts_worth(2, ('version = "second"', 'version = "third"'))
    anna.judge("01 12:00")
    assert (anna.band, anna.state.armed) == ("engaged", False)

    anna.policy = with_posts_worth(2.5, ('version = "second"', 'version = "fourth"'))
    anna.judge("01 13:00")
    assert (anna.score, anna.state.armed) == (13.5, False)
    anna.do("impression", "01 14:00")
    assert (anna.story[-1], anna.state.armed) == (("recovered", "01 14:00", 13.5), True)


def test_points_that_fade_by_a_new_policy_alone_raise_no_alert() -> None:
    anna = engaged()
    anna.judge("02 00:00")
    anna.policy = policy_with(SECOND, ('trend = "1d"', 'trend = "1d"\nhalf_life = "1d"'))
    anna.judge("03 12:00")

    assert (anna.score, anna.story) == (3, [])
    assert anna.changes[1:] == [("disengaged", "02 00:00")]


def test_a_window_that_is_shorter_by_a_new_policy_alone_raises_no_alert() -> None:
    anna = engaged()
    anna.judge("02 00:00")
    anna.policy = policy_with(SECOND, ('length = "3d"', 'length = "2d"'))
    anna.judge("03 12:00")

    assert (anna.score, anna.story) == (0, [])


def test_what_had_come_due_before_the_customer_followed_is_a_drop_of_the_customer() -> None:
    anna = engaged()
    anna.policy = with_posts_worth(2.5)
    anna.judge("04 00:05")

    assert anna.story == [("churn_risk", "04 00:00", 0)]


def test_an_event_before_the_customer_followed_is_judged_at_its_own_time() -> None:
    anna = engaged()
    anna.policy = with_posts_worth(2.5)
    outcome = anna.do("complain", "02 09:00", 2, now="03 09:00")

    assert anna.story == [("churn_risk", "02 09:00", 7)]
    assert outcome.late == 0


def test_a_policy_and_its_revocation_raise_two_band_changes_and_nothing_else() -> None:
    anna = engaged()
    first = anna.policy
    anna.policy = with_posts_worth(1)
    anna.judge("01 10:00")
    anna.policy = first
    anna.judge("01 11:00")

    assert [change.cause for change in anna.transitions if isinstance(change, BandChange)] == [
        "event",
        "policy",
        "policy",
    ]
    assert (anna.story, anna.state.armed, anna.score) == ([], True, 12)


def test_events_of_the_moment_up_to_which_was_judged_do_not_score_when_they_have_left_the_window() -> None:
    # With nothing left in the window nothing changes by itself, so the new policy is followed as of now.
    anna = engaged()
    anna.judge("08 00:00")
    anna.policy = with_posts_worth(3)
    anna.do("post", "08 00:00", 6, now="20 00:00")

    assert (anna.score, anna.state.channel_points) == (0, [0, 0])
