"""Signals: three days in panes of one; 10 points are engaged, 30 power; a view is 1, a post 2, a purchase 4.5."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.customer.signals import Signal
from scoring.feeds.feeds import Feeds
from scoring.judging.alerts import message
from scoring.policy.policy import Policy
from tests.unit.scoring.customers import POLICY, Customer, at, clock, policy_with

EVENT = '[signals.angry]\non = "web.complain"'
CART = '[signals.cart]\nafter = "web.view"\nwithout = "web.buy"\nwithin = "1h"'
BAND = '[signals.upsell]\nreaches = "power"'

Told = list[tuple[str, str, bool]]


def policy(*tables: str, **keys: str) -> Policy:
    """Give the policy by hand with signals; the keys go to the last of them."""
    more = "\n".join([f'{name} = "{value}"' for name, value in keys.items()])
    return policy_with(text="\n".join([POLICY, *tables, more]))


def signals_of(anna: Customer) -> Told:
    """Give the signals: name, moment, and whether it is an end."""
    return [(one.name, clock(one.occurred_at), one.ended) for one in anna.transitions if isinstance(one, Signal)]


def bodies(anna: Customer) -> list[dict[str, Any]]:
    """Give the messages of the signals."""
    found = [one for one in anna.transitions if isinstance(one, Signal)]
    return [message("anna", one, at("09 00:00"), anna.policy.version) for one in found]


# --- An event ---------------------------------------------------------------------------------------------------------


def test_each_event_of_the_type_raises_a_signal_with_the_event_as_its_reason() -> None:
    anna = Customer(policy(EVENT, severity="warning", title="Call", message="Care for them at once"))
    anna.do("view", "01 09:00")
    anna.do("complain", "01 10:00", event_id="a")

    [body] = bodies(anna)
    assert body | {"signal_id": ""} == {
        "signal_id": "",
        "signal": "angry",
        "kind": "raised",
        "severity": "warning",
        "title": "Call",
        "message": "Care for them at once",
        "namespace": "engagement",
        "customer_id": "anna",
        "score": -3.0,
        "band": "at_risk",
        "occurred_at": "2024-01-01T10:00:00Z",
        "detected_at": "2024-01-09T00:00:00Z",
        "policy_version": "by-hand",
        "reasons": [
            {
                "channel": "web",
                "type": "complain",
                "points": -4.0,
                "count": 1,
                "counted": 1,
                "cause": "event",
                "at": "2024-01-01T10:00:00Z",
            }
        ],
    }


def test_two_events_of_one_time_are_two_signals_and_a_repeated_one_is_none() -> None:
    anna = Customer(policy(EVENT))
    for event_id in ("a", "b", "a"):
        anna.do("complain", "01 10:00", event_id=event_id)

    assert len({body["signal_id"] for body in bodies(anna)}) == len(bodies(anna)) == 2


def test_an_event_kept_aside_raises_the_signal_that_it_would_have_raised_in_time() -> None:
    anna, ben = Customer(policy(EVENT)), Customer(policy(EVENT))
    anna.do("complain", "01 10:00", event_id="a", now="01 09:00")
    assert not bodies(anna)
    anna.judge("01 10:00")
    ben.do("complain", "01 10:00", event_id="a")
    assert bodies(anna) == bodies(ben) != []


def test_an_event_too_old_to_score_raises_nothing() -> None:
    anna = Customer(policy(EVENT))
    anna.do("view", "09 09:00")
    anna.do("complain", "01 10:00", now="09 10:00")
    assert not bodies(anna)


def test_within_the_cooldown_nothing_is_raised_again() -> None:
    anna = Customer(policy(EVENT, cooldown="2h"))
    for time in ("01 10:00", "01 11:59:59", "01 12:00", "01 13:00"):
        anna.do("complain", time)
    assert signals_of(anna) == [("angry", "01 10:00", False), ("angry", "01 12:00", False)]


# --- A measure --------------------------------------------------------------------------------------------------------

POSTS = '[measures.posts]\nkind = "count"\nof = ["social.post"]\nover = "2d"'
BUSY = f'{POSTS}\n[signals.busy]\nmeasure = "posts"\nat_least = 2'


def test_a_measure_past_its_bound_raises_a_signal_that_ends_by_time_alone() -> None:
    anna = Customer(policy(BUSY))
    anna.do("post", "01 10:00")
    anna.do("view", "01 11:00")
    anna.do("post", "02 12:00")
    assert signals_of(anna) == [("busy", "02 12:00", False)]
    anna.judge("02 23:59:59")
    anna.judge("05 00:00")

    raised, ended = bodies(anna)
    assert raised["reasons"] == [{"cause": "measure", "measure": "posts", "value": 2.0, "at_least": 2.0}]
    assert (ended["kind"], ended["occurred_at"]) == ("ended", "2024-01-03T00:00:00Z")
    assert ended["reasons"] == [{"cause": "measure", "measure": "posts", "value": 1.0, "at_least": 2.0}]


def test_a_measure_that_falls_as_events_leave_raises_at_the_end_of_the_pane_and_without_a_value_it_is_over() -> None:
    anna = Customer(policy(f'{POSTS}\n[signals.few]\nmeasure = "posts"\nat_most = 1'))
    anna.do("post", "01 10:00")
    anna.do("post", "01 11:00")
    anna.do("post", "02 12:00")
    anna.judge("09 00:00")

    assert signals_of(anna) == [
        ("few", "01 10:00", False),
        ("few", "01 11:00", True),
        ("few", "03 00:00", False),
        ("few", "04 00:00", True),
    ]
    assert bodies(anna)[-1]["reasons"][0]["value"] is None


def test_a_customer_is_due_when_a_measure_with_a_signal_falls() -> None:
    anna = Customer(policy(BUSY))
    anna.do("post", "01 10:00")
    anna.do("post", "01 10:30")
    while signals_of(anna)[-1] == ("busy", "01 10:30", False):
        anna.judge(anna.due)
    assert signals_of(anna)[-1] == ("busy", "03 00:00", True)


def test_what_a_changed_bound_brings_about_raises_nothing_and_ends_with_the_next_step() -> None:
    anna = Customer(policy(BUSY))
    anna.do("post", "01 10:00")
    anna.policy = policy(BUSY.replace("at_least = 2", "at_least = 1"))
    anna.do("view", "01 11:00")
    assert not signals_of(anna)
    anna.do("post", "01 12:00")
    assert not signals_of(anna)


# --- A funnel ---------------------------------------------------------------------------------------------------------

CHECKOUT = '[funnels.checkout]\nsteps = ["web.view", "social.post", "web.buy"]\nwithin = "2d"'
BOUGHT = f'{CHECKOUT}\n[signals.bought]\nfunnel = "checkout"\nstep = 3'


def test_a_step_of_a_funnel_raises_a_signal_that_ends_once_the_first_step_is_too_long_ago() -> None:
    anna = Customer(policy(BOUGHT))
    anna.do("view", "01 10:00")
    anna.do("post", "01 11:00")
    assert not bodies(anna)
    anna.do("buy", "02 12:00")
    anna.judge("09 00:00")

    raised, ended = bodies(anna)
    steps = ["web.view", "social.post", "web.buy"]
    assert raised["reasons"] == [{"cause": "funnel", "funnel": "checkout", "steps": steps, "within": "2d"}]
    assert (raised["occurred_at"], ended["occurred_at"]) == ("2024-01-02T12:00:00Z", "2024-01-03T00:00:00Z")
    assert ended["closes"] == [raised["signal_id"]]


@pytest.mark.parametrize(
    "steps",
    [
        [("view", "01 10:00"), ("buy", "02 11:00"), ("post", "03 12:00")],
        [("view", "01 10:00"), ("post", "02 11:00"), ("buy", "03 12:00")],
        [("post", "01 10:00"), ("view", "02 11:00"), ("buy", "02 12:00")],
    ],
)
def test_steps_in_another_order_or_too_late_raise_nothing(steps: list[tuple[str, str]]) -> None:
    anna = Customer(policy(BOUGHT))
    for kind, time in steps:
        anna.do(kind, time)
    assert not bodies(anna)


def test_a_customer_is_due_when_the_time_of_a_funnel_with_a_signal_is_over() -> None:
    anna = Customer(policy(BOUGHT))
    for kind in ("view", "post", "buy"):
        anna.do(kind, "01 10:00")
    while signals_of(anna)[-1] == ("bought", "01 10:00", False):
        anna.judge(anna.due)
    assert signals_of(anna)[-1] == ("bought", "03 00:00", True)


# --- One without another ----------------------------------------------------------------------------------------------


def test_what_is_not_answered_in_time_is_told_at_its_moment_and_ends_with_the_answer() -> None:
    anna = Customer(policy(CART))
    anna.do("view", "01 10:00")
    assert (anna.due, anna.state.due_crosses) == ("01 11:00", True)
    anna.judge("01 10:59:59")
    assert not bodies(anna)
    anna.judge("01 11:00")
    anna.do("buy", "01 15:00")

    raised, ended = bodies(anna)
    assert (raised["occurred_at"], raised["episode_id"]) == ("2024-01-01T11:00:00Z", raised["signal_id"])
    assert raised["reasons"] == [
        {"channel": "web", "type": "view", "cause": "event", "at": "2024-01-01T10:00:00Z"},
        {"cause": "missing", "types": ["web.buy"], "within": "1h"},
    ]
    assert (ended["kind"], ended["severity"], ended["occurred_at"]) == ("ended", "info", "2024-01-01T15:00:00Z")
    assert (ended["episode_id"], ended["closes"]) == (raised["signal_id"], [raised["signal_id"]])
    assert ended["signal_id"] != raised["signal_id"]


@pytest.mark.parametrize(("answer", "raised"), [("01 10:00", 0), ("01 10:59:59", 0), ("01 11:00", 1)])
def test_an_answer_counts_from_the_time_of_the_event_to_before_the_end(answer: str, raised: int) -> None:
    anna = Customer(policy(CART))
    anna.judge("01 12:00", anna.event("buy", answer), anna.event("view", "01 10:00"))
    assert len([one for one in signals_of(anna) if not one[2]]) == raised


def test_an_answer_that_came_before_its_event_did_counts() -> None:
    anna = Customer(policy(CART))
    anna.do("buy", "01 10:30")
    anna.do("view", "01 10:00", now="01 10:31")
    anna.judge("01 12:00")
    assert not bodies(anna)


def test_what_comes_while_it_waits_belongs_to_the_first_and_after_the_end_another_wait_begins() -> None:
    anna = Customer(policy(CART))
    for time in ("01 10:00", "01 10:30", "01 11:00"):
        anna.do("view", time)
    anna.judge("01 12:00")
    anna.do("buy", "01 13:00")

    assert signals_of(anna) == [("cart", "01 11:00", False), ("cart", "01 12:00", False), ("cart", "01 13:00", True)]
    assert bodies(anna)[2]["closes"] == [body["signal_id"] for body in bodies(anna)[:2]]


def test_a_late_answer_ends_the_signal_and_takes_nothing_back() -> None:
    anna = Customer(policy(CART))
    anna.do("view", "01 10:00")
    anna.judge("01 12:00")
    anna.do("buy", "01 10:30", now="01 12:01")
    assert signals_of(anna) == [("cart", "01 11:00", False), ("cart", "01 11:00", True)]


def test_with_an_object_each_waits_for_its_own() -> None:
    shop = policy(CART, object="object_id")
    anna = Customer(shop)
    told = [("view", "01 10:00", "a"), ("view", "01 10:10", "b"), ("buy", "01 10:20", "b")]
    anna.judge("01 10:20", *[_of(anna, *one) for one in told])
    anna.judge("01 12:00")
    assert signals_of(anna) == [("cart", "01 11:00", False)]


def _of(anna: Customer, kind: str, time: str, about: str) -> Any:
    reader = next(channel for channel in anna.policy.channels if channel.name == "web")
    from scoring.events.event import EventReader  # noqa: PLC0415 - only here

    value = {"customer_id": "anna", "type": kind, "timestamp": at(time) / 1e6, "properties": {"object_id": about}}
    return EventReader(reader).read(value, at("9999 00:00"))[1]


def test_what_is_taken_back_waits_for_nothing() -> None:
    changes = ("cap = { view = 3 }", 'cap = { view = 3 }\nretracts = { quit = "view" }')
    anna = Customer(policy_with(changes, text=f'{POLICY}\n{CART}\nobject = "object_id"'))
    anna.judge("01 10:20", _of(anna, "view", "01 10:00", "a"), _of(anna, "quit", "01 10:10", "a"))
    anna.judge("01 12:00")
    assert not bodies(anna)


def test_whoever_does_not_reach_the_band_in_time_is_told() -> None:
    waits = policy('[signals.stuck]\nafter = "web.view"\nwithout_band = "engaged"\nwithin = "1d"')
    anna, ben = Customer(waits), Customer(waits)
    for one in (anna, ben):
        one.do("view", "01 10:00")
    ben.do("post", "01 12:00", 5)
    for one in (anna, ben):
        one.judge("02 10:00")
    anna.do("post", "02 12:00", 5)

    assert not bodies(ben)
    assert signals_of(anna) == [("stuck", "02 10:00", False), ("stuck", "02 12:00", True)]


def test_what_quiet_hours_have_held_is_told_before_what_goes_on_with_it_at_their_end() -> None:
    anna = Customer(policy(CART, quiet="22:00-10:00"))
    anna.do("view", "01 08:00")
    anna.do("view", "01 09:00")
    anna.judge("01 11:00")
    assert signals_of(anna) == [("cart", "01 09:00", False), ("cart", "01 10:00", False)]
    first, second = bodies(anna)
    assert second["episode_id"] == first["signal_id"]


def test_a_band_that_a_boundary_brings_is_no_answer_to_an_event_of_that_time() -> None:
    anna = Customer(policy('[signals.stuck]\nafter = "web.complain"\nwithout_band = "engaged"\nwithin = "1h"'))
    anna.do("complain", "01 10:00")
    anna.do("post", "02 10:00", 6)
    anna.do("complain", "04 00:00")
    anna.judge("04 02:00")
    assert signals_of(anna) == [("stuck", "01 11:00", False), ("stuck", "04 00:00", True), ("stuck", "04 01:00", False)]


def test_a_silent_feed_of_the_answers_holds_what_waits_until_a_boundary_at_which_it_is_not_silent() -> None:
    text = f"{POLICY}\n{CART}".replace('topic = "web"', 'topic = "web"\nsilence_after = "30m"')
    anna = Customer(policy_with(text=text))
    anna.feeds = Feeds(anna.policy, {"web": [(at("01 10:00"), at("01 10:00")), (at("01 23:50"), at("02 00:10"))]})
    anna.do("view", "01 10:00")
    anna.judge("01 23:00")
    assert (signals_of(anna), anna.due) == ([], "02 00:00")
    anna.judge("02 09:00")
    assert signals_of(anna) == [("cart", "02 00:00", False)]


def test_what_a_silent_feed_holds_is_judged_at_a_boundary_that_the_score_crosses_as_well() -> None:
    text = f"{POLICY}\n{CART}".replace('topic = "web"', 'topic = "web"\nsilence_after = "30m"')
    anna = Customer(policy_with(("[window]", '[window]\nhalf_life = "2d"'), text=text))
    anna.feeds = Feeds(anna.policy, {"web": [(at("01 10:00"), at("01 10:00")), (at("01 23:50"), at("02 00:10"))]})
    anna.do("view", "01 10:00")
    anna.judge("02 09:00")
    assert signals_of(anna) == [("cart", "02 00:00", False)]


# --- What holds for a while -------------------------------------------------------------------------------------------


def test_reaching_a_band_is_told_once_and_ends_when_it_is_left() -> None:
    anna = Customer(policy(BAND))
    anna.do("post", "01 09:00", 14)
    anna.do("post", "01 10:00")
    anna.do("post", "01 11:00")
    anna.judge("09 00:00")

    raised, ended = bodies(anna)
    assert (raised["signal"], raised["occurred_at"], raised["band"]) == ("upsell", "2024-01-01T10:00:00Z", "power")
    assert raised["reasons"][0]["type"] == "post"
    assert (ended["occurred_at"], ended["closes"]) == ("2024-01-04T00:00:00Z", [raised["signal_id"]])
    assert ended["reasons"][0]["cause"] == "expired"


def test_leaving_a_band_is_told_of_who_was_in_it_only() -> None:
    anna = Customer(policy('[signals.left]\nleaves = "engaged"'))
    anna.do("post", "01 09:00")
    anna.do("post", "01 10:00", 5)
    anna.judge("04 00:00")
    anna.do("post", "04 09:00", 5)
    assert signals_of(anna) == [("left", "04 00:00", False), ("left", "04 09:00", True)]


@pytest.mark.parametrize("by", ["12", '"100%"'])
def test_a_fall_is_told_at_the_boundary_that_makes_it_and_ends_when_what_it_compares_with_has_fallen_too(
    by: str,
) -> None:
    anna = Customer(policy(f'[signals.fall]\nfalls_by = {by}\nwithin = "1d"'))
    anna.do("post", "01 09:00", 6)
    anna.judge("09 00:00")
    assert signals_of(anna) == [("fall", "04 00:00", False), ("fall", "05 00:00", True)]
    assert bodies(anna)[0]["reasons"] == [
        {"cause": "moved", "points": -12.0, "from": 12.0, "since": "2024-01-03T00:00:00Z"}
    ]


def test_a_rise_is_told_with_the_event_that_makes_it() -> None:
    anna = Customer(policy('[signals.rise]\nrises_by = 8\nwithin = "1d"'))
    anna.do("post", "01 09:00", 3)
    anna.do("post", "01 10:00")
    assert signals_of(anna) == [("rise", "01 10:00", False)]


# --- What waits to be raised ------------------------------------------------------------------------------------------

LEFT = '[signals.left]\nleaves = "engaged"'


def silent_from_the_first_on(*tables: str, back: str) -> Customer:
    """Give a customer to whom `social` brings 12 points on the first and 2 on the third; then its feed is silent."""
    text = "\n".join([POLICY, *tables]).replace('topic = "social"', 'topic = "social"\nsilence_after = "6h"')
    anna = Customer(policy_with(text=text))
    spans = [(at("01 09:00"), at("03 12:00")), (at(back), at("09 00:00"))]
    anna.feeds = Feeds(anna.policy, {"social": spans})
    anna.do("post", "01 09:00")
    anna.do("post", "01 10:00", 5)
    anna.do("post", "03 10:00")
    return anna


@pytest.mark.parametrize(
    "rule",
    [
        'leaves = "engaged"',
        'falls_by = "50%"\nwithin = "1d"',
        'measure = "posts"\nat_most = 2\n[measures.posts]\nkind = "count"\nof = ["social.post"]\nover = "3d"',
    ],
)
def test_a_loss_that_time_brings_on_waits_for_the_feed_whose_silence_may_be_why(rule: str) -> None:
    anna = silent_from_the_first_on(f"[signals.loss]\n{rule}", back="04 08:00")
    # With the first two posts, the measure was past its bound before.
    before = len(signals_of(anna))
    anna.judge("04 09:00")
    assert (signals_of(anna)[before:], anna.due) == ([], "05 00:00")
    anna.do("view", "04 10:00")
    assert signals_of(anna)[before:] == []
    anna.judge("05 09:00")
    # The fall was one from the third to the fourth, and is none any more.
    assert signals_of(anna)[before:] == ([] if "falls_by" in rule else [("loss", "05 00:00", False)])


def test_who_is_back_before_the_wait_is_over_has_left_nothing() -> None:
    anna = silent_from_the_first_on(LEFT, back="04 08:00")
    anna.judge("04 07:00")
    anna.do("post", "04 08:00", 6)
    anna.judge("06 00:00")
    assert signals_of(anna) == []


def test_an_event_that_takes_points_raises_what_a_silent_feed_holds() -> None:
    anna = silent_from_the_first_on(LEFT, back="04 08:00")
    anna.judge("04 07:00")
    anna.do("complain", "04 07:30")
    assert signals_of(anna) == [("left", "04 07:30", False)]


def test_a_feed_that_brought_the_customer_nothing_holds_nothing() -> None:
    text = f"{POLICY}\n{LEFT}".replace('topic = "web"', 'topic = "web"\nsilence_after = "6h"')
    anna = Customer(policy_with(text=text))
    anna.feeds = Feeds(anna.policy, {"web": [(at("01 09:00"), at("01 09:00"))]})
    anna.do("post", "01 09:00", 6)
    anna.judge("04 09:00")
    assert signals_of(anna) == [("left", "04 00:00", False)]


def test_what_begins_to_hold_within_the_cooldown_and_still_does_at_its_end_is_raised_then() -> None:
    anna = Customer(policy(BAND, cooldown="1d"))
    anna.do("post", "01 10:00", 15)
    anna.do("quit", "01 11:00")
    anna.do("post", "01 12:00", 15)
    anna.judge("02 09:00")
    assert (signals_of(anna)[2:], anna.due) == ([], "02 10:00")
    anna.judge("03 00:00")
    assert signals_of(anna) == [
        ("upsell", "01 10:00", False),
        ("upsell", "01 11:00", True),
        ("upsell", "02 10:00", False),
    ]


def test_a_late_event_of_another_rule_raises_nothing_that_waits_for_its_cooldown() -> None:
    anna = Customer(policy(CART, BAND, cooldown="12h"))
    anna.do("buy", "01 01:00")
    anna.do("post", "02 20:00", 15)
    anna.do("quit", "02 21:00")
    anna.do("post", "02 22:00", 15)
    before = len(signals_of(anna))
    anna.do("view", "01 10:00", now="02 23:00")
    anna.judge("03 12:00")
    assert signals_of(anna)[before:] == [("cart", "01 11:00", False), ("upsell", "03 08:00", False)]


def test_a_late_event_of_another_rule_raises_nothing_that_a_silent_feed_holds() -> None:
    anna = silent_from_the_first_on(CART, LEFT, back="05 08:00")
    anna.judge("04 09:00")
    anna.do("view", "02 23:00", now="04 10:00")
    assert signals_of(anna) == [("cart", "03 00:00", False)]


def test_a_cooldown_that_a_policy_shortens_ends_not_before_what_waits_for_it_began() -> None:
    anna = Customer(policy(BAND, cooldown="1d"))
    anna.do("post", "01 10:00", 15)
    anna.do("quit", "01 11:00")
    anna.do("post", "01 12:00", 15)
    anna.policy = policy_with(('"by-hand"', '"next"'), text=f'{POLICY}\n{BAND}\ncooldown = "1h"')
    anna.judge("01 13:00")
    assert signals_of(anna)[2:] == [("upsell", "01 12:00", False)]


def test_what_holds_no_more_by_a_policy_waits_no_more() -> None:
    anna = silent_from_the_first_on(LEFT, back="05 08:00")
    anna.judge("04 09:00")
    before = anna.policy.text
    anna.policy = policy_with(('"by-hand"', '"lower"'), ("engaged = 10", "engaged = 2"), text=before)
    anna.judge("04 10:00")
    anna.policy = policy_with(('"by-hand"', '"as before"'), text=before)
    anna.judge("07 00:00")
    assert signals_of(anna) == []


def test_a_late_event_that_takes_points_raises_what_waits_no_earlier_than_it_began_to() -> None:
    anna = silent_from_the_first_on(LEFT, back="05 08:00")
    anna.judge("04 09:00")
    anna.do("complain", "03 12:00", now="04 10:00")
    assert signals_of(anna) == [("left", "04 00:00", False)]


def test_what_holds_no_more_at_the_end_of_the_cooldown_is_not_raised() -> None:
    anna = Customer(policy(BAND, cooldown="1d"))
    anna.do("post", "01 10:00", 15)
    anna.do("quit", "01 11:00")
    anna.do("post", "01 12:00", 15)
    anna.do("quit", "01 13:00")
    anna.judge("03 00:00")
    assert len(signals_of(anna)) == 2


# --- Quiet hours ------------------------------------------------------------------------------------------------------


def test_what_quiet_hours_hold_is_told_at_their_end_as_it_was() -> None:
    loud, quiet = Customer(policy(EVENT)), Customer(policy(EVENT, quiet="22:00-08:00", timezone="Europe/Berlin"))
    for anna in (loud, quiet):
        anna.do("complain", "01 22:30", event_id="a")
    assert bodies(quiet) == []
    quiet.judge("02 06:59:59")
    assert bodies(quiet) == []
    quiet.judge("02 07:00")
    assert bodies(quiet) == [body | {"policy_version": quiet.policy.version} for body in bodies(loud)]


def test_what_has_ended_before_its_quiet_hours_have_is_not_told() -> None:
    anna = Customer(policy(CART, quiet="22:00-08:00"))
    anna.do("view", "01 21:30")
    anna.do("buy", "01 23:30")
    anna.judge("02 09:00")
    assert bodies(anna) == []


# --- Another policy ---------------------------------------------------------------------------------------------------


def test_a_signal_that_is_new_raises_nothing_about_the_past() -> None:
    anna = Customer(policy_with())
    anna.do("view", "01 10:00")
    anna.do("post", "01 10:00", 15)
    anna.policy = policy_with(('"by-hand"', '"next"'), text=f"{POLICY}\n{EVENT}\n{CART}\n{BAND}")
    anna.do("complain", "01 09:30", now="01 10:05")
    anna.judge("01 12:00")
    assert signals_of(anna) == []
    anna.do("complain", "01 13:00")
    assert [one for one in signals_of(anna) if one[0] == "angry"] == [("angry", "01 13:00", False)]


def test_a_band_that_an_event_of_the_moment_of_a_new_signal_brings_about_is_raised_only_another_time() -> None:
    anna = Customer(policy_with())
    anna.do("post", "01 10:00")
    anna.policy = policy_with(('"by-hand"', '"next"'), text=f"{POLICY}\n{BAND}")
    anna.do("post", "01 10:00", 15)
    assert (anna.band, signals_of(anna)) == ("power", [])
    anna.do("quit", "01 11:00")
    anna.do("post", "01 12:00", 15)
    assert signals_of(anna) == [("upsell", "01 12:00", False)]


def test_the_first_event_under_a_new_signal_raises_it() -> None:
    anna = Customer(policy_with())
    anna.do("view", "01 10:00")
    anna.policy = policy_with(('"by-hand"', '"next"'), text=f"{POLICY}\n{EVENT}")
    anna.do("complain", "01 13:00")
    assert signals_of(anna) == [("angry", "01 13:00", False)]


def test_what_waits_goes_on_when_another_signal_is_added() -> None:
    anna = Customer(policy(CART))
    anna.do("view", "01 10:00")
    anna.policy = policy_with(('"by-hand"', '"next"'), text=f"{POLICY}\n{CART}\n{BAND}")
    anna.judge("01 10:30")
    anna.judge("01 12:00")
    assert signals_of(anna) == [("cart", "01 11:00", False)]


def test_a_wait_that_the_new_rule_has_let_pass_raises_nothing() -> None:
    anna = Customer(policy(CART.replace("1h", "2d")))
    anna.do("view", "01 10:00")
    anna.judge("02 10:00")
    anna.policy = policy_with(('"by-hand"', '"next"'), text=f"{POLICY}\n{CART}")
    anna.judge("02 12:00")
    assert signals_of(anna) == []


def test_a_band_that_the_policy_has_moved_raises_nothing_and_the_next_step_ends_what_is_over() -> None:
    anna, ben = Customer(policy(BAND)), Customer(policy(BAND))
    anna.do("post", "01 09:00", 13)
    ben.do("post", "01 09:00", 15)
    for one, bound in ((anna, 25), (ben, 50)):
        changes = ('"by-hand"', '"next"'), ("power = 30", f"power = {bound}")
        one.policy = policy_with(*changes, text=f"{POLICY}\n{BAND}")
        one.judge("01 09:30")
    assert (anna.band, signals_of(anna)) == ("power", [])
    assert (ben.band, signals_of(ben)) == ("highly_engaged", [("upsell", "01 09:00", False)])
    for one in (anna, ben):
        one.do("view", "01 10:00")
    assert signals_of(anna) == []
    assert signals_of(ben)[1:] == [("upsell", "01 10:00", True)]


def test_without_signals_nothing_is_kept() -> None:
    anna = Customer(policy(CART))
    anna.do("view", "01 10:00")
    anna.policy = policy_with(('"by-hand"', '"next"'))
    anna.judge("01 10:30")
    assert anna.state.signals is None
