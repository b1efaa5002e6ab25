"""A customer on the screen, and for machines, from a state made by hand."""

import io

import pytest
from rich.console import Console

from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.instants import DAY, HOUR, MINUTE, parse_timestamp
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.channels import type_code
from streams.policy_file.document import builtin_policy
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from streams.views.customer_view import Share, customer_document, customer_text, shares
from streams.views.explanation_view import Period

POLICY = builtin_policy()
NOON = parse_timestamp("2026-11-21T12:00:00Z")


def customer(*events: tuple[int, str, str, int], now: int = NOON) -> CustomerRecord:
    """Make a record of events: when, channel, type, how many."""
    state = CustomerState()
    for at, channel, kind, count in sorted(events):
        advance(POLICY, state, [Event(at, type_code(channel, kind), "")] * count, Moment(at))
    advance(POLICY, state, [], Moment(now))
    fields, _ = encode(POLICY, CustomerRecord(state), "v1")
    return CustomerRecord(state, "v1", fields=dict(zip(fields[::2], fields[1::2], strict=True)))


def text_of(record: CustomerRecord, now: int = NOON, name: str = "ada", width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(customer_text(POLICY, name, record, now))
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


@pytest.fixture
def engaged() -> CustomerRecord:
    return customer(
        (NOON - 20 * DAY, "clickstream", "purchase", 1),
        (NOON - 2 * DAY, "clickstream", "purchase", 1),
        (NOON - HOUR, "email", "click", 1),
        (NOON - HOUR, "email", "open", 7),
    )


def test_a_share_adds_up_the_panes_and_knows_which_leaves_first(engaged: CustomerRecord) -> None:
    midnight = NOON - 12 * HOUR
    assert shares(POLICY, engaged.state) == [
        Share("clickstream", "purchase", 2, 2, 40_000_000, 20_000_000, midnight + 10 * DAY),
        Share("email", "click", 1, 1, 5_000_000, 5_000_000, midnight + 30 * DAY),
        Share("email", "open", 7, 5, 5_000_000, 5_000_000, midnight + 30 * DAY),
    ]


def test_the_screen_says_score_band_since_when_and_when_it_will_drop(engaged: CustomerRecord) -> None:
    lines = [" ".join(line.split()) for line in text_of(engaged).splitlines()]
    assert lines[0] == "ada"
    assert "score 50 points, engaged" in lines
    assert "since 2026-11-21 11:00:00 UTC (1 hour ago), before that disengaged" in lines
    assert "channels clickstream 40 · email 10 · social 0" in lines
    assert "trend ▲ +30 in 7d, since 2026-11-14 23:59:59 UTC" in lines
    assert "will drop out of engaged at 2026-12-01 00:00:00 UTC (in 9 days), if nothing" in lines
    assert "last event 2026-11-21 11:00:00 UTC (1 hour ago)" in lines
    assert "alert none open" in lines
    assert "clickstream purchase 2 2 +40 -20 in 9 days (2026-12-01)" in lines
    assert "email open 7 5 +5 -5 in 29 days (2026-12-21)" in lines


def test_the_table_fits_a_terminal_of_80_columns(engaged: CustomerRecord) -> None:
    table = text_of(engaged).split("channel      type")[1].split("\n\n")[0]
    assert len(table.splitlines()) == 4


def test_an_open_alert_is_said(engaged: CustomerRecord) -> None:
    dropped = customer((NOON - DAY, "clickstream", "purchase", 3), (NOON - MINUTE, "email", "unsubscribe", 1))
    assert "churn risk since 2026-11-21 11:59:00 UTC (1 minute ago)" in text_of(dropped)
    assert "is below engaged, which begins at 41" in text_of(dropped)
    assert "churn risk" not in text_of(engaged)


def test_a_drop_that_a_silent_feed_holds_back_is_said() -> None:
    held = customer((NOON - 31 * DAY, "clickstream", "purchase", 3))
    held.state.held = {"feeds": ["clickstream"], "waits": True, "reasons": []}
    held.state.episode, held.state.due = None, NOON + 12 * HOUR
    words = "held back, as a feed was silent (clickstream); judged again 2026-11-22 00:00:00 UTC"
    assert words in text_of(held, width=120)


def test_a_drop_that_the_cooldown_holds_back_is_said() -> None:
    held = customer(
        (NOON - 5 * HOUR, "clickstream", "purchase", 3),
        (NOON - 4 * HOUR, "email", "unsubscribe", 1),
        (NOON - 3 * HOUR, "clickstream", "purchase", 3),
        (NOON - 2 * HOUR, "email", "unsubscribe", 2),
    )
    assert "held back by the cooldown until 2026-11-22 08:00:00 UTC (in 20 hours)" in text_of(held, width=120)


def test_a_warning_of_a_coming_drop_is_said(engaged: CustomerRecord) -> None:
    engaged.state.warned, engaged.state.last_warning = True, NOON - HOUR
    assert "none open; warned of a coming drop 2026-11-21 11:00:00 UTC" in text_of(engaged, width=120)


def test_nothing_in_the_window_is_said() -> None:
    assert "Nothing in the window scores." in text_of(customer((NOON - 40 * DAY, "email", "open", 1)))


def test_a_name_cannot_steer_the_terminal(engaged: CustomerRecord) -> None:
    output = text_of(engaged, name="[red]\x1b[2J")
    assert output.startswith("[red]\\x1b[2J\n")


def test_machines_get_numbers_and_what_the_score_is_made_of(engaged: CustomerRecord) -> None:
    document = customer_document(POLICY, "ada", engaged, Period(NOON, NOON - 7 * DAY))
    assert document["customer_id"] == "ada"
    assert (document["score"], document["trend"], document["social"]) == (50.0, 30.0, 0.0)
    assert document["band"] == "engaged"
    assert document["disengages_at"] == "2026-12-01T00:00:00Z"
    assert (document["alert_open"], document["warned"]) == (False, False)
    assert document["made_of"][2] == {
        "channel": "email",
        "type": "open",
        "count": 7,
        "counted": 5,
        "points": 5.0,
        "next_to_expire": {"points": 5.0, "at": "2026-12-21T00:00:00Z"},
    }
    assert not [name for name in document if name.startswith("_")]
