"""Whatever events of one object make of each other, in any order of arrival, is what the brute force makes of them."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.measuring import measured
from scoring.customer.state import derive, settle_panes
from scoring.instants import DAY, MINUTE, SECOND
from scoring.judging.score import trend
from scoring.policy.channels import type_code
from scoring.policy.policy import Policy
from scoring.rules.pairing import Action, Pairing, change_of, duration_codes
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory, raw_events
from tests.property.test_lives import assert_told_the_same
from tests.property.test_state import assert_scheduled
from tests.reference import brute_force

Told = tuple[World, list[Happening], list[Step]]
_RULES = (
    'retracts = { leave = ["view", "buy"] }',
    'gateway = { view = { after = "buy", within = "WITHIN", key = "object_id" } }',
    'durations = { answer = { from = "buy", to = ["view", "leave"], key = "object_id" } }',
)


@st.composite
def paired_worlds(draw: st.DrawFn, *, ties: bool = False) -> World:
    """Draw a policy that pairs events by their object in every way, or in some."""
    world = draw(lives.worlds(ties=ties))
    within = f"{min(world.pane * draw(st.integers(1, 12)) // 8, DAY) // SECOND}s"
    rules = draw(st.lists(st.sampled_from(_RULES), min_size=1, unique=True))
    web = "\n".join(["[channels.web]", *rules]).replace("WITHIN", within)
    text = world.text.replace("[channels.web]", web).replace("weights = { ", "weights = { gateway_view = 0.5, ", 1)
    return World(f'{text}\nretracts = {{ block = "post" }}', world.pane, world.panes)


@st.composite
def paired_lives(draw: st.DrawFn, world: World, *, unique: bool = False) -> list[Happening]:
    """Draw a life whose events are about two objects, or about nothing."""
    life = draw(lives.lives(world, unique=unique))
    return [happening._replace(object=draw(st.sampled_from(("a", "a", "b", "")))) for happening in life]


@st.composite
def in_order(draw: st.DrawFn) -> Told:
    """Draw a life and its batches in the order of time."""
    world = draw(paired_worlds(ties=True))
    life = draw(paired_lives(world))
    return world, life, draw(lives.in_order(world, life))


@st.composite
def redelivered(draw: st.DrawFn) -> Told:
    """Draw a life and its batches in any order, some of it again and again."""
    world = draw(paired_worlds())
    life = draw(paired_lives(world, unique=True))
    return world, life, draw(lives.redelivered(world, life))


@st.composite
def at_any_time(draw: st.DrawFn) -> Told:
    """Draw a life and steps at any time, however late the events come."""
    world = draw(paired_worlds(ties=True))
    life = draw(paired_lives(world))
    return world, life, draw(lives.at_any_time(world, life))


@given(in_order())
@settings(max_examples=200, deadline=None)
def test_any_batching_tells_the_same_life(told: Told) -> None:
    assert_told_the_same(told)


@given(redelivered())
@settings(max_examples=200, deadline=None)
def test_any_order_and_redelivery_tells_the_same_life(told: Told) -> None:
    assert_told_the_same(told)


def counts_of(events: Sequence[brute_force.Event], policy: brute_force.Policy) -> dict[int, dict[str, int]]:
    """Count by hand what each pane has to hold, under the codes of the product."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for event in brute_force.standing(list(events), policy):
        counts[event.time // policy.pane][type_code(event.channel, event.type)] += 1
    for (pane, channel, name), times in brute_force.durations_of(list(events), policy).items():
        count, total = duration_codes(channel, name)
        counts[pane] += Counter({count: len(times), total: sum(times)})
    return {pane: dict(inside) for pane, inside in counts.items()}


@given(at_any_time())
@settings(max_examples=300, deadline=None)
def test_every_pane_holds_what_the_events_make_however_late_they_come(told: Told) -> None:
    world, _, steps = told
    policy, reference = parse_policy(world.text), brute_force.parse_policy(world.text)
    arrived: list[Happening] = []
    for step, state, _ in in_memory(policy, steps):
        arrived += step.batch
        events = brute_force.up_to(raw_events(arrived), state.judged)
        if state.judged < 0:
            continue
        kept = range(state.pane - policy.kept_panes + 1, state.pane + 1)
        expected = {pane: counts for pane, counts in counts_of(events, reference).items() if pane in kept}
        assert state.panes == expected
        assert state.score == brute_force.score_of(events, reference, state.judged)
        assert trend(policy, state) == brute_force.trend_of(events, reference, state.judged)


@given(at_any_time())
@settings(max_examples=200, deadline=None)
def test_a_difference_is_that_of_the_events_whatever_takes_back_what(told: Told) -> None:
    world, _, steps = told
    kept = '[measures.kept]\nkind = "difference"\nof = ["web.buy"]\nless = ["web.leave"]\n'
    policy = parse_policy(f"{world.text}\n{kept}")
    arrived: list[Happening] = []
    for step, state, _ in in_memory(policy, steps):
        arrived += step.batch
        if state.judged < 0:
            continue
        inside = range(state.pane - policy.panes + 1, state.pane + 1)
        events = brute_force.up_to(raw_events(arrived), state.judged)
        happened = Counter(each.type for each in events if each.channel == "web" and each.time // policy.pane in inside)
        told_of = happened["buy"] or happened["leave"]
        assert measured(policy, state) == [str(happened["buy"] - happened["leave"]) if told_of else ""]


@given(at_any_time(), st.sampled_from([0, 0.5, 2.5]))
@settings(max_examples=150, deadline=None)
def test_points_and_schedule_follow_the_counts(told: Told, half_life: float) -> None:
    world, _, steps = told
    length = f"{round(world.pane * half_life / MINUTE)}m"
    policy = parse_policy(world.text.replace("[window]", f'[window]\nhalf_life = "{length}"'))
    for _, state, _ in in_memory(policy, steps, wall=True):
        if state.judged >= 0:
            fresh = copy.deepcopy(state)
            derive(policy, fresh)
            told_of = [(each.pane, each.score, each.channel_points, each.pane_points) for each in (state, fresh)]
            assert told_of[0] == told_of[1]
            assert state.band == policy.band_of(state.score)


@given(at_any_time())
@settings(max_examples=50, deadline=None)
def test_a_customer_is_scheduled_no_later_than_the_next_change(told: Told) -> None:
    world, _, steps = told
    assert_scheduled(parse_policy(world.text), (world, steps))


@given(at_any_time())
@settings(max_examples=100, deadline=None)
def test_the_histories_are_the_same_after_they_were_stored_and_loaded(told: Told) -> None:
    world, _, steps = told
    policy, record, stored = parse_policy(world.with_long_memory), CustomerRecord(), dict[str, str]()
    for _, state, _ in in_memory(policy, steps):
        record.state = state
        words, removed = encode(policy, record, "v")
        stored = {**stored, **dict(zip(words[::2], words[1::2], strict=True))}
        stored = {name: value for name, value in stored.items() if name not in removed}
        again = decode(policy, stored).state
        assert (again.objects.histories if again.objects else {}) == (state.objects.histories if state.objects else {})
        assert again.panes == state.panes
        settle_panes(state)
        if state.objects is not None:
            state.objects.touched.clear()


@given(redelivered())
@settings(max_examples=100, deadline=None)
def test_what_is_remembered_does_not_depend_on_the_order_of_arrival(told: Told) -> None:
    world, life, steps = told
    policy = parse_policy(world.with_long_memory)
    *_, (_, found, _) = in_memory(policy, steps)
    *_, (_, expected, _) = in_memory(policy, [Step(life, steps[-1].now)])
    assert (found.objects.histories if found.objects else {}) == (
        expected.objects.histories if expected.objects else {}
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[Policy, Pairing, list[Action]]:
    """Draw a history of an object, with amounts."""
    policy = parse_policy(draw(paired_worlds()).text)
    pairing = draw(st.sampled_from(list({pairing.key: pairing for pairing in policy.channels[0].pairings}.values())))
    amounts = st.sampled_from([(), (("$abc", 5),), (("$abc", -2), ("^def", 9))])
    actions = st.builds(
        Action, st.integers(0, 40).map(lambda tick: tick * policy.pane // 8), st.sampled_from(pairing.codes), amounts
    )
    return policy, pairing, draw(st.lists(actions, max_size=20))


@given(histories(), st.integers(0, 6), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_what_counts_in_a_pane_hangs_on_nothing_older_than_it_reaches(
    told: tuple[Policy, Pairing, list[Action]], pane: int, random: object
) -> None:
    policy, pairing, history = told
    young = [action for action in history if action.time >= pane * policy.pane - pairing.reach]
    random.shuffle(young)  # type: ignore[attr-defined]
    whole, rest = (pairing.contribution(actions, policy.pane) for actions in (history, young))
    assert {key: value for key, value in change_of(whole, rest).items() if key >= pane} == {}
