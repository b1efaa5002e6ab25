"""Signals of two ids that are linked: the band that was waited for may come with the link itself."""

from __future__ import annotations

from scoring.customer.signals import Signal
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with
from tests.unit.scoring.judging.test_signals import CART, signals_of

LINKING = parse_policy(
    f'{POLICY}[identities]\n[signals.slow]\nafter = ["web.view"]\nwithout_band = "engaged"\nwithin = "6h"\n'
)


def told_after_the_link(*, bought: int) -> list[str]:
    """Link an id that has looked to a customer who has bought, and give what is told 6 hours after the look."""
    anna, cookie = Customer(LINKING), Customer(LINKING)
    anna.judge("01 09:00", *[anna.event("buy", "01 09:00", f"b{number}") for number in range(bought)])
    cookie.judge("01 10:00", cookie.event("view", "01 10:00", "v"))
    merge(LINKING, ("anna", anna.state), ("cookie", cookie.state), Moment(at("01 11:00")))
    transitions = advance(LINKING, anna.state, (), Moment(at("01 16:00"))).transitions
    return [each.name for each in transitions if isinstance(each, Signal)]


def test_who_is_in_the_band_by_the_link_is_not_waited_for_any_more() -> None:
    assert told_after_the_link(bought=1) == ["slow"]
    # Two purchases are 9 points, and the look of the other id is the tenth.
    assert told_after_the_link(bought=2) == []


def test_a_late_answer_ends_what_was_raised_under_both_ids_no_earlier_than_the_later_one() -> None:
    cart = policy_with(text=f"{POLICY}[identities]\n{CART}")
    anna, cookie = Customer(cart), Customer(cart)
    anna.do("view", "01 09:00")
    cookie.do("view", "01 07:00")
    merge(cart, ("anna", anna.state), ("cookie", cookie.state), Moment(at("01 11:00")))
    anna.do("buy", "01 09:30", now="01 12:00")
    assert signals_of(anna) == [("cart", "01 10:00", True)]
