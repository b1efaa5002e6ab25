"""Points that fade, against a sum over the raw events that is made anew at every boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.instants import MINUTE, SECOND, format_duration
from scoring.judging.alerts import Alert
from scoring.policy.policy import BANDS
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory, raw_events
from tests.reference import brute_force
from tests.reference.signals import Score

Told = tuple[World, list[Step], int]
Changes = list[tuple[int, str, int]]
BOUNDARY, COOLDOWN_END, WARNING, EVENT = range(4)


def half_lives(world: World) -> st.SearchStrategy[int]:
    """Draw a half-life, in whole seconds."""
    return st.integers(1, 4 * _GRID).map(lambda part: part * world.pane // _GRID // SECOND * SECOND)


_GRID = 8


def with_half_life(text: str, half_life: int) -> str:
    """Write a half-life into a policy; none where it is 0."""
    return text.replace("[window]", f'[window]\nhalf_life = "{format_duration(half_life)}"', 1) if half_life else text


def fading(half_life: int) -> Score:
    """Give what sums up the events with a half-life or, where it is 0, without one."""
    if not half_life:
        return brute_force.score_of
    return lambda events, policy, time: score_of(events, policy, half_life, time)


@st.composite
def one_by_one(draw: st.DrawFn) -> Told:
    """Draw a world, and a life judged at every event."""
    world = draw(lives.worlds())
    life = draw(lives.lives(world))
    steps = [Step([happening], happening.time) for happening in life]
    return world, [*steps, Step([], draw(lives.end_of(world)))], draw(half_lives(world))


@st.composite
def batched(draw: st.DrawFn) -> Told:
    """Draw a world, and a life that comes in any batches."""
    world = draw(lives.worlds())
    return world, draw(lives.in_order(world, draw(lives.lives(world)))), draw(half_lives(world))


def score_of(events: Sequence[brute_force.Event], policy: brute_force.Policy, half_life: int, time: int) -> int:
    """Sum up what the events of each pane are worth at a time: half as much for each half-life of the pane's age."""
    current = time // policy.pane
    # What an event takes back may have happened in another pane.
    left, plain = brute_force.standing(list(events), policy), replace(policy, rules={})
    total = 0.0
    for pane in range(current - policy.panes + 1, current + 1):
        inside = [event for event in left if event.time // policy.pane == pane]
        points = brute_force.score_of(inside, plain, time)
        total += points * 0.5 ** ((current - pane) * policy.pane / half_life)
    return round(total)


def judged(policy: brute_force.Policy, half_life: int, life: Sequence[Happening], until: int) -> brute_force.Machine:
    """Judge a life at every boundary, every event and the end of every cooldown."""
    events = [brute_force.counting_as(event, policy) for event in raw_events(life)]
    machine = brute_force.Machine(policy)
    first = events[0].time // policy.pane + 1
    moments = [(pane * policy.pane, BOUNDARY, 0) for pane in range(first, until // policy.pane + 1)]
    moments += [(event.time, EVENT, index) for index, event in enumerate(events)]
    heapify(moments)
    while moments and moments[0][0] <= until:
        time, step, index = heappop(moments)
        taken = events[: index + 1] if step == EVENT else [event for event in events if event.time < time]
        before = machine.score
        if step != WARNING:
            machine.judge(time, score_of(taken, policy, half_life, time))
        if machine.last_churn == time and policy.cooldown:
            heappush(moments, (time + policy.cooldown, COOLDOWN_END, 0))
        if policy.warn_before:
            later = range(
                (time // policy.pane + 1) * policy.pane, policy.leaves_at(time // policy.pane) + 1, policy.pane
            )
            coming = [(boundary, score_of(taken, policy, half_life, boundary)) for boundary in later]
            moment = machine.look_ahead(time, before, coming)
            if moment is not None:
                heappush(moments, (moment, WARNING, 0))
    return machine


def assert_told_the_same(told: Told) -> None:
    """Compare band changes, alerts and the score at the end."""
    world, steps, half_life = told
    reference = brute_force.parse_policy(world.text)
    life = [happening for step in steps for happening in step.batch]
    machine = judged(reference, half_life, life, steps[-1].now)
    text = with_half_life(world.text, half_life)
    changes: Changes = []
    alerts: Changes = []
    score = 0
    for _, state, outcome in in_memory(parse_policy(text), steps):
        for each in outcome.transitions:
            if isinstance(each, Alert):
                alerts.append((each.occurred_at, each.kind, each.score))
            else:
                changes.append((each.occurred_at, BANDS[each.band], each.score))
        score = state.score

    events = [brute_force.counting_as(event, reference) for event in raw_events(life)]
    assert score == score_of(events, reference, half_life, steps[-1].now)
    assert changes == [(change.time, change.band, change.score) for change in machine.band_changes]
    assert alerts == [(alert.change.time, alert.kind, alert.change.score) for alert in machine.alerts]


@given(one_by_one())
@settings(max_examples=150, deadline=None)
def test_a_life_that_is_judged_at_every_event_is_that_of_the_definition(told: Told) -> None:
    assert_told_the_same(told)


ENGAGED_FROM_TEN = World(
    """
version = "by-hand"
[window]
length = "24m"
pane = "8m"
trend = "0m"
[bands]
disengaged = 0
engaged = 10
highly_engaged = 20
power = 30
[alerts]
rearm_margin = 0
cooldown = "7s"
[clock]
lateness = "0s"
[channels.web]
topic = "web"
weights = { buy = 12 }
""",
    8 * MINUTE,
    3,
)
TWICE = [Happening(lives.START + minute * MINUTE, "web", "buy", str(minute)) for minute in (0, 16)]


@given(batched())
@example((ENGAGED_FROM_TEN, [Step(TWICE, lives.START + 16 * MINUTE)], 8 * MINUTE))
@settings(max_examples=100, deadline=None)
def test_any_batching_tells_the_life_of_the_definition(told: Told) -> None:
    assert_told_the_same(told)
