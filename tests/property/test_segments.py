"""Segments with rules of their own: told by events they hold from their event on, however a life arrives."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.events.event import Event
from scoring.instants import MINUTE
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.details import PROFILE, Detail
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import CUSTOMER, Reader, by_brute_force, by_steps
from tests.property.test_lives import FLAPPING, happenings

_NAMES = ("small", "large", "unnamed; with, signs")
Told = tuple[World, list[Happening], list[Step]]
Profile = tuple[int, str]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a policy in which two segments have other weights, caps, bands and margins."""
    world = draw(lives.worlds())
    text = world.text
    for name in _NAMES[:2]:
        engaged = draw(st.integers(1, 12))
        weights = {kind: draw(st.integers(0, 9)) for kind in ("view", "buy") if draw(st.booleans())}
        caps = {kind: draw(st.integers(1, 3)) for kind in ("view", "leave") if draw(st.booleans())}
        text += f"""
[segments.{name}.bands]
disengaged = {draw(st.sampled_from([-9, 0]))}
engaged = {engaged}
highly_engaged = {engaged + draw(st.integers(1, 9))}
power = 90
[segments.{name}.alerts]
rearm_margin = {draw(st.integers(0, 4))}
[segments.{name}.channels.web]
weights = {_inline(weights)}
cap = {_inline(caps)}"""
    return World(f"{text}\n", world.pane, world.panes)


def _inline(table: dict[str, int]) -> str:
    return "{ " + ", ".join(f"{name} = {value}" for name, value in table.items()) + " }"


@st.composite
def segmented(draw: st.DrawFn, *, again: bool = False) -> Told:
    """Draw a world, a life some of whose happenings tell a segment, and its batches in any order."""
    world = draw(worlds())
    life = [
        happening._replace(segment=draw(st.sampled_from(("", "", "", *_NAMES))))
        for happening in draw(lives.lives(world, unique=True))
    ]
    return world, life, draw((lives.redelivered if again else lives.in_any_order)(world, life))


def assert_told_the_same(told: Told) -> None:
    """Compare what the brute force and the product say of a life."""
    world, life, steps = told
    expected, found = by_brute_force(world, life, steps[-1].now), by_steps(world, steps)

    assert found.fields == expected.fields
    assert found.changes == expected.changes
    assert found.alerts == expected.alerts


SEGMENTED = World(FLAPPING.text + "[segments.large.bands]\nengaged = 15\n", 8 * MINUTE, 3)
MOVED = happenings("buy", "view", "post", "post")
MOVED[1] = MOVED[1]._replace(segment="large")


@given(segmented())
@example((SEGMENTED, MOVED, [Step(MOVED[::-1], lives.START + 8 * MINUTE)]))
@settings(max_examples=250, deadline=None)
def test_any_order_of_arrival_tells_the_same_life_through_all_segments(told: Told) -> None:
    assert_told_the_same(told)


@given(segmented(again=True))
@settings(max_examples=100, deadline=None)
def test_any_redelivery_tells_the_same_life_through_all_segments(told: Told) -> None:
    assert_told_the_same(told)


@given(st.data(), segmented())
@settings(max_examples=150, deadline=None)
def test_profiles_leave_the_newest_segment_whatever_comes_when(data: st.DataObject, told: Told) -> None:
    world, life, steps = told
    moments = st.integers(lives.START, steps[-1].now)
    profiles = data.draw(st.lists(st.tuples(moments, st.sampled_from(("", *_NAMES))), max_size=6))
    arrivals = data.draw(st.permutations(profiles + profiles[:2]))
    parts = [arrivals[index :: len(steps)] for index in range(len(steps))]

    fields = asyncio.run(_with_profiles(world, steps, parts))

    named = [(each.time, each.segment) for each in life if each.segment]
    at, segment = max([*named, *profiles], default=(0, ""))
    if at:
        assert (fields.get("segment", ""), fields["_g"]) == (segment, str(at))
    # Whoever has been in this segment all along has the same score now, and nobody else says so.
    always = [happening._replace(segment=segment) for happening in life]
    expected = by_brute_force(world, always, steps[-1].now).fields
    for name in ("score", "trend", "web", "social"):
        assert Decimal(fields[name]) == expected[name], name
    for name in ("band", "disengages_at", "last_event_at"):
        assert fields[name] == expected[name], name


async def _with_profiles(world: World, steps: list[Step], parts: list[list[Profile]]) -> dict[str, str]:
    policy = parse_policy(world.with_long_memory)
    store, reader = MemoryStore(policy), Reader(policy)
    for (batch, now), part in zip(steps, parts, strict=True):
        told = [Event(at, PROFILE, "", Detail((), "", segment)) for at, segment in part]
        [record] = await store.load([CUSTOMER])
        advance(policy, record.state, [*told, *reader.read(batch)], Moment(now))
        await store.apply([GroupWrite(0, customers={CUSTOMER: record})], now)
    return dict(store.hashes[CUSTOMER])
