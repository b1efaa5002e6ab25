"""What events tell beyond their type: read where the policy asks for it, kept with the event, added to its pane."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from scoring.customer.unknown_types import MOST_APART
from scoring.events.event import Event, EventReader
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.points import POINT
from scoring.policy.channels import Channel, EventType, type_code
from scoring.rules.details import (
    AT_LEAST,
    AT_MOST,
    LATEST,
    MOST_VALUE,
    SUM,
    VALUES,
    Amount,
    Detail,
    amount_of,
    latest_value,
)
from streams.policy_file.document import builtin_policy
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.unit.scoring.customers import Customer, at

PAID = amount_of("shop", "purchase", "amount", SUM)
PURCHASES = amount_of("shop", "purchase", "amount", VALUES)
LARGE = amount_of("shop", "purchase", "amount", AT_LEAST, 100 * POINT)
SMALL = amount_of("shop", "purchase", "amount", AT_MOST, 10 * POINT)
FOLLOWERS = amount_of("shop", "purchase", "followers", LATEST)
NOON = at("01 12:00")
WRONG: tuple[object, ...] = ("100", True, [100], {}, 1e13, -(10**13), float("inf"), float("nan"), 10**400)


def reader(*amounts: Amount, object_property: str = "") -> EventReader:
    """Make a reader of a channel whose purchases have details."""
    kind = EventType(
        type_code("shop", "purchase"), 0, "purchase", POINT, amounts=amounts, object_property=object_property
    )
    return EventReader(Channel("shop", "shop", (kind, EventType(type_code("shop", "look"), 0, "look", POINT))))


def read(shop: EventReader, properties: object, kind: str = "purchase", time: int = NOON) -> Detail | None:
    """Read an event with properties; None where they hold nothing."""
    value = {"customer_id": "anna", "type": kind, "timestamp": time / 1e6, "properties": properties}
    return shop.read(value, at("31 00:00"))[1].detail


@pytest.mark.parametrize(
    ("written", "millionths"),
    [
        (100, 100 * POINT),
        (0, 0),
        (-3, -3 * POINT),
        (19.99, 19_990_000),
        (0.1, 100_000),
        (1e-6, 1),
        (0.0000005, 0),
        (0.0000015, 2),
        (MOST_VALUE, MOST_VALUE * POINT),
        (-float(MOST_VALUE), -MOST_VALUE * POINT),
    ],
)
def test_a_number_is_taken_as_it_is_written(written: float, millionths: int) -> None:
    assert read(reader(PAID), {"amount": written}) == Detail(((PAID.code, millionths),))


@pytest.mark.parametrize(
    "properties",
    [
        *({"amount": wrong} for wrong in WRONG),
        *([], "amount", 3, False),
    ],
)
def test_a_property_of_the_wrong_type_is_ignored_and_counted_and_the_event_stands(properties: object) -> None:
    shop = reader(PAID, PURCHASES)
    assert read(shop, properties) is None
    assert (shop.take_ignored(), shop.take_ignored()) == (1, 0)


@pytest.mark.parametrize("properties", [None, {}, {"amount": None}, {"price": "free"}])
def test_an_absent_property_is_nothing_to_count(properties: object) -> None:
    shop = reader(PAID, PURCHASES, object_property="object_id")
    assert read(shop, properties) is None
    assert shop.take_ignored() == 0


def test_a_property_of_a_type_for_which_nothing_is_asked_is_not_read() -> None:
    shop = reader(PAID)
    assert read(shop, {"amount": "free"}, kind="look") is None
    assert read(shop, {"amount": "free"}, kind="unheard of") is None
    assert shop.take_ignored() == 0


@pytest.mark.parametrize(
    ("amount", "codes"),
    [(9, {SMALL}), (10, {SMALL}), (10.000001, set()), (99.999999, set()), (100, {LARGE}), (101, {LARGE})],
)
def test_values_are_counted_by_the_side_of_a_bound_on_which_they_are(amount: float, codes: set[Amount]) -> None:
    found = read(reader(LARGE, SMALL, PURCHASES), {"amount": amount})
    assert found is not None
    assert dict(found.amounts) == {each.code: 1 for each in (*codes, PURCHASES)}


@pytest.mark.parametrize("written", ["p-17", 17])
def test_an_object_becomes_a_digest_that_is_the_same_in_one_channel(written: object) -> None:
    shop, words = reader(object_property="object_id"), set()
    for _ in range(2):
        found = read(shop, {"object_id": written})
        assert found is not None
        words.add(found)
    assert [(len(each.object), each.amounts) for each in words] == [(10, ())]
    assert read(shop, {"object_id": "18"}) not in words


@pytest.mark.parametrize("wrong", [1.5, True, ["p"], {"id": "p"}])
def test_an_object_that_is_no_name_is_ignored(wrong: object) -> None:
    shop = reader(PAID, object_property="object_id")
    assert read(shop, {"object_id": wrong, "amount": 1}) == Detail(((PAID.code, POINT),))
    assert read(shop, {"object_id": ""}) is None
    assert shop.take_ignored() == 1


def test_the_latest_value_is_that_of_the_newest_event_in_whatever_order_they_come() -> None:
    shop = reader(FOLLOWERS)
    told = [("01 09:00", 900), ("01 12:00", 500), ("01 11:00", 10_000)]
    for order in permutations(told):
        anna = Customer()
        for time, followers in order:
            detail = read(shop, {"followers": followers}, time=at(time))
            advance(anna.policy, anna.state, [Event(at(time), "abcd", "", detail)], Moment(NOON))
        [counts] = anna.state.panes.values()
        assert (counts["abcd"], latest_value(counts[FOLLOWERS.code])) == (3, 500 * POINT)
    assert read(shop, {"followers": -1}) is None


def test_amounts_are_added_to_the_pane_and_score_nothing() -> None:
    anna = Customer()
    events = [Event(NOON, type_code("social", "post"), "", Detail(((PAID.code, amount),))) for amount in (5, -2, 7)]
    advance(anna.policy, anna.state, events, Moment(NOON))
    assert anna.state.panes == {NOON // anna.policy.pane: {type_code("social", "post"): 3, PAID.code: 10}}
    assert anna.score == 6


def test_an_event_kept_aside_keeps_its_detail_through_the_store() -> None:
    anna, policy = Customer(), Customer().policy
    post = type_code("social", "post")
    details = [
        None,
        Detail(((PAID.code, 5), (PURCHASES.code, 1)), "AbCd+/0123"),
        Detail(((PAID.code, -5),)),
        Detail((), "AbCdEf0123"),
    ]
    events = [Event(NOON + number, post, "", detail) for number, detail in enumerate(details)]
    advance(policy, anna.state, [Event(NOON - 10, post, ""), *events], Moment(NOON - 1))
    assert [detail for *_, detail in anna.state.ahead] == details

    words, _ = encode(policy, CustomerRecord(anna.state), "v")
    again = decode(policy, dict(zip(words[::2], words[1::2], strict=True))).state
    assert again.ahead == anna.state.ahead
    advance(policy, again, (), Moment(NOON + 9))
    assert again.panes == {NOON // policy.pane: {post: 5, PAID.code: 0, PURCHASES.code: 1}}


def test_events_kept_aside_by_a_release_without_details_are_read() -> None:
    anna = Customer()
    anna.do("post", "01 09:00")
    words, _ = encode(anna.policy, CustomerRecord(anna.state), "v")
    fields = dict(zip(words[::2], words[1::2], strict=True))
    fields["_q"] = f"{type_code('web', 'view')}{NOON},....{NOON + 1}"
    ahead = decode(anna.policy, fields).state.ahead
    assert ahead == [(NOON, type_code("web", "view"), None), (NOON + 1, "", None)]


def test_no_code_of_an_amount_is_that_of_a_type() -> None:
    amounts = (PAID, PURCHASES, LARGE, SMALL, FOLLOWERS)
    assert len({amount.code for amount in amounts}) == len(amounts)
    assert {amount.code[0] for amount in amounts} == {"$", "^"}
    assert all(len(amount.code) == 4 for amount in amounts)
    assert not any(code[0] in "$^" for code in builtin_policy().types)


def test_a_policy_that_asks_for_nothing_makes_events_without_details() -> None:
    plain = EventReader(replace(builtin_policy().channels[0]))
    assert read(plain, {"amount": 1}, kind="purchase") is None


def test_amounts_are_not_taken_for_types_of_which_a_pane_has_too_many() -> None:
    anna = Customer()
    amounts = tuple((f"{mark}ab{number}", number + 1) for mark in "$^" for number in range(9))
    unknown = [Event(NOON, f"{mark}{number:03}", "") for mark in "Aa" for number in range(MOST_APART)]
    events = [unknown[0].with_detail(Detail(amounts)), *unknown]
    advance(anna.policy, anna.state, events, Moment(NOON))
    (counts,) = anna.state.panes.values()
    assert {code: counts[code] for code, _ in amounts} == dict(amounts)
    assert sum(code[0] in "Aa" for code in counts) == MOST_APART
