"""Whatever policies a customer has lived under, in the end the score is that of the last one, and no change alerts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.judging.alerts import BandChange, Transition
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.change import fixed_differences
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import CUSTOMER, Reader, by_brute_force

#: What the brute force tells of a customer without regard to what was before.
OF_THE_COUNTS = ("score", "trend", "band", "disengages_at", "last_event_at", "web", "social")

Told = tuple[list[World], list[Happening], list[Step], list[int]]


@st.composite
def changing(draw: st.DrawFn) -> Told:
    """Draw policies of the same window, a life and its batches, and for each step the policy in force."""
    first = draw(lives.worlds())
    window = first.text[: first.text.index("[bands]")]
    warning = next(line for line in first.text.splitlines() if line.startswith("warn_before"))
    worlds = [first]
    for number in range(draw(st.integers(1, 3))):
        other = draw(lives.worlds(pane=first.pane)).text
        text = window.replace('"drawn"', f'"drawn-{number}"') + other[other.index("[bands]") :]
        # No drop is foreseen for longer than the window, which is that of the first.
        text = re.sub(r"warn_before = .*", lambda own: min(own[0], warning, key=_seconds), text)
        worlds.append(World(text, first.pane, first.panes))
    life = draw(lives.lives(first, unique=True))
    steps = draw(lives.in_any_order(first, life))
    changes = sorted(draw(st.integers(0, len(steps) - 1)) for _ in worlds[1:])
    return worlds, life, steps, [sum(change <= index for change in changes) for index in range(len(steps))]


def _seconds(line: str) -> int:
    return int(line.partition('"')[2].rstrip('s"'))


async def live(worlds: Sequence[World], steps: Sequence[Step], in_force: Sequence[int]) -> dict[str, str]:
    """Live through the steps, stored in between; before each step the customer follows the policy in force."""
    policies = [parse_policy(world.with_long_memory) for world in worlds]
    store, before = MemoryStore(policies[0]), 0
    for step, number in zip(steps, in_force, strict=True):
        policy = policies[number]
        store.follow(policy, "")
        [record] = await store.load([CUSTOMER])
        if number != before and record.state.judged >= 0:
            follows = advance(policy, record.state, (), Moment(record.state.judged))
            assert_only_the_policy(follows.transitions)
            assert record.state.policy_version == policy.version
            await store.apply([GroupWrite(0, customers={CUSTOMER: record})], step.now)
        before = number
        advance(policy, record.state, Reader(policy).read(step.batch), Moment(step.now))
        await store.apply([GroupWrite(0, customers={CUSTOMER: record})], step.now)
    stored = await store.read(CUSTOMER)
    return dict(stored.fields) if stored else {}


def assert_only_the_policy(transitions: Sequence[Transition]) -> None:
    """See that a customer who follows has at most a band change, marked as the policy's."""
    assert len(transitions) <= 1
    assert all(isinstance(change, BandChange) and change.cause == "policy" for change in transitions)


@given(changing())
@settings(max_examples=200, deadline=None)
def test_every_score_is_that_of_the_brute_force_under_the_last_policy(told: Told) -> None:
    worlds, life, steps, in_force = told
    assert not any(fixed_differences(*_parsed(worlds[0], worlds[0], world)) for world in worlds)

    found = asyncio.run(live(worlds, steps, in_force))
    expected: dict[str, Any] = by_brute_force(worlds[in_force[-1]], life, steps[-1].now).fields
    for name in OF_THE_COUNTS:
        if name in expected:
            assert type(expected[name])(found[name]) == expected[name], name


def _parsed(*worlds: World) -> tuple[Policy, Policy, Policy]:
    first, second, third = (parse_policy(world.text) for world in worlds)
    return first, second, third
