"""The pure core: what a customer's events say about the customer; standard library only, no clock, no IO.

A history is judged without Kafka or Redis. Times are microseconds since 1970, scores millionths of a point. A policy
is a value; `streams.parse_policy` makes one of a file:

>>> from scoring import Channel, CustomerState, EventReader, EventType, Moment, Policy
>>> from scoring import advance, message, parse_timestamp, type_code
>>> from scoring.instants import DAY
>>> from scoring.points import POINT
>>> purchase = EventType(type_code("shop", "purchase"), channel=0, name="purchase", weight=20 * POINT)
>>> shop = Channel("shop", topic="shop", types=(purchase,))
>>> policy = Policy("mine", length=30 * DAY, pane=DAY, trend=7 * DAY, channels=(shop,))
>>> maria = CustomerState()
>>> reader, raised = EventReader(policy.channels[0]), []
>>> for day in ("2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z", "2026-03-04T10:00:00Z"):
...     now = parse_timestamp(day)
...     customer, event = reader.read({"customer_id": "maria", "type": "purchase", "timestamp": day}, latest=now)
...     raised += advance(policy, maria, [event], Moment(now)).transitions
>>> now = parse_timestamp("2026-05-01T00:00:00Z")
>>> raised += advance(policy, maria, [], Moment(now)).transitions
>>> for transition in raised:
...     told = message("maria", transition, now, policy.version)
...     print(told["occurred_at"], told["score"], told["band"], told.get("kind", "-"))
2026-03-04T10:00:00Z 60.0 engaged -
2026-04-01T00:00:00Z 40.0 disengaged -
2026-04-01T00:00:00Z 40.0 disengaged churn_risk
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scoring.customer.state import CustomerState
    from scoring.errors import InvalidEvent, PolicyError, ScoringError
    from scoring.events.event import Event, EventReader
    from scoring.feeds.feeds import Feeds
    from scoring.instants import format_instant, parse_timestamp
    from scoring.judging.alerts import Alert, BandChange, message
    from scoring.judging.moment import Moment
    from scoring.judging.outcome import Outcome
    from scoring.judging.walk import advance
    from scoring.points import rounded
    from scoring.policy.channels import Channel, EventType, type_code
    from scoring.policy.policy import Policy

__all__ = [
    "Alert",
    "BandChange",
    "Channel",
    "CustomerState",
    "Event",
    "EventReader",
    "EventType",
    "Feeds",
    "InvalidEvent",
    "Moment",
    "Outcome",
    "Policy",
    "PolicyError",
    "ScoringError",
    "advance",
    "format_instant",
    "message",
    "parse_timestamp",
    "rounded",
    "type_code",
]
#: Where each name stands. It is imported when it is first asked for, so that one module does not cost all others.
_HOMES: Final = {
    "Alert": "scoring.judging.alerts",
    "BandChange": "scoring.judging.alerts",
    "Channel": "scoring.policy.channels",
    "CustomerState": "scoring.customer.state",
    "Event": "scoring.events.event",
    "EventReader": "scoring.events.event",
    "EventType": "scoring.policy.channels",
    "Feeds": "scoring.feeds.feeds",
    "InvalidEvent": "scoring.errors",
    "Moment": "scoring.judging.moment",
    "Outcome": "scoring.judging.outcome",
    "Policy": "scoring.policy.policy",
    "PolicyError": "scoring.errors",
    "ScoringError": "scoring.errors",
    "advance": "scoring.judging.walk",
    "format_instant": "scoring.instants",
    "message": "scoring.judging.alerts",
    "parse_timestamp": "scoring.instants",
    "rounded": "scoring.points",
    "type_code": "scoring.policy.channels",
}

if not TYPE_CHECKING:

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers read the imports above
        """Import what is asked for."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))
