"""What explains a score, its change and its future adds up, to the millionth, against sums over the raw events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.state import CustomerState
from scoring.instants import MINUTE
from scoring.judging.explanation import CAME, CAPPED, EXPIRED, FADED, Part, change, coming, explained_from
from scoring.judging.score import contributions
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory, raw_events
from tests.property.test_half_life import score_of as faded_score
from tests.reference import brute_force

Told = tuple[World, list[Step]]


@st.composite
def at_any_time(draw: st.DrawFn) -> Told:
    """Draw a world and steps that come at any time, in any order."""
    world = draw(lives.worlds())
    return world, draw(lives.at_any_time(world, draw(lives.lives(world))))


def product_policy(world: World, half_life: int) -> Policy:
    """Parse a world's policy with a half-life of some microseconds, 0 for none."""
    if not half_life:
        return parse_policy(world.text)
    return parse_policy(world.text.replace("[window]", f'[window]\nhalf_life = "{half_life // MINUTE}m"'))


def score_of(events: Sequence[brute_force.Event], policy: brute_force.Policy, half_life: int, time: int) -> int:
    """Sum up the raw events as the definition says."""
    if half_life:
        return faded_score(list(events), policy, half_life, time)
    return brute_force.score_of(list(events), policy, time)


def judged(policy: Policy, steps: Sequence[Step]) -> Iterator[tuple[CustomerState, list[brute_force.Event]]]:
    """Go through the steps; give the state after each, with the events that it can know of."""
    arrived: list[Happening] = []
    for step, state, _ in in_memory(policy, steps):
        arrived += step.batch
        if state.judged >= 0:
            yield state, brute_force.up_to(raw_events(arrived), state.judged)


def points_of(parts: Sequence[Part], *causes: str) -> int:
    """Add up the parts with some causes, all without."""
    return sum(part.points for part in parts if not causes or part.cause in causes)


HALF_LIVES = st.sampled_from([0, 0, 4, 8, 20])


@given(at_any_time(), HALF_LIVES, st.data())
@settings(max_examples=200, deadline=None)
def test_the_parts_of_a_change_add_up_to_the_difference_of_the_scores(
    told: Told, eighths: int, data: st.DataObject
) -> None:
    half_life = eighths * told[0].pane // 8
    policy, reference = product_policy(told[0], half_life), brute_force.parse_policy(told[0].text)
    for state, events in judged(policy, told[1]):
        now = state.judged
        since = data.draw(st.integers(min(explained_from(policy, state), now), now))
        parts = change(policy, state, now, since)
        then = score_of(events, reference, half_life, since)
        assert points_of(parts) == state.score - then
        assert sum(part.points for part in contributions(policy, state)) == state.score
        assert sum(part.points for part in contributions(policy, state, since // policy.pane)) == then
        if not half_life:
            assert_causes(parts, events, reference, since, now)


def assert_causes(
    parts: Sequence[Part], events: Sequence[brute_force.Event], policy: brute_force.Policy, since: int, now: int
) -> None:
    """Check what came, was capped and expired, each on its own, from the raw events."""
    first, last = now // policy.pane - policy.panes + 1, since // policy.pane
    came = [event for event in events if max(last + 1, first) <= event.time // policy.pane <= now // policy.pane]
    worth = sum(policy.weights[event.channel].get(event.type, 0) for event in came)
    assert points_of(parts, CAME) == worth
    assert points_of(parts, CAME, CAPPED) == brute_force.score_of(came, policy, now)
    gone = [event for event in events if event.time // policy.pane < first]
    assert points_of(parts, EXPIRED) == -brute_force.score_of(gone, policy, since)
    assert points_of(parts, FADED) == 0
    counts = Counter((event.time // policy.pane, event.channel, event.type) for event in came)
    scoring = {key: count for key, count in counts.items() if policy.weights[key[1]].get(key[2])}
    found = {(part.pane, part.channel, part.type): part.count for part in parts if part.cause == CAME}
    assert found == scoring
    over = {key: count - policy.caps[key[1]].get(key[2], count) for key, count in scoring.items()}
    cut = {(part.pane, part.channel, part.type): part.count for part in parts if part.cause == CAPPED}
    assert cut == {key: count for key, count in over.items() if count > 0}


@given(at_any_time(), HALF_LIVES)
@settings(max_examples=150, deadline=None)
def test_what_is_coming_is_the_score_at_every_boundary(told: Told, eighths: int) -> None:
    half_life = eighths * told[0].pane // 8
    policy, reference = product_policy(told[0], half_life), brute_force.parse_policy(told[0].text)
    for state, events in judged(policy, told[1]):
        foreseen = {boundary.at: boundary for boundary in coming(policy, state, state.judged)}
        score, pane = state.score, state.pane
        for boundary in range((pane + 1) * policy.pane, (pane + policy.panes + 2) * policy.pane, policy.pane):
            then = score_of(events, reference, half_life, boundary)
            if boundary in foreseen:
                assert foreseen[boundary].score == then
                assert points_of(foreseen[boundary].parts) == then - score
            else:
                assert then == score
            score = then
        assert max(foreseen, default=0) <= (pane + policy.panes) * policy.pane
