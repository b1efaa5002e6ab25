"""Judges a history by a policy, as a worker with the stream clock would: which alerts it raises."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from scoring.backtest.observations import Customer
from scoring.customer.state import CustomerState, settle_panes
from scoring.errors import InvalidEvent
from scoring.events.event import Event
from scoring.events.profiles import ProfileReader
from scoring.instants import DAY
from scoring.judging.absence_judging import ABSENT, RETURNED
from scoring.judging.alerts import Alert
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.sources.feeds import Feeds, Stretch, join, stretches_of
from streams.backtest.absent import Absences
from streams.backtest.replaying import Past
from streams.ingest.profile_decoding import PROFILES
from streams.ingest.sentiment import reader_of


class Raised(NamedTuple):
    """One alert, as two policies are compared by it: whose, of what kind, and when (microseconds)."""

    occurred_at: int
    customer: str
    kind: str


class Alerts(NamedTuple):
    """The alerts of a history under two policies; `moved` are pairs of one alert at another time, before and after."""

    same: list[Raised]
    moved: list[tuple[Raised, Raised]]
    come: list[Raised]
    go: list[Raised]


def compare_alerts(before: Iterable[Raised], after: Iterable[Raised], within: int) -> Alerts:
    """Tell which alerts would come and go.

    Args:
        before: under one policy.
        after: under another one.
        within: alerts of one kind and customer that are no further apart are the same one, at another time
            (microseconds).

    Returns:
        All alerts, each once, in the order of time.
    """
    old, new = set(before), set(after)
    found = Alerts(sorted(old & new), [], [], [])
    waiting: dict[tuple[str, str], deque[Raised]] = defaultdict(deque)
    for alert in sorted(old - new):
        waiting[alert.customer, alert.kind].append(alert)
    for alert in sorted(new - old):
        earlier = waiting[alert.customer, alert.kind]
        while earlier and earlier[0].occurred_at < alert.occurred_at - within:
            found.go.append(earlier.popleft())
        if earlier and earlier[0].occurred_at <= alert.occurred_at + within:
            found.moved.append((earlier.popleft(), alert))
        else:
            found.come.append(alert)
    found.go.extend(alert for left in waiting.values() for alert in left)
    found.go.sort()
    return found


class History:
    """All customers of a history under one policy; they are kept in memory."""

    def __init__(self, policy: Policy) -> None:
        """Start with nobody.

        Args:
            policy: that judges.
        """
        self._policy = policy
        self._readers = {channel.name: reader_of(channel, policy) for channel in policy.channels}
        self._profiles = ProfileReader(policy.profiles) if policy.profiles is not None else None
        self._watched = dict(policy.watched.values())
        self._stretches: dict[str, Sequence[Stretch]] = {}
        self._feeds = Feeds(policy, self._stretches) if self._watched else None
        self._newest = 0
        self.customers: dict[str, CustomerState] = {}
        self.alerts: set[Raised] = set()
        self.bad = 0

    def apply(self, events: Iterable[tuple[str, object]], latest: int) -> None:
        """Apply some events and judge by the time of the newest.

        Args:
            events: each with the name of its channel; those of a channel that the policy does not have are left out.
            latest: the newest time that is let in, in microseconds.
        """
        found: dict[str, list[Event]] = defaultdict(list)
        times: dict[str, list[int]] = defaultdict(list)
        for channel, value in events:
            reader = self._readers.get(channel)
            try:
                if channel == PROFILES and self._profiles is not None:
                    # Without a time of its own it holds from the beginning.
                    if (profile := self._profiles.read(value, 0, latest)) is not None:
                        found[profile[0]].append(profile[1])
                    continue
                if reader is None:
                    continue
                customer, event = reader.read(value, latest)
            except InvalidEvent:
                self.bad += 1
                continue
            found[customer].append(event)
            times[channel].append(event.time)
            self._newest = max(self._newest, event.time)
        self._note(times)
        self._judge(found)

    def finish(self) -> None:
        """Judge everybody by the time of the newest event: silence counts, too."""
        self._judge(dict.fromkeys(self.customers, ()))
        if (rule := self._policy.absence) is None:
            return
        # A day is weighed by all of its events, so absences are judged once all have been read.
        pasts = [
            Past(name, {}, {}, days=state.activity.list_days(), segment=state.segment)
            for name, state in self.customers.items()
        ]
        found = Absences(self._policy, {past.name: Customer(past.name) for past in pasts}, pasts, self._now)
        for past in pasts:
            for absence in found.of(past.name, rule):
                if absence.alert_day is not None:
                    self.alerts.add(Raised(absence.alert_day * DAY, past.name, ABSENT))
                    if absence.ended is not None:
                        self.alerts.add(Raised(absence.ended * DAY, past.name, RETURNED))

    @property
    def _now(self) -> int:
        return max(self._newest - self._policy.lateness, 0)

    def _note(self, times: Mapping[str, Sequence[int]]) -> None:
        for channel, apart in self._watched.items():
            if channel in times:
                known = self._stretches.get(channel, ())
                self._stretches[channel] = join([*known, *stretches_of(times[channel], apart)], apart)
        if self._watched:
            self._feeds = Feeds(self._policy, dict(self._stretches))

    def _judge(self, events: Mapping[str, Sequence[Event]]) -> None:
        moment = Moment(self._now, self._now, self._feeds)
        for customer, some in events.items():
            state = self.customers.setdefault(customer, CustomerState())
            outcome = advance(self._policy, state, some, moment)
            settle_panes(state)
            self.alerts.update(
                Raised(alert.occurred_at, customer, alert.kind)
                for alert in outcome.transitions
                if isinstance(alert, Alert) and not alert.score_name
            )
