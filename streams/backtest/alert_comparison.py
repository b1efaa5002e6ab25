"""Judges a history by a policy, as a worker with the stream clock would: which alerts it raises."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from scoring.backtest.observations import Customer
from scoring.backtest.population import Population
from scoring.errors import InvalidEvent
from scoring.instants import DAY
from scoring.judging.absence_judging import ABSENT, RETURNED
from scoring.policy.policy import Policy
from streams.backtest.absent import ReplayedAbsences
from streams.backtest.replaying import past_of
from streams.backtest.value_reading import ValueReader


class Raised(NamedTuple):
    """One alert, as two policies are compared by it: whose, of what kind, and when (microseconds)."""

    occurred_at: int
    customer: str
    kind: str


class ComparedAlerts(NamedTuple):
    """The alerts of a history under two policies; `moved` are pairs of one alert at another time, before and after."""

    same: list[Raised]
    moved: list[tuple[Raised, Raised]]
    come: list[Raised]
    go: list[Raised]


def compare_alerts(before: Iterable[Raised], after: Iterable[Raised], within: int) -> ComparedAlerts:
    """Return which alerts would come and go.

    Args:
        before: under one policy.
        after: under another one.
        within: alerts of one kind and customer that are no further apart are the same one, at another time
            (microseconds).

    Returns:
        All alerts, each once, in the order of time.
    """
    old, new = set(before), set(after)
    found = ComparedAlerts(sorted(old & new), [], [], [])
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
    """All customers of a history under one policy, as a worker with the stream clock would judge them."""

    def __init__(self, policy: Policy) -> None:
        """Start with nobody.

        Args:
            policy: that judges.
        """
        self._policy = policy
        self._reader = ValueReader(policy)
        self._population = Population(policy)
        self.alerts: set[Raised] = set()
        self.bad = 0

    @property
    def customers(self) -> AbstractSet[str]:
        """Who has had an event, or a profile."""
        return self._population.customers.keys()

    def apply(self, events: Iterable[tuple[str, object]], latest: int) -> None:
        """Apply some events.

        Args:
            events: each with the name of its channel; those of a channel that the policy does not have are left out.
            latest: the newest time that is let in, in microseconds.
        """
        for channel, value in events:
            try:
                read = self._reader.read(channel, value, latest)
            except InvalidEvent:
                self.bad += 1
                continue
            if read is not None:
                self._population.add(channel, *read)

    def finish(self) -> None:
        """Judge everybody by the time of the newest event, as silence counts, too; and list the alerts."""
        pasts = [past_of(customer) for customer in self._population.finish(self._population.now)]
        for past in pasts:
            self.alerts.update(Raised(at, past.name, kind) for kind, times in past.alerts.items() for at in times)
        if (rule := self._policy.absence) is None:
            return
        # A day is weighed by all of its events, so absences are judged once all have been read.
        customers = {past.name: Customer(past.name) for past in pasts}
        found = ReplayedAbsences(self._policy, customers, pasts, self._population.now)
        for past in pasts:
            for absence in found.of(past.name, rule):
                if absence.alert_day is not None:
                    self.alerts.add(Raised(absence.alert_day * DAY, past.name, ABSENT))
                    if absence.ended is not None:
                        self.alerts.add(Raised(absence.ended * DAY, past.name, RETURNED))
