"""Measures on the screen, and for machines."""

import io

from rich.console import Console

from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.instants import DAY, HOUR, MINUTE, parse_timestamp
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.channels import type_code
from streams.policies.shipped import shipped_policy
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from streams.views.customer_view import customer_document, customer_text
from streams.views.explanation_view import Period

POLICY = parse_policy(shipped_policy("web-email-social"))
NOON = parse_timestamp("2026-11-21T12:00:00Z")


def visitor() -> CustomerRecord:
    """Make a record of somebody who visits twice and never opens a letter."""
    state = CustomerState()
    times = (NOON - DAY, NOON - DAY + 10 * MINUTE, NOON - HOUR)
    advance(POLICY, state, [Event(at, type_code("clickstream", "page_view"), "") for at in times], Moment(NOON))
    words, _ = encode(POLICY, CustomerRecord(state), "v1")
    return CustomerRecord(state, "v1", fields=dict(zip(words[::2], words[1::2], strict=True)))


def test_every_measure_is_shown_with_its_value_and_over_what_it_is_taken() -> None:
    console = Console(file=io.StringIO(), width=80, highlight=False)
    console.print(customer_text(POLICY, "ada", visitor(), NOON))
    output = console.file
    assert isinstance(output, io.StringIO)
    lines = [line.split() for line in output.getvalue().splitlines()]
    table = lines[lines.index(["measure", "value", "over"]) :]
    assert len(table[: table.index([])]) == 1 + len(POLICY.measures)
    assert ["session_duration", "300", "30d"] in table
    assert ["visitor", "returning", "30d"] in table
    assert ["email_regularity", "dormant", "30d"] in table
    assert ["click_through_rate", "-", "30d"] in table


def test_machines_get_numbers_as_numbers_and_words_as_words() -> None:
    document = customer_document(POLICY, "ada", visitor(), Period(NOON, NOON))
    assert (document["session_duration"], document["sessions"], document["bounce_rate"]) == (300.0, 2.0, 50.0)
    assert (document["visitor"], document["email_regularity"]) == ("returning", "dormant")
    assert "click_through_rate" not in document
