"""Falls and signals that silent feeds hold under two ids, when these become one customer on the 4th at noon."""

from __future__ import annotations

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
