"""Replays the events of many customers through the scoring core, and looks at them at given moments.

Rests on decision 14.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from scoring.backtest.observations import CutOff, Observation
from scoring.backtest.trail import Trail
from scoring.customer.state import CustomerState, settle_panes
from scoring.events.event import Event
from scoring.feeds.feeds import NO_FEEDS, Feeds, Stretch, join
from scoring.instants import DAY, NEVER
from scoring.judging.alerts import Alert
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.rules.details import PROFILE, is_type

#: Called with a customer's state as it is at a moment.
Look = Callable[[Observation, CustomerState], None]


class CustomerHistory:
    """One customer on the way through the events; `panes` are those with events, each with their number."""

    __slots__ = (
        "_ahead",
        "_moments",
        "_policy",
        "alerts",
        "began",
        "late",
        "name",
        "observations",
        "outdated",
        "panes",
        "state",
        "trail",
    )

    def __init__(self, policy: Policy, name: str, moments: Sequence[CutOff] = (), trail: Trail | None = None) -> None:
        """Begin before the first event.

        Args:
            policy: to judge by.
            name: the customer's id.
            moments: at which to look, in the order of time.
            trail: gets where the score has been; None where nobody asks.
        """
        self._policy = policy
        self.trail = trail
        self._moments = list(reversed(moments))
        self._ahead: list[Observation] = []
        self.name = name
        self.state = CustomerState()
        self.observations: list[Observation] = []
        self.alerts: dict[str, list[int]] = {}
        self.began = -1
        self.panes: dict[int, int] = {}
        self.late = self.outdated = 0

    def take(self, events: Sequence[Event], now: int, feeds: Feeds = NO_FEEDS, look: Look | None = None) -> None:
        """Take events, and look at the customer at the moments that have been reached.

        Args:
            events: new ones, in the order of arrival.
            now: the evaluation time of the stream clock, in microseconds.
            feeds: when the watched feeds have been silent, as far as `now`.
            look: called for each observation with the state at that time.
        """
        while self._moments and self._moments[-1].time <= now:
            moment = self._moments.pop()
            before = [event for event in events if event.time < moment.time]
            events = [event for event in events if event.time >= moment.time]
            self._advance(before, moment.time, feeds)
            observation = self._observe(moment)
            if look is not None:
                look(observation, self.state)
        self._advance(events, now, feeds)

    def _advance(self, events: Sequence[Event], now: int, feeds: Feeds) -> None:
        state = self.state
        if not events and now <= state.judged:
            return
        times = [event.time for event in events if event.code != PROFILE]
        if self._ahead and times:
            self._note_what_came(times)
        if self.trail is not None:
            self.trail.wait(self._policy.of(state.segment), state, now)
        outcome = advance(self._policy, state, events, Moment(now, now, feeds))
        if self.trail is not None:
            self.trail.stand(state)
        for change in outcome.transitions:
            if isinstance(change, Alert) and not change.score_name:
                self.alerts.setdefault(change.kind, []).append(change.occurred_at)
        if times and (self.began < 0 or min(times) < self.began):
            self.began = min(times)
        self.late += outcome.late
        self.outdated += outcome.outdated
        # A pane that has left the state keeps the number that it had.
        for pane in state.touched_panes & state.panes.keys():
            self.panes[pane] = events_in(state.panes[pane])
        settle_panes(state)

    def _note_what_came(self, times: Sequence[int]) -> None:
        for observation in self._ahead:
            came = [time for time in times if time >= observation.moment.time]
            observation.next_event_at = min([observation.next_event_at, *came])
        self._ahead = [observation for observation in self._ahead if observation.next_event_at == NEVER]

    def _observe(self, moment: CutOff) -> Observation:
        state, policy = self.state, self._policy
        oldest = moment.time // policy.pane - policy.panes
        inside = {pane: events_in(counts) for pane, counts in state.panes.items() if pane > oldest}
        observation = Observation(self.name, moment, state.score, state.band, state.last_event_at, sum(inside.values()))
        observation.decayed = sum(count * policy.factor(state.pane - pane) for pane, count in inside.items())
        self.observations.append(observation)
        self._ahead.append(observation)
        return observation


def events_in(counts: Mapping[str, int]) -> int:
    """Count the events of a pane, of any type; amounts of their properties, which stand beside them, are none."""
    return sum(count for code, count in counts.items() if is_type(code))


class Population:
    """All customers, on the stream clock: the evaluation time is that of the newest event, less the lateness."""

    def __init__(
        self,
        policy: Policy,
        moments: Mapping[str, Sequence[CutOff]] | None = None,
        look: Look | None = None,
        *,
        trails: bool = False,
    ) -> None:
        """Begin before the first event.

        Args:
            policy: to judge by.
            moments: by customer, at which to look, in the order of time; other customers are left out. None for all
                customers who come, and no look.
            look: called for each observation with the state at that time.
            trails: keep where each score has been.
        """
        self._policy = policy
        self._look = look
        self._step = min(policy.pane, DAY)
        self.customers = {
            name: CustomerHistory(policy, name, times, Trail() if trails else None)
            for name, times in (moments or {}).items()
        }
        self._open = moments is None
        self.newest = 0
        self._batch: dict[str, list[Event]] = {}
        self._stretches: dict[str, list[Stretch]] = {name: [] for name, _ in policy.watched.values()}
        self._apart = dict(policy.watched.values())

    def add(self, channel: str, customer: str, event: Event) -> None:
        """Take one event, of whomever; those of a day of stream time, or of a shorter pane, are judged together.

        Args:
            channel: the name of its channel.
            customer: who.
            event: what; a profile does not move the clock.
        """
        if event.time > self.newest and event.code != PROFILE:
            if event.time // self._step > self.newest // self._step:
                self.judge()
            self.newest = event.time
        if channel in self._stretches:
            self._stretches[channel].append((event.time, event.time))
        if self._open and customer not in self.customers:
            self.customers[customer] = CustomerHistory(self._policy, customer)
        if customer in self.customers:
            self._batch.setdefault(customer, []).append(event)

    def judge(self) -> None:
        """Judge those who have had events."""
        batch, self._batch = self._batch, {}
        feeds, now = self._feeds(), self.now
        for name, events in batch.items():
            self.customers[name].take(events, now, feeds, self._look)

    def finish(self, end: int | None = None) -> Iterator[CustomerHistory]:
        """Judge everybody up to the end of the events.

        Args:
            end: in microseconds; by default the time of the newest event, of which a worker is behind by the lateness.

        Yields:
            Each customer, with the moments that the end has not reached left out.
        """
        self.judge()
        feeds, end = self._feeds(), self.newest if end is None else end
        for customer in self.customers.values():
            customer.take((), end, feeds, self._look)
            yield customer

    @property
    def now(self) -> int:
        """Up to when a worker would have judged, in microseconds."""
        return max(self.newest - self._policy.lateness, 0)

    def _feeds(self) -> Feeds:
        for name, stretches in self._stretches.items():
            self._stretches[name] = join(stretches, self._apart[name])
        return Feeds(self._policy, self._stretches)
