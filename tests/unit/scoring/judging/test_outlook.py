"""Warnings of a drop that is coming: the window is three days, whoever has 10 points is engaged, 12 end an episode."""

from __future__ import annotations

from scoring.feeds.feeds import Feeds
from scoring.judging.alerts import Alert
from scoring.policy.policy import Policy
from tests.unit.scoring.customers import Customer, at, clock, policy_with

ONE_DAY = ('cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "24h"')
POLICY = policy_with(ONE_DAY)
WATCHED = policy_with(ONE_DAY, ('topic = "web"', 'topic = "web"\nsilence_after = "6h"'))


def engaged(policy: Policy = POLICY, kind: str = "post", count: int = 6, **times: list[str]) -> Customer:
    """Give a customer who has more than 10 points from the 1st, and falls out of engaged on the 4th at midnight."""
    anna = Customer(policy)
    if times:
        anna.feeds = Feeds(policy, {name: [(at(time), at(time)) for time in some] for name, some in times.items()})
    anna.do(kind, "01 09:00", count)
    return anna


def warnings(anna: Customer) -> list[str]:
    """Give when she was warned of."""
    return [time for kind, time, _ in anna.story if kind == "disengaging_soon"]


def test_a_coming_drop_is_warned_of_that_long_before_it_comes_with_what_it_will_take() -> None:
    anna = engaged()
    anna.judge("02 09:00")
    assert (anna.due, anna.state.due_crosses) == ("03 00:00", True)

    [warning] = anna.judge("03 07:00").transitions
    assert isinstance(warning, Alert)
    assert (warning.kind, warning.severity, clock(warning.occurred_at)) == ("disengaging_soon", "notice", "03 00:00")
    assert (clock(warning.disengages_at), warning.band, warning.score) == ("04 00:00", 2, 12_000_000)
    assert warning.reasons == [
        {
            "channel": "social",
            "type": "post",
            "points": -12.0,
            "count": 6,
            "counted": 6,
            "cause": "expires",
            "pane": "2024-01-01T00:00:00Z",
        }
    ]


def test_it_is_warned_of_once_however_often_the_customer_is_judged() -> None:
    often, seldom = engaged(), engaged()
    for hour in range(24):
        often.judge(f"03 {hour:02}:00")
    for anna in (often, seldom):
        anna.judge("04 00:00")

    assert often.story == seldom.story == [("disengaging_soon", "03 00:00", 12), ("churn_risk", "04 00:00", 0)]


def test_nothing_is_warned_of_unless_the_policy_says_so() -> None:
    anna = engaged(policy_with())
    anna.judge("03 07:00")
    assert (anna.story, anna.state.warned, anna.due) == ([], False, "04 00:00")


def test_an_event_that_brings_the_drop_near_is_the_time_of_the_warning() -> None:
    anna = engaged()
    anna.do("post", "02 09:00", 5)
    anna.judge("03 08:00")
    assert warnings(anna) == []

    anna.do("complain", "03 10:00", 2, now="03 12:00")
    [warning] = [each for each in anna.transitions if isinstance(each, Alert)]
    assert (clock(warning.occurred_at), clock(warning.disengages_at)) == ("03 10:00", "04 00:00")
    assert (warning.previous_score, warning.score) == (22_000_000, 18_000_000)


def test_who_becomes_engaged_with_points_that_leave_soon_is_warned_of_at_once() -> None:
    anna = Customer(POLICY)
    anna.do("post", "01 09:00", 4)
    anna.do("post", "03 09:00", 1)

    assert anna.story == [("disengaging_soon", "03 09:00", 10)]


def test_an_episode_ends_when_the_drop_is_far_by_more_than_the_margin() -> None:
    for posts, again in ((5, False), (6, True)):
        anna = engaged()
        anna.judge("03 00:00")
        anna.do("post", "03 09:00", posts)
        assert anna.state.warned is not again
        anna.judge("05 12:00")
        assert warnings(anna) == (["03 00:00", "05 00:00"] if again else ["03 00:00"])


def test_an_episode_ends_with_the_event_that_puts_the_drop_off_far_enough() -> None:
    anna = engaged()
    anna.judge("03 00:00")
    anna.do("post", "03 09:00", 5)
    assert anna.state.warned
    anna.do("post", "03 10:00")
    assert not anna.state.warned


def test_a_drop_that_would_raise_no_alert_is_not_warned_of() -> None:
    anna = engaged()
    anna.do("complain", "02 09:00")
    anna.do("post", "02 10:00")
    assert (anna.score, anna.state.armed) == (10, False)
    anna.judge("04 00:00")

    assert [kind for kind, _, _ in anna.story] == ["churn_risk", "churn_risk"]


def test_a_flap_is_warned_of_once_in_a_cooldown() -> None:
    anna = engaged()
    anna.judge("03 00:00")
    for hour in range(1, 23):
        anna.do("post", f"03 {hour:02}:00", 8)
        anna.do("complain", f"03 {hour:02}:30", 4)

    assert warnings(anna) == ["03 00:00", "03 12:00"]


def test_a_warning_that_the_cooldown_holds_back_comes_when_it_ends_unless_the_drop_does_first() -> None:
    for cooldown, told in (("12h", ["03 00:00", "03 12:00"]), ("24h", ["03 00:00"])):
        anna = engaged(policy_with(('cooldown = "12h"', f'cooldown = "{cooldown}"\nwarn_before = "24h"')))
        anna.judge("03 00:00")
        anna.do("post", "03 01:00", 6)
        anna.do("complain", "03 02:00", 3)
        assert anna.due == ("03 12:00" if cooldown == "12h" else "04 00:00")
        anna.judge("04 01:00")
        assert warnings(anna) == told


def test_a_customer_who_falls_and_rises_within_one_batch_is_warned_of_at_the_time_of_the_event() -> None:
    anna = engaged()
    anna.do("post", "02 09:00", 5)
    batch = [anna.event("complain", "03 10:00"), anna.event("complain", "03 10:00"), anna.event("complain", "03 10:00")]
    anna.judge("03 20:00", *batch, anna.event("post", "03 19:00"))
    assert warnings(anna) == ["03 10:00"]


def test_an_episode_may_end_and_the_next_begin_within_one_batch() -> None:
    policy = policy_with(('cooldown = "12h"', 'cooldown = "0s"\nwarn_before = "24h"'))
    anna = engaged(policy)
    anna.judge("03 00:00")
    anna.judge("03 20:00", *[anna.event("post", "03 01:00")] * 6, *[anna.event("complain", "03 02:00")] * 3)
    assert warnings(anna) == ["03 00:00", "03 02:00"]


def test_a_late_event_that_brings_the_drop_near_is_judged_at_its_own_time() -> None:
    anna = engaged()
    anna.do("post", "02 09:00", 5)
    anna.judge("03 08:00")
    anna.do("complain", "02 10:00", 3, now="03 09:00")

    assert warnings(anna) == ["03 00:00"]


def test_a_late_event_that_ends_an_episode_of_churn_is_warned_of_when_that_was_due() -> None:
    anna = engaged()
    anna.do("complain", "01 10:00")
    anna.do("post", "01 11:00")
    anna.judge("03 08:00")
    assert anna.story == [("churn_risk", "01 10:00", 8)]

    anna.do("post", "02 09:00", now="03 09:00")
    assert anna.story[1:] == [("recovered", "02 09:00", 12), ("disengaging_soon", "03 00:00", 12)]


def test_what_another_policy_finds_near_is_not_warned_of() -> None:
    anna = engaged(policy_with())
    anna.judge("02 12:00")
    two_days = ('cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "48h"')
    anna.policy = policy_with(two_days, ('version = "by-hand"', 'version = "warns"'))
    anna.judge("02 13:00")
    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", 0)]


def test_a_policy_that_warns_no_more_forgets_the_episode() -> None:
    anna = engaged()
    anna.judge("03 12:00")
    assert anna.state.warned
    anna.policy = policy_with(('version = "by-hand"', 'version = "silent"'))
    anna.judge("03 13:00")
    assert (anna.state.warned, anna.state.last_warning) == (False, -1)


def test_a_warning_waits_while_a_feed_that_brought_points_is_silent() -> None:
    policy = policy_with(
        ('cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "48h"'),
        ('topic = "web"', 'topic = "web"\nsilence_after = "6h"'),
    )
    for back, told in (("02 12:00", []), ("02 23:00", ["03 00:00"])):
        anna = engaged(policy, "buy", 3, web=["01 09:00", back])
        anna.judge("02 06:00")
        assert (warnings(anna), anna.due, anna.state.due_crosses) == ([], "03 00:00", True)
        anna.judge("02 12:30")
        anna.judge("02 13:00")
        assert warnings(anna) == []
        anna.judge("03 23:00")
        assert warnings(anna) == told


def test_a_warning_that_waits_is_forgotten_when_the_drop_comes() -> None:
    anna = engaged(WATCHED, "buy", 3, web=["01 09:00", "03 23:00"])
    anna.judge("04 12:00")

    assert anna.story == [("churn_risk", "04 00:00", 0)]


def test_an_event_that_takes_points_is_warned_of_at_once_however_silent_the_feeds_are() -> None:
    anna = engaged(WATCHED, "buy", 4, web=["01 09:00"])
    anna.judge("03 06:00")
    assert warnings(anna) == []

    anna.do("complain", "03 07:00")
    assert warnings(anna) == ["03 07:00"]


def test_an_event_that_brings_the_drop_near_waits_for_no_feed() -> None:
    anna = engaged(WATCHED, "buy", 3, web=["01 09:00"])
    anna.do("post", "02 09:00", 5)
    anna.do("complain", "03 07:00")
    assert warnings(anna) == ["03 07:00"]


def test_an_event_that_brings_points_does_not_end_the_wait() -> None:
    anna = engaged(WATCHED, "buy", 3, web=["01 09:00"])
    anna.judge("03 06:00")
    anna.do("post", "03 07:00")
    assert (warnings(anna), anna.due) == ([], "04 00:00")


def test_points_that_fade_are_foreseen_too() -> None:
    fading = ('trend = "1d"', 'trend = "1d"\nhalf_life = "1d"')
    anna = Customer(policy_with(ONE_DAY, fading, ("post = 2", "post = 22")))
    anna.do("post", "01 09:00")
    anna.judge("04 00:00")

    assert anna.story == [("disengaging_soon", "02 00:00", 11), ("churn_risk", "03 00:00", 5.5)]
    assert anna.transitions[2].reasons == [{"cause": "fades"}]
