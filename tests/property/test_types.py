"""Whatever properties make of events, types and points alike, is what the brute force makes of them, in any order."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.state import derive
from scoring.instants import MINUTE
from scoring.judging.explanation import change, explained_from
from scoring.judging.score import contributions, trend
from scoring.policy.change import fixed_differences
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory, raw_events
from tests.property.test_lives import assert_told_the_same
from tests.property.test_policy_changes import OF_THE_COUNTS, live
from tests.property.test_state import assert_scheduled
from tests.reference import brute_force

Told = tuple[World, list[Happening], list[Step]]

_RULES = (
    'type = "buy"\nas = "big"\nwhen = { "properties.amount" = { at_least = 5 } }',
    """type = ["buy", "view"]
as = "liked"
when = { "properties.stars" = [4, 5] }
unless = { "properties.amount" = 3 }""",
    'type = "view"\nas = "big"\nwhen = { "properties.link.url" = { starts_with = "https://docs" } }',
    'type = ["view", "leave"]\nas = "quiet"\nwhen = { "properties.tags" = { contains = "new" } }',
    'type = "liked"\nas = "quiet"\nwhen = { "properties.stars" = { present = true } }',
    'type = "buy"\nas = "leave"\nwhen = { "properties.amount" = { at_most = -1 } }',
)
_amounts = st.one_of(
    st.integers(-4, 12),
    st.floats(-20, 20, allow_nan=False),
    st.sampled_from([0.1, 3.5, 10**12, 10**13, 0.0000005, "5", True, None]),
)
_properties = st.fixed_dictionaries(
    {},
    optional={
        "amount": _amounts,
        "stars": st.sampled_from([1, 4, 5, "5", None]),
        "link": st.sampled_from([{"url": "https://docs.example.net"}, {"url": "https://shop"}, {}, "https://docs"]),
        "tags": st.sampled_from([["new"], ["old", "new"], [], "renewed", "old"]),
    },
)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Draw which properties make other types of events, and points for the numbers that they tell."""
    chosen = draw(st.lists(st.sampled_from(_RULES), max_size=4, unique=True))
    text = "".join(f"\n[[channels.web.types]]\n{rule}" for rule in chosen) + "\n[channels.web.points]\n"
    for kind, least, most in (("buy", 0, 4), ("big", 1, 4), ("leave", -3, -1)):
        points, per = draw(st.integers(least, most)), draw(st.sampled_from(["1", "3", "10", "0.7"]))
        cap = draw(st.sampled_from(["", "", ", cap = 4", ", cap = 7.25"]))
        text += f'{kind} = {{ property = "amount", points = {points}, per = {per}{cap} }}\n'
    return text


@st.composite
def worlds(draw: st.DrawFn, *, retracts: bool = True) -> World:
    """Draw a policy with rules by property, and often with a type that takes others back."""
    world = draw(lives.worlds())
    weights = f"weights = {{ big = {draw(st.integers(-2, 9))}, liked = {draw(st.integers(0, 4))}, quiet = 0, "
    text = world.text.replace("weights = { ", weights, 1)
    if retracts and draw(st.booleans()):
        text = text.replace("[channels.web]", '[channels.web]\nretracts = { leave = ["view", "buy", "big"] }')
    return replace(world, text=text + draw(rules()))


@st.composite
def lives_with_properties(draw: st.DrawFn, world: World) -> list[Happening]:
    """Draw a life whose events have properties, and are about two objects or about nothing."""
    return [
        each._replace(properties=draw(_properties), object=draw(st.sampled_from(("a", "a", "b", ""))))
        for each in draw(lives.lives(world, unique=True))
    ]


@st.composite
def in_order(draw: st.DrawFn) -> Told:
    """Draw a life and its batches in the order of time."""
    world = draw(worlds())
    life = draw(lives_with_properties(world))
    return world, life, draw(lives.in_order(world, life))


@st.composite
def redelivered(draw: st.DrawFn) -> Told:
    """Draw a life and its batches in any order, some of it again and again."""
    world = draw(worlds())
    life = draw(lives_with_properties(world))
    return world, life, draw(lives.redelivered(world, life))


@st.composite
def at_any_time(draw: st.DrawFn) -> Told:
    """Draw a life and steps at any time, however late the events come."""
    world = draw(worlds())
    life = draw(lives_with_properties(world))
    return world, life, draw(lives.at_any_time(world, life))


@given(in_order())
@settings(max_examples=120, deadline=None)
def test_any_batching_tells_the_same_life(told: Told) -> None:
    assert_told_the_same(told)


@given(redelivered())
@settings(max_examples=120, deadline=None)
def test_any_order_and_redelivery_tells_the_same_life(told: Told) -> None:
    assert_told_the_same(told)


@given(at_any_time(), st.sampled_from([0, 0, 0.5, 2.5]))
@settings(max_examples=120, deadline=None)
def test_score_and_trend_are_those_of_the_events_however_late_they_come(told: Told, half_life: float) -> None:
    world, _, steps = told
    length = f"{round(world.pane * half_life / MINUTE)}m"
    policy = parse_policy(world.text.replace("[window]", f'[window]\nhalf_life = "{length}"'))
    reference = brute_force.parse_policy(world.text)
    arrived: list[Happening] = []
    for step, state, _ in in_memory(policy, steps):
        arrived += step.batch
        if state.judged < 0:
            continue
        fresh = copy.deepcopy(state)
        derive(policy, fresh)
        assert (fresh.score, fresh.channel_points) == (state.score, state.channel_points)
        since = max(explained_from(policy, state), state.judged - policy.length)
        parts = change(policy, state, state.judged, since)
        assert sum(part.points for part in contributions(policy, state)) == state.score
        if not half_life:
            events = [brute_force.counting_as(each, reference) for each in raw_events(arrived)]
            events = brute_force.up_to(events, state.judged)
            assert state.score == brute_force.score_of(events, reference, state.judged)
            assert trend(policy, state) == brute_force.trend_of(events, reference, state.judged)
            assert sum(part.points for part in parts) == state.score - brute_force.score_of(events, reference, since)


@given(at_any_time())
@settings(max_examples=50, deadline=None)
def test_a_customer_is_scheduled_no_later_than_the_next_change(told: Told) -> None:
    world, _, steps = told
    assert_scheduled(parse_policy(world.text), (world, steps))


@st.composite
def changing(draw: st.DrawFn) -> tuple[list[World], list[Happening], list[Step], list[int]]:
    """Draw policies that differ in what they make of properties, and for each step the policy in force."""
    first = draw(worlds(retracts=False))
    head = first.text.partition("\n[[channels.web.types]]")[0].partition("\n[channels.web.points]")[0]
    texts = [
        head.replace('"drawn"', f'"drawn-{number}"') + draw(rules()) for number in range(1, draw(st.integers(2, 4)))
    ]
    all_worlds = [first, *(replace(first, text=text) for text in texts)]
    life = draw(lives_with_properties(first))
    steps = draw(lives.in_any_order(first, life))
    changes = sorted(draw(st.integers(0, len(steps) - 1)) for _ in texts)
    return all_worlds, life, steps, [sum(change <= index for change in changes) for index in range(len(steps))]


@given(changing())
@settings(max_examples=100, deadline=None)
def test_rules_hold_for_what_comes_and_points_for_all_that_was_counted(
    told: tuple[list[World], list[Happening], list[Step], list[int]],
) -> None:
    all_worlds, _, steps, in_force = told
    policies = [parse_policy(world.text) for world in all_worlds]
    assert not any(fixed_differences(policies[0], policies[0], policy) for policy in policies)

    found = asyncio.run(live(all_worlds, steps, in_force))
    references = [brute_force.parse_policy(world.text) for world in all_worlds]
    events = [
        brute_force.counting_as(event, references[number])
        for step, number in zip(steps, in_force, strict=True)
        for event in raw_events(step.batch)
    ]
    last = references[in_force[-1]]
    expected = _told(brute_force.evaluate("anna", sorted(events, key=brute_force.event_time), last, steps[-1].now))
    for name in OF_THE_COUNTS:
        if name in expected:
            assert type(expected[name])(found[name]) == expected[name], name


def _told(customer: brute_force.Customer | None) -> dict[str, Any]:
    if customer is None:
        return {}
    return {
        "score": float(customer.score),
        "trend": float(customer.trend),
        "band": customer.band,
        "disengages_at": customer.disengages_at,
        **{name: float(points) for name, points in customer.points.items()},
    }


def test_the_reading_of_properties_can_tell_rules_apart() -> None:
    """Each rule takes some drawn event, so that none of the above passes because no rule ever did."""
    head = "[channels.web]\nweights = { view = 0, buy = 0, leave = 0, big = 0, liked = 0, quiet = 0 }\n"
    samples: Sequence[tuple[str, dict[str, Any], str]] = (
        ("buy", {"amount": 5}, "big"),
        ("view", {"stars": 4}, "liked"),
        ("view", {"link": {"url": "https://docs.example.net"}}, "big"),
        ("leave", {"tags": "renewed"}, "quiet"),
        ("liked", {"stars": 1}, "quiet"),
        ("buy", {"amount": -1.5}, "leave"),
    )
    for rule, (kind, properties, expected) in zip(_RULES, samples, strict=True):
        world = World(f"{head}[[channels.web.types]]\n{rule}\n", 0, 0)
        policy = parse_policy(world.text)
        [(_, state, _)] = in_memory(
            policy, [Step([Happening(lives.START, "web", kind, "1", properties=properties)], lives.START)]
        )
        assert {policy.types[code].name for counts in state.panes.values() for code in counts} == {expected}
