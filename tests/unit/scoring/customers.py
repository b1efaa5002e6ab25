"""A customer under test: a policy whose numbers can be worked by hand, and times in January 2024 as `day hour:minute`.

The window is three days in panes of one. Whoever has 10 points is engaged.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scoring.customer.signals import Signal
from scoring.customer.state import CustomerState
from scoring.events.event import Event, EventReader
from scoring.feeds.feeds import NO_FEEDS
from scoring.instants import MINUTE
from scoring.judging.alerts import Alert, BandChange
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.judging.walk import advance
from scoring.points import rounded
from scoring.policy.policy import BANDS, Policy
from streams.policy_file.document import parse_policy

POLICY = """
version = "by-hand"
[window]
length = "3d"
pane = "1d"
trend = "1d"
[bands]
disengaged = 0
engaged = 10
highly_engaged = 20
power = 30
[alerts]
rearm_margin = 2
cooldown = "12h"
[clock]
lateness = "0s"
idle_after = "10s"
[channels.web]
topic = "web"
weights = { view = 1, buy = 4.5, glance = 0.125, complain = -4, quit = -30 }
cap = { view = 3 }
[channels.social]
topic = "social"
weights = { post = 2, impression = 0 }
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JANUARY = datetime(2024, 1, 1, tzinfo=UTC)

Story = list[tuple[str, str, float]]


def at(time: str) -> int:
    """Give `04 12:30` (that day in January 2024; seconds may follow) in microseconds."""
    day, clock = time.split()
    hour, minute, *seconds = clock.split(":")
    length = timedelta(
        days=int(day) - 1, hours=int(hour), minutes=int(minute), seconds=float(seconds[0] if seconds else 0)
    )
    return (_JANUARY - _EPOCH + length) // timedelta(microseconds=1)


def clock(time: int) -> str:
    """Write microseconds as `04 12:30`, with seconds only where there are some."""
    moment = _EPOCH + timedelta(microseconds=time)
    text = f"{(moment - _JANUARY).days + 1:02} {moment:%H:%M}"
    rest = time % MINUTE / 1e6
    return f"{text}:{rest:g}" if rest else text


def policy_with(*changes: tuple[str, str], text: str = POLICY) -> Policy:
    """Parse the policy by hand with some of its lines replaced."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


class Customer:
    """A customer, judged step by step."""

    def __init__(self, policy: Policy | None = None) -> None:
        """Start as a stranger."""
        self.policy = policy or parse_policy(POLICY)
        self.state = CustomerState()
        self.feeds = NO_FEEDS
        self.story: Story = []
        self.changes: list[tuple[str, str]] = []
        self.transitions: list[Alert | BandChange | Signal] = []

    def event(self, kind: str, time: str, event_id: str | None = None) -> Event:
        """Read one event as a producer would send it."""
        name = next(c.name for c in self.policy.channels if c.name == "social" or kind not in ("post", "impression"))
        reader = EventReader(next(channel for channel in self.policy.channels if channel.name == name))
        value = {"customer_id": "anna", "type": kind, "timestamp": at(time) / 1e6, "event_id": event_id}
        return reader.read(value, at("9999 00:00"))[1]

    def do(self, kind: str, time: str, count: int = 1, *, now: str = "", event_id: str | None = None) -> Outcome:
        """Let events of a type happen, judged at their own time or later."""
        return self.judge(now or time, *[self.event(kind, time, event_id)] * count)

    def judge(self, now: str, *events: Event, horizon: str = "") -> Outcome:
        """Judge the customer at a time, with new events or none."""
        outcome = advance(self.policy, self.state, events, Moment(at(now), at(horizon or now), self.feeds, clocks={}))
        self.transitions += outcome.transitions
        for transition in outcome.transitions:
            if isinstance(transition, Alert):
                self.story.append((transition.kind, clock(transition.occurred_at), rounded(transition.score)))
            elif isinstance(transition, BandChange):
                self.changes.append((BANDS[transition.band], clock(transition.occurred_at)))
        return outcome

    @property
    def score(self) -> float:
        """The score as it is published."""
        return rounded(self.state.score)

    @property
    def band(self) -> str:
        """The band by its name."""
        return BANDS[self.state.band]

    @property
    def due(self) -> str:
        """When the customer is judged again without events; '' for never."""
        return clock(self.state.due) if self.state.due else ""
