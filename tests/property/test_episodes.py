"""Whatever happens to a customer, nobody is below what was told last with nothing due, and the table is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from unittest import mock

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.customer.state import CustomerState
from scoring.judging.alert_machine import TRANSITIONS, AlertMachine, place_of
from scoring.judging.alerts import Alert, Transition, message
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import BANDS, DISENGAGED, ENGAGED, Policy
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import CUSTOMER, Reader
from tests.property.test_policy_changes import Told as UnderPolicies
from tests.property.test_policy_changes import changing
from tests.property.test_silences import stored_and_loaded


@dataclass
class Consumer:
    """Who follows the alerts, and keeps a case for each that has not been closed."""

    policy: Policy
    namespace: str
    cases: dict[str, str] = field(default_factory=dict)
    episode: str = ""
    lowest: int = ENGAGED
    #: The band below which a fall is news, where no case is open: the highest since the last one was closed.
    stood: int = DISENGAGED

    def read(self, transition: Transition) -> None:
        """Take one message, and hold it against those before."""
        band = min(transition.band, ENGAGED)
        if not isinstance(transition, Alert) or transition.kind == "disengaging_soon":
            self.stood = max(self.stood, band)
            return
        body = message(CUSTOMER, transition, transition.occurred_at, "v", self.namespace)
        assert body["namespace"] == self.namespace
        if transition.kind == "recovered":
            assert body["closes"] == list(self.cases)
            assert body["episode_id"] == self.episode
            self.cases, self.episode = {}, ""
            self.stood = band
            return
        if self.cases:
            assert body["episode_id"] == self.episode
            assert transition.band < self.lowest
        else:
            assert transition.band < self.stood
            self.episode, self.lowest = body["alert_id"], ENGAGED
            assert body["episode_id"] == self.episode
        assert transition.band < ENGAGED
        self.lowest = min(self.lowest, transition.band)
        self.cases[body["alert_id"]] = body["severity"]

    def find_what_is_missed(self, state: CustomerState) -> None:
        """See that whoever is lower than these messages say is about to be reported."""
        if state.held is not None:
            event("a fall waits")
            assert state.due_crosses
            assert state.judged < state.due
            return
        band = min(state.band, ENGAGED)
        assert bool(self.cases) == state.alert_open
        if self.cases:
            event(f"an episode is open, {BANDS[band]}")
            assert band >= self.lowest
        else:
            assert band >= min(self.stood, self.policy.drops_into + 1)


def follow(machine: AlertMachine, given: str) -> None:
    """Go the way of the table, and see that it leads to the state that it says."""
    before = place_of(machine._state)
    taken(machine, given)
    assert place_of(machine._state) == TRANSITIONS[before, given][0], (before, given)


taken = AlertMachine._take


@st.composite
def histories(draw: st.DrawFn) -> tuple[World, Sequence[Step]]:
    """Draw a world and a life in any order, late events and all."""
    world = draw(lives.worlds(ties=draw(st.booleans())))
    life: list[Happening] = draw(lives.lives(world))
    return world, draw(draw(st.sampled_from([lives.in_any_order, lives.at_any_time]))(world, life))


@given(histories(), st.sampled_from(["engagement", "trial"]))
@settings(max_examples=300, deadline=None)
def test_nobody_is_below_engaged_with_the_last_message_recovered_and_nothing_due(
    told: tuple[World, Sequence[Step]], namespace: str
) -> None:
    world, steps = told
    policy = parse_policy(world.with_long_memory)
    consumer, reader, state = Consumer(policy, namespace), Reader(policy), CustomerState()
    with mock.patch.object(AlertMachine, "_take", follow):
        for batch, now in steps:
            outcome = advance(policy, state, reader.read(batch), Moment(now))
            for transition in outcome.transitions:
                consumer.read(transition)
            if state.judged >= 0:
                consumer.find_what_is_missed(state)
            state = stored_and_loaded(policy, state)


@given(changing())
@settings(max_examples=200, deadline=None)
def test_whatever_policies_come_each_alert_is_closed_once_and_goes_deeper_than_those_before(
    told: UnderPolicies,
) -> None:
    worlds, _, steps, in_force = told
    policies = [parse_policy(world.with_long_memory) for world in worlds]
    consumer, state = Consumer(policies[0], "engagement"), CustomerState()
    with mock.patch.object(AlertMachine, "_take", follow):
        for (batch, now), number in zip(steps, in_force, strict=True):
            policy = policies[number]
            outcome = advance(policy, state, Reader(policy).read(batch), Moment(now))
            for transition in outcome.transitions:
                consumer.read(transition)
            assert bool(consumer.cases) == state.alert_open
            if state.held is not None:
                assert state.due_crosses
            state = stored_and_loaded(policy, state)
