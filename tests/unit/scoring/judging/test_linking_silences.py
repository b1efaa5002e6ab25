"""Falls and signals that silent feeds hold under two ids, when these become one customer on the 4th at noon."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.signals import Signal
from scoring.feeds.feeds import Feeds
from scoring.judging.alerts import Alert, Transition
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from tests.unit.scoring.customers import POLICY, Customer, at, clock, policy_with

WEB = ('topic = "web"', 'topic = "web"\nsilence_after = "6h"')
SOCIAL = ('topic = "social"', 'topic = "social"\nsilence_after = "24h"')


def customer(policy: Policy, feeds: Feeds, *deeds: tuple[str, str, int]) -> Customer:
    """Give a customer who has done something, judged up to the link."""
    anna = Customer(policy)
    anna.feeds = feeds
    for kind, time, count in deeds:
        anna.do(kind, time, count)
    anna.judge("04 12:00")
    return anna


def told_after_the_link(anna: Customer, cookie: Customer) -> list[Transition]:
    """Link both, and give what is told of them by the 8th."""
    found = merge(anna.policy, ("a", anna.state), ("c", cookie.state), Moment(at("04 12:00"), 0, anna.feeds)).own
    return [*found, *advance(anna.policy, anna.state, (), Moment(at("08 00:00"), 0, anna.feeds)).transitions]


def alerts_in(told: list[Transition]) -> list[tuple[str, str]]:
    """Give the alerts with their times."""
    return [(each.kind, clock(each.occurred_at)) for each in told if isinstance(each, Alert)]


def feeds(policy: Policy, **times: list[str]) -> Feeds:
    """Give feeds whose events were at some times."""
    return Feeds(policy, {name: [(at(time), at(time)) for time in some] for name, some in times.items()})


def test_a_fall_that_is_held_under_both_ids_waits_for_the_feeds_of_both() -> None:
    policy = policy_with(WEB, SOCIAL)
    known = feeds(policy, web=["01 09:00", "04 20:00", "06 22:00"], social=["01 09:00", "06 20:00"])
    anna, cookie = customer(policy, known, ("buy", "01 09:00", 3)), customer(policy, known, ("post", "01 09:00", 5))
    assert [each.state.held is not None for each in (anna, cookie)] == [True, True]

    # The feed of the web is back on the 5th, that of the posts on the 7th.
    assert alerts_in(told_after_the_link(anna, cookie)) == [("churn_risk", "07 00:00")]


def test_a_deeper_fall_that_is_held_within_the_episode_of_an_id_is_told_of_the_customer() -> None:
    policy = policy_with(WEB)
    known = feeds(policy, web=["01 09:00", "02 09:00", "03 09:00", "04 20:00"])
    deeds = [("buy", "01 09:00", 3), ("complain", "02 09:00", 1), ("complain", "03 09:00", 1)]
    anna, cookie = customer(policy, known, ("impression", "01 10:00", 1)), customer(policy, known, *deeds)
    assert (cookie.band, cookie.story) == ("at_risk", [("churn_risk", "02 09:00", 9.5)])

    assert alerts_in(told_after_the_link(anna, cookie)) == [("churn_risk", "05 00:00")]


def test_a_signal_that_is_open_is_not_raised_again_for_the_other_id_that_waits() -> None:
    policy = policy_with(WEB, text=f'{POLICY}[identities]\n[signals.left]\nleaves = "engaged"\n')
    known = feeds(policy, web=["01 09:00", "04 20:00"])
    anna = customer(policy, known, ("post", "02 09:00", 5), ("complain", "02 10:00", 1))
    cookie = customer(policy, known, ("buy", "01 09:00", 3))
    for each, names in ((anna, ["left"]), (cookie, [])):
        assert [told.name for told in each.transitions if isinstance(told, Signal)] == names

    assert [each for each in told_after_the_link(anna, cookie) if isinstance(each, Signal)] == []


COOLED = policy_with(
    WEB,
    ('topic = "social"', 'topic = "social"\nsilence_after = "6h"'),
    text=f'{POLICY}\n[signals.left]\nleaves = "engaged"\ncooldown = "20h"',
)
#: Posts stop on the 3rd and are back on the 5th; the web goes on all the time.
POSTS_STOP = Feeds(
    COOLED,
    {
        "social": [(at("01 00:00"), at("03 12:00")), (at("05 20:00"), at("20 00:00"))],
        "web": [(at("01 00:00"), at("20 00:00"))],
    },
)


def left(told: Sequence[Transition]) -> list[str]:
    """Give when it was raised that the customer had left."""
    return [clock(each.occurred_at) for each in told if isinstance(each, Signal) and not each.ended]


def test_what_a_feed_holds_under_one_id_and_a_cooldown_under_the_other_is_raised_after_both() -> None:
    anna = customer(COOLED, POSTS_STOP, ("post", "01 09:00", 6))
    deeds = [("buy", "04 01:00", 4), ("quit", "04 02:00", 1), ("buy", "04 03:00", 8), ("quit", "04 04:00", 1)]
    cookie = customer(COOLED, POSTS_STOP, *deeds)
    assert (left(anna.transitions), left(cookie.transitions)) == ([], ["04 02:00"])

    assert left(told_after_the_link(anna, cookie)) == ["06 00:00"]


def test_an_event_that_takes_points_within_the_cooldown_of_a_linked_id_drops_nothing_that_waits() -> None:
    anna = customer(COOLED, POSTS_STOP, ("post", "01 09:00", 9), ("complain", "02 09:00", 2))
    cookie = customer(COOLED, POSTS_STOP, ("buy", "04 01:00", 4), ("quit", "04 02:00", 1), ("buy", "04 03:00", 5))
    merge(COOLED, ("a", anna.state), ("c", cookie.state), Moment(at("04 12:00"), 0, POSTS_STOP))
    linked = len(anna.transitions)
    anna.do("complain", "04 14:00")
    anna.judge("08 00:00")
    assert left(anna.transitions[linked:]) == ["06 00:00"]
