"""What holds of a customer's state after every step, however late or early events come."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import fields

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.customer.state import CustomerState, derive, settle_panes
from scoring.instants import MINUTE
from scoring.judging.moment import Moment
from scoring.judging.score import contributions, disengages_at, trend
from scoring.judging.walk import advance
from scoring.points import text
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory, raw_events
from tests.reference import brute_force

Told = tuple[World, list[Step]]


@st.composite
def at_any_time(draw: st.DrawFn, *, ties: bool = False) -> Told:
    """Draw a world and steps that come at any time, in any order."""
    world = draw(lives.worlds(ties=ties))
    return world, draw(lives.at_any_time(world, draw(lives.lives(world))))


@st.composite
def in_time(draw: st.DrawFn) -> Told:
    """Draw a world and steps in which no event is late."""
    world = draw(lives.worlds(ties=True))
    return world, draw(lives.in_any_order(world, draw(lives.lives(world))))


def with_half_life(told: Told, panes: float) -> Policy:
    """Parse a world's policy with a half-life of some panes."""
    world, _ = told
    length = f"{round(world.pane * panes / MINUTE)}m"
    return parse_policy(world.text.replace("[window]", f'[window]\nhalf_life = "{length}"'))


def derived(state: CustomerState) -> Mapping[str, object]:
    """Give what is computed from the counts."""
    return {name: getattr(state, name) for name in ("pane", "score", "channel_points", "pane_points")}


@given(at_any_time(ties=True), st.sampled_from([0, 0.5, 1, 2.5]))
@settings(max_examples=150, deadline=None)
def test_points_are_always_those_that_the_counts_make(told: Told, half_life: float) -> None:
    policy = with_half_life(told, half_life)
    for _, state, _ in in_memory(policy, told[1], wall=True):
        if state.judged >= 0:
            fresh = copy.deepcopy(state)
            derive(policy, fresh)
            assert derived(state) == derived(fresh)


@given(at_any_time(ties=True))
@settings(max_examples=150, deadline=None)
def test_score_and_trend_are_exact_however_late_events_come(told: Told) -> None:
    world, steps = told
    policy, reference = parse_policy(world.text), brute_force.parse_policy(world.text)
    arrived: list[Happening] = []
    for step, state, _ in in_memory(policy, steps):
        arrived += step.batch
        now = state.judged
        events = brute_force.up_to(raw_events(arrived), now)
        if now < 0:
            assert not brute_force.up_to(events, step.now)
            continue
        points = brute_force.points_by_channel(events, reference, now)
        assert dict(zip([channel.name for channel in policy.channels], state.channel_points, strict=True)) == points
        assert trend(policy, state) == brute_force.trend_of(events, reference, now)
        assert (disengages_at(policy, state) or None) == brute_force.disengages_at(events, reference, now)
        assert sum(part.points for part in contributions(policy, state)) == state.score


@given(at_any_time(ties=True))
@settings(max_examples=100, deadline=None)
def test_every_event_is_taken_repeated_outdated_or_kept_aside(told: Told) -> None:
    world, steps = told
    waiting = 0
    for step, state, outcome in in_memory(parse_policy(world.with_long_memory), [*steps, *steps]):
        taken_before = waiting + outcome.ahead - len(state.ahead)
        assert outcome.taken == len(step.batch) - outcome.duplicates - outcome.outdated - outcome.ahead + taken_before
        assert outcome.late <= outcome.taken
        waiting = len(state.ahead)


def published(policy: Policy, state: CustomerState) -> tuple[object, ...]:
    """Give what an application reads of a customer, but for when it was written."""
    return state.band, text(state.score), text(trend(policy, state)), *map(text, state.channel_points)


def first_change(policy: Policy, state: CustomerState, world: World) -> int:
    """Find when the customer changes if nothing more comes, by trying every moment at which that could be; 0: never."""
    end = state.judged + policy.cooldown + 3 * policy.length + policy.trend
    grid = range(state.judged // (world.pane // 2) * (world.pane // 2), end, world.pane // 2)
    if policy.warn_before:
        grid = range(grid.start, end, world.pane // 8)
    moments = {
        *grid,
        state.last_warning + policy.cooldown,
        state.last_alert + policy.cooldown,
        *(time for time, *_ in state.ahead),
    }
    for moment in sorted(moment for moment in moments if moment > state.judged):
        later = copy.deepcopy(state)
        outcome = advance(policy, later, [], Moment(moment))
        if outcome.transitions or published(policy, later) != published(policy, state):
            return moment
    return 0


def assert_scheduled(policy: Policy, told: Told, begun: CustomerState | None = None) -> None:
    """Check after every step that the customer will be looked at in time."""
    world, steps = told
    for _, state, _ in in_memory(policy, steps, state=begun):
        if state.judged >= 0 and (change := first_change(policy, state, world)):
            assert state.judged < state.due <= change


@given(in_time())
@settings(max_examples=60, deadline=None)
def test_a_customer_is_scheduled_no_later_than_the_next_change(told: Told) -> None:
    assert_scheduled(parse_policy(told[0].text), told)


TREND_OF_TWO = World(
    """
[window]
length = "24m"
pane = "8m"
trend = "16m"
[channels.web]
weights = { view = 1 }
""",
    8 * MINUTE,
    3,
)


def view(pane: int) -> Happening:
    """Give an event in the middle of a pane."""
    return Happening(lives.START + (8 * pane + 4) * MINUTE, "web", "view", str(pane))


LATE_FOR_ALL_BUT_THE_TREND = [Step([view(4)], view(4).time), Step([view(0)], view(4).time + MINUTE)]
AHEAD_AND_THEN_PRESENT = [Step([view(4)], view(0).time - 1), Step([view(0)], view(0).time)]


@given(at_any_time())
@example((TREND_OF_TWO, LATE_FOR_ALL_BUT_THE_TREND))
@settings(max_examples=60, deadline=None)
def test_a_customer_is_scheduled_in_time_however_late_events_come(told: Told) -> None:
    assert_scheduled(parse_policy(told[0].text), told)


@given(in_time(), st.sampled_from([0.5, 1, 2.5]))
@example((TREND_OF_TWO, AHEAD_AND_THEN_PRESENT), 1)
@settings(max_examples=60, deadline=None)
def test_a_customer_whose_points_fade_is_scheduled_no_later_than_the_next_change(told: Told, panes: float) -> None:
    assert_scheduled(with_half_life(told, panes), told)


@given(at_any_time(ties=True))
@settings(max_examples=100, deadline=None)
def test_a_state_is_the_same_after_it_was_stored_and_loaded(told: Told) -> None:
    world, steps = told
    policy = parse_policy(world.with_long_memory)
    record, stored = CustomerRecord(), dict[str, str]()
    for _, state, _ in in_memory(policy, steps, wall=True):
        record.state = state
        words, removed = encode(policy, record, "v")
        stored = {**stored, **dict(zip(words[::2], words[1::2], strict=True))}
        stored = {name: value for name, value in stored.items() if name not in removed}
        again = decode(policy, stored).state
        assert dict(_compared(again)) == dict(_compared(state))
        settle_panes(state)
        state.seen.touched = frozenset()
        state.activity.touched.clear()
        record.extras = frozenset(("_q", "_h", "_n"))


def _compared(state: CustomerState) -> Iterator[tuple[str, object]]:
    left_out = {"touched_panes", "seen", "activity"}
    if state.judged < 0:
        left_out |= {"policy_version", "pane", "channel_points"}
    yield "seen", state.seen.chunks
    yield "activity", (state.activity.days, state.activity.changes, state.activity.band)
    for field in fields(state):
        if field.name not in left_out:
            yield field.name, getattr(state, field.name)


@st.composite
def under_two_policies(draw: st.DrawFn) -> tuple[World, list[Step], World, list[Step]]:
    """Draw a life that goes on under another policy with the same panes."""
    first = draw(lives.worlds(ties=True))
    second = draw(lives.worlds(ties=True, pane=first.pane))
    steps = draw(lives.in_any_order(first, draw(lives.lives(first))))
    cut = draw(st.integers(0, len(steps)))
    return first, steps[:cut], World(second.text.replace("drawn", "second"), second.pane, second.panes), steps[cut:]


@given(under_two_policies())
@settings(max_examples=100, deadline=None)
def test_a_change_of_policy_leaves_nothing_of_the_old_one(told: tuple[World, list[Step], World, list[Step]]) -> None:
    first, before, second, after = told
    policy, state = parse_policy(second.text), CustomerState()
    for _ in in_memory(parse_policy(first.text), before, state=state):
        pass
    for _ in in_memory(policy, after[:1], state=state):
        if state.judged >= 0:
            fresh = copy.deepcopy(state)
            derive(policy, fresh)
            assert derived(state) == derived(fresh)
            assert (state.band, state.policy_version) == (policy.band_of(state.score), "second")
    assert_scheduled(policy, (second, after[1:]), state)
