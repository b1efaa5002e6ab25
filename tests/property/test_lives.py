"""However a life arrives, the product tells it as the brute force does: to the last digit, with every alert."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.instants import MINUTE
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import by_brute_force, by_steps

Told = tuple[World, list[Happening], list[Step]]


@st.composite
def in_order(draw: st.DrawFn, *, ties: bool = False, strange: bool = False) -> Told:
    """Draw a world, a life, and its batches in the order of time; things may happen at once."""
    world = draw(lives.worlds(ties=ties, strange=strange))
    life = draw(lives.lives(world))
    return world, life, draw(lives.in_order(world, life))


@st.composite
def in_any_order(draw: st.DrawFn, *, unique: bool = True) -> Told:
    """Draw a world, a life, and its batches in any order."""
    world = draw(lives.worlds())
    life = draw(lives.lives(world, unique=unique))
    return world, life, draw(lives.in_any_order(world, life))


@st.composite
def redelivered(draw: st.DrawFn) -> Told:
    """Draw a world, a life, and its batches in any order, some of it again and again."""
    world = draw(lives.worlds())
    life = draw(lives.lives(world, unique=True))
    return world, life, draw(lives.redelivered(world, life))


def assert_told_the_same(told: Told) -> None:
    """Compare what the brute force and the product say of a life."""
    world, life, steps = told
    expected, found = by_brute_force(world, life, steps[-1].now), by_steps(world, steps)

    assert found.fields == expected.fields
    assert found.changes == expected.changes
    assert found.alerts == expected.alerts


@given(in_order())
@settings(max_examples=200, deadline=None)
def test_any_batching_and_any_evaluation_in_between_tell_the_same_life(told: Told) -> None:
    assert_told_the_same(told)


@given(in_any_order())
@settings(max_examples=200, deadline=None)
def test_any_order_of_arrival_tells_the_same_life(told: Told) -> None:
    assert_told_the_same(told)


@given(redelivered())
@settings(max_examples=150, deadline=None)
def test_any_redelivery_tells_the_same_life(told: Told) -> None:
    assert_told_the_same(told)


FLAPPING = World(
    """
version = "by-hand"
[window]
length = "24m"
pane = "8m"
trend = "8m"
[bands]
disengaged = 0
engaged = 10
highly_engaged = 20
power = 30
[alerts]
rearm_margin = 0
cooldown = "240s"
[clock]
lateness = "0s"
[channels.web]
topic = "web"
weights = { view = 0, buy = 10, leave = -1 }
cap = { }
[channels.social]
topic = "social"
weights = { post = 1, block = 0 }
cap = { }
""",
    8 * MINUTE,
    3,
)
"""Up to engaged by a `buy`, out of it by a `leave`, back by a `post`."""


def happenings(*kinds: str) -> list[Happening]:
    """Give a life with something in every minute."""
    return [
        Happening(lives.START + minute * MINUTE, "social" if kind == "post" else "web", kind, str(minute))
        for minute, kind in enumerate(kinds)
    ]


HELD_DROP = happenings("buy", "leave", "post", "leave", "view", "post")


@given(in_order(ties=True))
@example((FLAPPING, HELD_DROP, [Step(HELD_DROP, lives.START + 8 * MINUTE)]))
@settings(max_examples=100, deadline=None)
def test_the_end_of_a_cooldown_may_be_the_time_of_an_event(told: Told) -> None:
    assert_told_the_same(told)


STARTING_AT_RISK = World(FLAPPING.text.replace("disengaged = 0", "disengaged = 2"), 8 * MINUTE, 3)
RISING = happenings("post", "post")


@given(in_order(strange=True))
@example((STARTING_AT_RISK, RISING, [Step(RISING, lives.START + 8 * MINUTE)]))
@settings(max_examples=100, deadline=None)
def test_a_stranger_need_not_be_in_the_band_of_nothing(told: Told) -> None:
    assert_told_the_same(told)


AHEAD = [happening._replace(time=lives.START + MINUTE) for happening in happenings("buy", "leave")]


@given(in_any_order(unique=False))
@example((FLAPPING, AHEAD, [Step(AHEAD[:1], lives.START), Step(AHEAD[1:], lives.START + 8 * MINUTE)]))
@settings(max_examples=100, deadline=None)
def test_events_of_one_time_are_told_in_the_order_of_arrival(told: Told) -> None:
    world, _, steps = told
    assert_told_the_same((world, [happening for step in steps for happening in step.batch], steps))


SPLIT = [happening._replace(time=lives.START) for happening in happenings("buy", "buy", "buy", "leave")]


@given(in_order())
@example((FLAPPING, SPLIT, [Step(SPLIT[:2], lives.START), Step(SPLIT[2:], lives.START)]))
@settings(max_examples=100, deadline=None)
def test_events_of_one_time_may_come_in_several_batches(told: Told) -> None:
    assert_told_the_same(told)
