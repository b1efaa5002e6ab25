"""What events of one object make of each other, on numbers that were worked out by hand."""

from __future__ import annotations

from itertools import permutations

import pytest

from scoring.customer.signals import Signal
from scoring.events.event import Event, EventReader
from scoring.feeds.feeds import Feeds
from scoring.instants import DAY, HOUR, SECOND
from scoring.judging.alerts import Alert
from scoring.policy.channels import type_code
from scoring.rules.pairing import Action, duration_codes
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY, Customer, at

RULES = """
[channels.feed]
weights = { unlike = 0, like = 3, follow = 5, unfollow = -10, comment = 4, delete = 0 }
retracts = { unlike = "like", unfollow = "follow", delete = ["like", "comment"] }
cap = { like = 2 }
[channels.mail]
weights = { delivered = 0, click = 5, gateway_click = 0 }
gateway = { click = { after = "delivered", within = "10s" } }
[channels.desk]
weights = { ticket = 0, reply = 0, call = 0, solved = 1 }
[channels.desk.durations]
first_response = { from = "ticket", to = ["reply", "call"], key = "ticket_id" }
resolution = { from = "ticket", to = "solved", key = "ticket_id" }
"""
PAIRED_TEXT = POLICY + RULES
PAIRED = parse_policy(PAIRED_TEXT)
_KEYS = {"feed": "object_id", "mail": "message_id", "desk": "ticket_id"}
_READERS = {channel.name: EventReader(channel) for channel in PAIRED.channels}
Row = tuple[str, str, str]
"""Channel and type with a dot between, a time, and the object."""


def events(*rows: Row) -> list[Event]:
    """Read events as a producer would send them."""
    found = []
    for kind, time, about in rows:
        channel, _, name = kind.partition(".")
        value = {
            "customer_id": "anna",
            "type": name,
            "timestamp": at(time) / 1e6,
            "properties": {_KEYS[channel]: about} if about else None,
        }
        found.append(_READERS[channel].read(value, at("9999 00:00"))[1])
    return found


def anna(*rows: Row, now: str = "03 00:00") -> Customer:
    """Give a customer after some events that come one by one."""
    customer = Customer(PAIRED)
    for event in events(*rows):
        customer.judge(now, event)
    return customer


def counts(customer: Customer, day: str) -> dict[str, int]:
    """Give the counts of a day by the name of what is counted."""
    names = {kind.code: kind.name for kind in PAIRED.types.values()}
    for name in ("first_response", "resolution"):
        count, total = duration_codes("desk", name)
        names |= {count: f"{name} times", total: f"{name} sum"}
    inside = customer.state.panes.get(at(f"{day} 00:00") // PAIRED.pane, {})
    return {names[code]: count for code, count in inside.items()}


def in_every_order(*rows: Row, now: str = "03 00:00") -> list[Customer]:
    """Give a customer for each order in which the events can come."""
    return [anna(*order, now=now) for order in permutations(rows)]


LIKE = ("feed.like", "01 09:00", "photo")
UNLIKE = ("feed.unlike", "02 10:00", "photo")


def test_an_action_that_is_taken_back_neither_scores_nor_counts_in_its_own_pane() -> None:
    for customer in in_every_order(LIKE, UNLIKE, ("feed.like", "01 09:00", "another photo")):
        assert (customer.score, counts(customer, "01"), counts(customer, "02")) == (3, {"like": 1}, {"unlike": 1})


@pytest.mark.parametrize(
    "other",
    [
        ("feed.unlike", "02 10:00", "another photo"),
        ("feed.unlike", "02 10:00", ""),
        ("feed.unfollow", "02 10:00", "photo"),
    ],
)
def test_what_is_about_something_else_takes_nothing_back(other: Row) -> None:
    for customer in in_every_order(LIKE, other):
        assert counts(customer, "01") == {"like": 1}


def test_an_action_about_nothing_in_particular_is_never_taken_back() -> None:
    for customer in in_every_order(("feed.like", "01 09:00", ""), ("feed.unlike", "02 10:00", "")):
        assert counts(customer, "01") == {"like": 1}


def test_an_action_after_its_retraction_stands() -> None:
    for customer in in_every_order(LIKE, UNLIKE, ("feed.like", "02 11:00", "photo")):
        assert (customer.score, counts(customer, "01"), counts(customer, "02")) == (3, {}, {"unlike": 1, "like": 1})


def test_of_one_time_the_action_was_before_its_retraction() -> None:
    for customer in in_every_order(LIKE, ("feed.unlike", "01 09:00", "photo")):
        assert customer.score == 0


def test_each_retraction_takes_back_one_action_the_newest_first() -> None:
    for customer in in_every_order(LIKE, ("feed.comment", "02 09:00", "photo"), ("feed.delete", "02 10:00", "photo")):
        assert (counts(customer, "01"), counts(customer, "02")) == ({"like": 1}, {"delete": 1})
    for customer in in_every_order(LIKE, UNLIKE, ("feed.unlike", "02 11:00", "photo")):
        assert (counts(customer, "01"), counts(customer, "02")) == ({}, {"unlike": 2})


def test_a_retraction_scores_what_it_is_worth_itself() -> None:
    for customer in in_every_order(("feed.follow", "01 09:00", "shop"), ("feed.unfollow", "02 09:00", "shop")):
        assert customer.score == -10


def test_what_is_above_the_cap_takes_no_points_along_when_it_is_taken_back() -> None:
    likes = [("feed.like", "01 09:00", name) for name in "abc"]
    customer = anna(*likes, ("feed.unlike", "02 09:00", "a"))
    assert (customer.score, counts(customer, "01")) == (6, {"like": 2})
    customer.judge("03 00:00", *events(("feed.unlike", "02 09:00", "b")))
    assert customer.score == 3


def test_an_action_that_came_too_late_to_score_is_taken_back_too() -> None:
    old = ("feed.like", "01 09:00", "photo")
    for order in permutations([old, ("feed.unlike", "01 10:00", "photo")]):
        customer = Customer(PAIRED)
        customer.do("post", "04 09:00")
        for event in events(*order):
            assert customer.judge("04 10:00", event).outdated == 1
        assert (customer.score, counts(customer, "01")) == (2, {"unlike": 1})


def test_what_has_left_the_kept_panes_changes_nothing() -> None:
    customer = anna(LIKE, now="01 10:00")
    customer.judge("09 00:00", *events(("feed.unlike", "08 10:00", "photo")))
    assert (customer.score, counts(customer, "08")) == (0, {"unlike": 1})
    assert next(iter(customer.state.objects.histories.values())).count(",") == 0
    customer.judge("20 00:00")
    assert (customer.state.panes, customer.state.objects.histories) == ({}, {})


@pytest.mark.parametrize(
    ("time", "by_machine"),
    [("01 09:00:00", True), ("01 09:00:10", True), ("01 09:00:10.001", False), ("01 08:59:59", False)],
)
def test_clicks_soon_after_the_delivery_are_of_a_gateway(time: str, by_machine: bool) -> None:  # noqa: FBT001
    for customer in in_every_order(("mail.delivered", "01 09:00", "m1"), ("mail.click", time, "m1")):
        assert counts(customer, "01") == {"delivered": 1, "gateway_click" if by_machine else "click": 1}
        assert customer.score == (0 if by_machine else 5)


def test_clicks_in_another_message_or_in_none_are_clicks() -> None:
    rows = [
        ("mail.delivered", "01 09:00", "m1"),
        ("mail.click", "01 09:00:01", "m2"),
        ("mail.click", "01 09:00:02", ""),
    ]
    for customer in in_every_order(*rows):
        assert counts(customer, "01") == {"delivered": 1, "click": 2}


def test_a_message_may_be_delivered_on_the_day_before() -> None:
    for customer in in_every_order(("mail.delivered", "01 23:59:55", "m1"), ("mail.click", "02 00:00:02", "m1")):
        assert (counts(customer, "01"), counts(customer, "02")) == ({"delivered": 1}, {"gateway_click": 1})


JUST_BEFORE = ("mail.delivered", "01 23:59:55", "m1")


def test_a_delivery_is_known_for_a_little_longer_than_counts_are_kept() -> None:
    for order in permutations([JUST_BEFORE, ("mail.click", "02 00:00:02", "m1")]):
        customer = Customer(PAIRED)
        customer.do("post", "01 09:00")
        for event in events(*order):
            customer.judge("05 09:00", event)
        assert (counts(customer, "01"), counts(customer, "02")) == ({}, {"gateway_click": 1})


def test_nothing_is_counted_in_a_pane_that_is_no_longer_kept() -> None:
    customer = Customer(PAIRED)
    customer.do("post", "01 09:00", now="05 09:00")
    outcome = customer.judge("05 09:00", *events(JUST_BEFORE, ("mail.click", "01 23:59:57", "m1")))
    assert (customer.state.panes, outcome.outdated) == ({}, 2)


def test_a_pane_to_which_an_action_comes_back_is_looked_at_again() -> None:
    customer = Customer(PAIRED)
    for event, now in zip(events(LIKE, UNLIKE), ("01 09:00", "02 10:00"), strict=True):
        customer.judge(now, event)
    customer.judge("03 01:00")
    assert (counts(customer, "01"), customer.due) == ({}, "05 00:00")
    customer.judge("03 02:00", *events(("feed.like", "02 09:00", "photo")))
    assert (counts(customer, "01"), counts(customer, "02")) == ({"like": 1}, {"unlike": 1})
    assert customer.due == "04 00:00"


def test_a_delivery_too_late_to_score_takes_a_click_out_of_the_window_and_is_judged() -> None:
    customer = Customer(PAIRED)
    customer.judge("02 09:00", *events(*[("mail.click", "02 00:00:02", "m1")] * 2))
    customer.judge("04 10:00")
    assert (customer.band, customer.score) == ("engaged", 10)
    outcome = customer.judge("04 11:00", *events(("mail.delivered", "01 23:59:55", "m1")))
    assert (customer.band, customer.score, outcome.outdated) == ("disengaged", 0, 1)
    assert customer.changes[-1] == ("disengaged", "01 23:59:55")


def test_what_quiet_hours_hold_of_a_delivery_too_late_to_score_is_told_at_once_if_they_are_over() -> None:
    customer = Customer(parse_policy(f'{PAIRED_TEXT}[signals.left]\nleaves = "engaged"\nquiet = "22:00-08:00"'))
    customer.judge("02 09:00", *events(*[("mail.click", "02 00:00:02", "m1")] * 2))
    customer.judge("04 10:00")
    outcome = customer.judge("04 11:00", *events(("mail.delivered", "01 23:59:55", "m1")))
    assert [each.occurred_at for each in outcome.transitions if isinstance(each, Signal)] == [at("01 23:59:55")]


def test_durations_are_from_each_start_to_the_first_end_and_count_with_the_start() -> None:
    rows = [
        ("desk.ticket", "01 09:00", "7"),
        ("desk.call", "01 09:30", "8"),
        ("desk.reply", "01 10:00", "7"),
        ("desk.call", "01 10:30", "7"),
        ("desk.solved", "02 09:00", "7"),
    ]
    for customer in in_every_order(*rows):
        assert counts(customer, "01") == {
            "ticket": 1,
            "reply": 1,
            "call": 2,
            "first_response times": 1,
            "first_response sum": 3600 * SECOND,
            "resolution times": 1,
            "resolution sum": 86_400 * SECOND,
        }
        assert counts(customer, "02") == {"solved": 1}


def test_a_ticket_without_an_answer_has_no_duration() -> None:
    for customer in in_every_order(("desk.reply", "01 08:00", "7"), ("desk.ticket", "01 09:00", "7")):
        assert counts(customer, "01") == {"ticket": 1, "reply": 1}


def test_a_late_retraction_lowers_an_older_pane_and_is_judged_with_its_true_step() -> None:
    customer = anna(*[("feed.like", f"0{day} 09:00", f"{day}{number}") for day in (1, 2) for number in (1, 2)])
    assert (customer.score, customer.band, customer.due) == (12, "engaged", "04 00:00")
    customer.judge("03 12:00", *events(("feed.unlike", "03 11:00", "11")))
    assert (customer.score, customer.band) == (9, "disengaged")
    [alert] = [transition for transition in customer.transitions if getattr(transition, "kind", "") == "churn_risk"]
    assert (alert.score, alert.previous_score, alert.occurred_at) == (9_000_000, 12_000_000, at("03 11:00"))
    assert alert.reasons == [
        {
            "channel": "feed",
            "type": "like",
            "points": -3.0,
            "count": 1,
            "counted": 1,
            "cause": "retracted",
            "pane": "2024-01-01T00:00:00Z",
        }
    ]


def test_a_retraction_with_points_of_its_own_tells_both() -> None:
    customer = anna(("feed.follow", "01 09:00", "shop"), *[("feed.like", "02 09:00", name) for name in "ab"])
    customer.judge("03 12:00", *events(("feed.unfollow", "03 11:00", "shop")))
    told = [
        (reason["type"], reason["points"], reason["cause"])
        for transition in customer.transitions
        if isinstance(transition, Alert)
        for reason in transition.reasons
    ]
    assert told == [("unfollow", -10.0, "event"), ("follow", -5.0, "retracted")]


def test_a_feed_had_its_part_in_a_drop_before_its_action_was_taken_back() -> None:
    policy = parse_policy(POLICY + RULES.replace("[channels.feed]", '[channels.feed]\nsilence_after = "1h"'))
    customer = Customer(policy)
    customer.feeds = Feeds(policy, {"feed": [(at("01 09:00"), at("01 09:00"))]})
    customer.do("post", "01 09:00", 6)
    customer.judge("01 09:00", *events(LIKE))
    customer.do("quit", "01 10:00")
    customer.do("buy", "01 11:00", 7)
    assert (customer.score, customer.state.armed) == (16.5, True)
    drops = [customer.event("complain", "01 11:30")] * 2
    customer.judge("01 12:00", *drops, *events(("feed.unlike", "01 11:45", "photo")))
    assert (customer.score, (customer.state.held or {})["feeds"]) == (5.5, ["feed"])


def test_a_retraction_ahead_of_the_horizon_waits_as_others_do() -> None:
    customer = anna(LIKE, UNLIKE, now="01 12:00")
    assert (customer.score, len(customer.state.ahead)) == (3, 1)
    customer.judge("02 09:59")
    assert customer.score == 3
    customer.judge("02 10:00")
    assert (customer.score, counts(customer, "02")) == (0, {"unlike": 1})


def test_what_is_taken_back_answers_nothing_and_delivers_nothing() -> None:
    rules = """
    [channels.desk]
    weights = { ticket = 0, reply = 0, withdrawn = 0, click = 1 }
    retracts = { withdrawn = ["reply", "ticket"] }
    retracts_key = "id"
    gateway = { click = { after = "ticket", within = "9h", key = "id" } }
    durations = { answer = { from = "ticket", to = "reply", key = "id" } }
    """
    [pairing] = parse_policy(rules).channels[0].pairings
    ticket, reply, withdrawn, click = (Action(at(f"01 1{hour}:00"), code) for hour, code in enumerate(pairing.codes))
    [counted] = pairing.contribution([ticket, reply], DAY).values()
    assert counted == dict(zip(duration_codes("desk", "answer"), (1, HOUR), strict=True))
    [counted] = pairing.contribution([ticket, reply, withdrawn], DAY).values()
    assert counted == {reply.code: -1}
    [counted] = pairing.contribution([ticket, withdrawn, click], DAY).values()
    assert counted == {ticket.code: -1}


def test_amounts_are_taken_back_with_their_action() -> None:
    [like, unlike] = events(LIKE, UNLIKE)
    amounts = (("$abc", 7), ("^def", 9))
    like = like.with_detail(like.detail._replace(amounts=amounts))
    for order in permutations([like, unlike]):
        customer = Customer(PAIRED)
        for event in order:
            customer.judge("03 00:00", event)
        assert customer.state.panes[at("01 00:00") // PAIRED.pane] == {"$abc": 0, "^def": 9}


def test_a_policy_that_pairs_nothing_keeps_no_objects() -> None:
    plain = Customer()
    plain.do("post", "01 09:00")
    assert (plain.state.objects, plain.policy.paired) == (None, {})
    unnamed = anna(("feed.like", "01 09:00", ""))
    assert unnamed.state.objects is None


def test_nothing_falls_below_zero_where_the_policy_pairs_otherwise_than_it_did() -> None:
    customer = anna(LIKE)
    customer.state.panes[at("01 00:00") // PAIRED.pane] = {type_code("feed", "comment"): 1}
    customer.judge("03 00:00", *events(UNLIKE))
    assert counts(customer, "01") == {"comment": 1}
