"""Signals of one customer as `engagement show` prints them: what is open, what waits, what was raised last."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from scoring.customer.signals import SignalState, Standing, Wait
from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.instants import DAY, HOUR, MINUTE, parse_timestamp
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.channels import type_code
from scoring.policy.policy import Policy
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from streams.views.customer_view import customer_document, customer_text
from streams.views.explanation_view import Period
from streams.views.signal_view import rule_words, signal_documents, signal_table

NOON = parse_timestamp("2026-11-21T12:00:00Z")
POLICY = parse_policy(
    BUILTIN_POLICY
    + """
[signals.left_cart]
after = "clickstream.add_to_cart"
without = ["clickstream.purchase", "email.reply"]
within = "1h"
cooldown = "1d"
[signals.never_started]
after = "clickstream.session_start"
without_band = "engaged"
within = "14d"
[signals.upsell]
reaches = "power"
[signals.angry]
on = ["email.unsubscribe", "email.complaint"]
cooldown = "1d"
[signals.fall]
falls_by = "50%"
within = "7d"
[funnels.checkout]
steps = ["clickstream.page_view", "clickstream.add_to_cart", "clickstream.purchase"]
within = "7d"
[signals.bought]
funnel = "checkout"
step = 3
[measures.carts]
kind = "count"
of = ["clickstream.add_to_cart"]
[signals.carts]
measure = "carts"
at_least = 3
at_most = 4.5
"""
)


def judged(policy: Policy, *events: tuple[int, str], now: int = NOON) -> CustomerState:
    """Judge a customer by events, each a time and a type."""
    state = CustomerState()
    for time, name in sorted(events):
        advance(policy, state, [Event(time, type_code(*name.split(".")), "")], Moment(time))
    advance(policy, state, [], Moment(now))
    return state


def of_signal(name: str, *events: tuple[int, str], now: int = NOON) -> dict[str, object]:
    """Give what is written of one signal for machines."""
    [found] = [each for each in signal_documents(POLICY, judged(POLICY, *events, now=now)) if each["signal"] == name]
    return found


def test_what_waits_says_for_what_and_until_when() -> None:
    found = of_signal("left_cart", (NOON - 30 * MINUTE, "clickstream.add_to_cart"))
    assert found == {
        "signal": "left_cart",
        "rule": "no clickstream.purchase or email.reply within 1h of clickstream.add_to_cart",
        "open_since": [],
        "waits": [
            {
                "for": "clickstream.add_to_cart",
                "since": "2026-11-21T11:30:00Z",
                "due_at": "2026-11-21T12:30:00Z",
                "held_by_silence": False,
            }
        ],
        "quiet_until": [],
        "last_raised_at": None,
    }


def test_what_was_raised_is_open_since_then_until_it_is_answered() -> None:
    cart = (NOON - 2 * HOUR, "clickstream.add_to_cart")
    found = of_signal("left_cart", cart)
    assert (found["open_since"], found["waits"]) == (["2026-11-21T11:00:00Z"], [])
    assert found["last_raised_at"] == "2026-11-21T11:00:00Z"
    answered = of_signal("left_cart", cart, (NOON - MINUTE, "clickstream.purchase"))
    assert (answered["open_since"], answered["last_raised_at"]) == ([], "2026-11-21T11:00:00Z")


def test_a_band_that_was_reached_is_open() -> None:
    found = of_signal("upsell", *[(NOON - n * HOUR, "clickstream.purchase") for n in range(1, 7)])
    assert (found["rule"], found["open_since"]) == ("reaches power", ["2026-11-21T11:00:00Z"])


@pytest.mark.parametrize(
    ("standing", "words", "due"),
    [
        (
            Standing(
                waits=[Wait(NOON - HOUR, "", "clickstream", held=True), Wait(NOON - HOUR, "", "email", held=True)]
            ),
            "holds since 2026-11-21 11:00:00 UTC; not raised while clickstream or email is silent",
            [None, None],
        ),
        (
            Standing(last=NOON - 23 * HOUR, waits=[Wait(NOON - HOUR, "")]),
            "due 2026-11-21 13:00:00 UTC (in 1 hour), after the cooldown; holds since 2026-11-21 11:00:00 UTC",
            ["2026-11-21T13:00:00Z"],
        ),
    ],
)
def test_what_holds_and_is_not_raised_yet_says_what_it_waits_for(
    standing: Standing, words: str, due: list[str | None]
) -> None:
    policy = parse_policy(f'{BUILTIN_POLICY}\n[signals.left]\nleaves = "engaged"\ncooldown = "1d"')
    state = CustomerState(signals=SignalState())
    assert state.signals is not None
    state.signals.standings[policy.signals[0].code] = standing

    [document] = signal_documents(policy, state)
    assert [wait["due_at"] for wait in document["waits"]] == due
    assert [wait["for"] for wait in document["waits"]] == [wait.about for wait in standing.waits]
    table = signal_table(policy, state, NOON)
    assert table is not None
    lines = [str(cell) for cell in table.columns[1].cells]
    assert [line for line in lines if "last raised" not in line] == [words]


def test_a_signal_of_which_nothing_is_known_is_left_out() -> None:
    assert signal_documents(POLICY, judged(POLICY, (NOON - HOUR, "email.open"))) == []
    assert signal_documents(parse_policy(BUILTIN_POLICY), judged(POLICY, (NOON - HOUR, "email.complaint"))) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("never_started", "no engaged within 14d of clickstream.session_start"),
        ("angry", "email.unsubscribe or email.complaint"),
        ("fall", "falls by 50% within 7d"),
        ("bought", "takes step 3 of the funnel checkout"),
        ("carts", "carts is at least 3 and carts is at most 4.5"),
    ],
)
def test_a_rule_is_said_in_words(name: str, words: str) -> None:
    [rule] = [rule for rule in POLICY.signals if rule.name == name]
    assert rule_words(POLICY, rule) == words


def test_the_screen_and_the_document_of_a_customer_have_them() -> None:
    state = judged(POLICY, (NOON - 30 * MINUTE, "clickstream.add_to_cart"), (NOON - DAY + HOUR, "email.complaint"))
    fields, _ = encode(POLICY, CustomerRecord(state), "v1")
    record = CustomerRecord(state, "v1", fields=dict(zip(fields[::2], fields[1::2], strict=True)))
    console = Console(file=io.StringIO(), width=200, highlight=False)
    console.print(customer_text(POLICY, "ada", record, NOON))
    assert isinstance(console.file, io.StringIO)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    waits = "due 2026-11-21 12:30:00 UTC (in 30 minutes), after clickstream.add_to_cart of 2026-11-21 11:30:00 UTC"
    because = "no clickstream.purchase or email.reply within 1h of clickstream.add_to_cart"
    assert [line for line in lines if line.startswith(("left_cart", "angry"))] == [
        f"left_cart {waits} {because}",
        "angry last raised 2026-11-20 13:00:00 UTC (23 hours ago) email.unsubscribe or email.complaint",
    ]
    document = customer_document(POLICY, "ada", record, Period(NOON, NOON - DAY))
    assert [each["signal"] for each in document["signals"]] == ["left_cart", "angry"]
