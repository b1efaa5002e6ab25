"""The customer whom the README shows, scored from her events by the code."""

from __future__ import annotations

from typing import Any

from scoring.events.event import EventReader
from scoring.instants import parse_timestamp
from scoring.judging.alerts import Alert, message
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.policy_file.document import builtin_policy
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord

NAME = "maria.lopez"
POLICY = builtin_policy()

_EVENTS = (
    ("clickstream", "page_view", "2026-10-17T10:00:00Z"),
    ("clickstream", "page_view", "2026-10-17T10:01:00Z"),
    ("clickstream", "page_view", "2026-10-17T10:03:00Z"),
    ("clickstream", "page_view", "2026-10-17T10:04:00Z"),
    ("clickstream", "purchase", "2026-10-17T10:06:00Z"),
    ("email", "open", "2026-10-27T07:30:00Z"),
    ("email", "click", "2026-10-27T07:31:00Z"),
    ("email", "open", "2026-10-27T18:00:00Z"),
    ("email", "click", "2026-10-27T18:02:00Z"),
    ("clickstream", "search", "2026-11-02T20:00:00Z"),
    ("clickstream", "add_to_cart", "2026-11-02T20:05:00Z"),
    ("clickstream", "search", "2026-11-02T20:10:00Z"),
    ("clickstream", "add_to_cart", "2026-11-02T20:15:00Z"),
    ("social", "like", "2026-11-10T12:00:00Z"),
    ("social", "like", "2026-11-10T12:01:00Z"),
    ("social", "comment", "2026-11-10T12:05:00Z"),
)


def event(value: dict[str, Any], channel: str) -> tuple[str, Any]:
    """Read an event as a worker does."""
    (found,) = [known for known in POLICY.channels if known.name == channel]
    return EventReader(found).read(value, parse_timestamp("9999-01-01T00:00:00Z"))


def record_at(time: str) -> CustomerRecord:
    """Give her record as it stands at a time, with the fields that applications read."""
    record, _ = _judged(time)
    return record


def alert_at(time: str, detected_at: str) -> dict[str, Any]:
    """Give the one alert that she has raised by a time, as it is published."""
    (alert,) = alerts_at(time, detected_at)
    return alert


def alerts_at(time: str, detected_at: str, policy: Policy = POLICY) -> list[dict[str, Any]]:
    """Give the alerts that she has raised by a time under a policy, as they are published."""
    _, alerts = _judged(time, policy)
    return [message(NAME, alert, parse_timestamp(detected_at), policy.version) for alert in alerts]


def _judged(time: str, policy: Policy = POLICY) -> tuple[CustomerRecord, list[Alert]]:
    events = [
        event({"customer_id": NAME, "type": kind, "timestamp": at, "event_id": str(number)}, channel)[1]
        for number, (channel, kind, at) in enumerate(_EVENTS)
    ]
    return judged(events, time, policy)


def judged(events: list[Any], time: str, policy: Policy = POLICY) -> tuple[CustomerRecord, list[Alert]]:
    """Give the record of a customer with these events as it stands at a time, and the alerts raised until then."""
    record, now = CustomerRecord(), parse_timestamp(time)
    outcome = advance(policy, record.state, events, Moment(now))
    fields, _ = encode(policy, record, "version")
    stored = dict(zip(fields[::2], fields[1::2], strict=True))
    record.fields = {name: value for name, value in stored.items() if not name.startswith("_")}
    return record, [transition for transition in outcome.transitions if isinstance(transition, Alert)]
