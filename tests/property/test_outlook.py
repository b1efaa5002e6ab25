"""Events that are taken together, as none can warn or alert, raise what they raise where each is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.instants import MINUTE
from scoring.judging.outlook import Outlook
from scoring.judging.steps import Steps
from streams.policy_file.document import parse_policy
from tests.property import levels, lives, test_half_life
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory

#: A policy, how a life comes, and whether it is judged by the wall clock, which takes what is ahead in its pane.
Drawn = tuple[str, Sequence[Step], bool]


_GRID = 8
_PANE = 8 * MINUTE


@st.composite
def worlds(draw: st.DrawFn, *, warned: bool) -> World:
    """Draw a policy under which a few events make a customer engaged, and a few take that back.

    Events may be taken back by others of their object, and carry numbers that bring points or take them.
    """
    panes = draw(st.integers(2, 4))
    lines = [
        f'[window]\nlength = "{8 * panes}m"\npane = "8m"\ntrend = "0m"',
        f"[bands]\nengaged = {draw(st.integers(3, 9))}\nhighly_engaged = 20\npower = 40",
        f"[alerts]\nrearm_margin = {draw(st.integers(0, 5))}",
        f'cooldown = "{draw(st.sampled_from([0, 6, 12, 24]))}m"',
        f'warn_before = "{draw(st.integers(1, 8 * panes - 1)) if warned else 0}m"',
        "[channels.web]",
        f"weights = {{ buy = {draw(st.integers(6, 9))}, view = {draw(st.integers(1, 4))}",
    ]
    lines[-1] += f", leave = {draw(st.sampled_from([-3, 0, 0, 1]))}, quit = 0 }}"
    if draw(st.booleans()):
        lines.append("cap = { view = 1 }")
    lower = draw(st.sampled_from(["objects", "objects", "numbers", "objects and numbers"]))
    if "objects" in lower:
        lines.append('retracts = { quit = ["buy", "view"] }')
    if "numbers" in lower:
        points, cap = draw(st.sampled_from([-1, 1])), draw(st.sampled_from(["", ", cap = 4"]))
        lines.append(f'points = {{ view = {{ property = "amount", points = {points}{cap} }} }}')
    return World("\n".join([*lines, ""]), _PANE, panes)


@st.composite
def told(draw: st.DrawFn, *, warned: bool) -> Drawn:
    """Draw a policy that warns some time before a drop, or does not, and a life in small batches, some of it late."""
    world = draw(worlds(warned=warned))
    ticks = sorted(draw(st.lists(st.integers(0, 3 * _GRID), min_size=6, max_size=14)))
    kinds = st.sampled_from(("buy", "buy", "buy", "view", "leave", "quit", "quit"))
    numbers = st.sampled_from(({}, {"amount": 3}, {"amount": -2}))
    life = [
        Happening(_at(tick), "web", draw(kinds), str(number), draw(st.sampled_from("aab ")), properties=draw(numbers))
        for number, tick in enumerate(ticks)
    ]
    arrivals = draw(st.one_of(st.just(life), st.permutations(life)))
    steps, now = list[Step](), lives.START
    while arrivals:
        size, wait = draw(st.integers(1, 4)), draw(st.sampled_from([0, 0, 1, _GRID]))
        now = max([now, *[each.time for each in arrivals[:size]]]) + _at(wait) - lives.START
        steps.append(Step(arrivals[:size], now))
        arrivals = arrivals[size:]
    half_life = draw(st.one_of(st.just(0), levels.half_lives(world)))
    text = test_half_life.with_half_life(world.with_long_memory, half_life)
    return text, [*steps, Step([], now + 4 * _PANE)], draw(st.booleans())


def _at(tick: int) -> int:
    return lives.START + tick * _PANE // _GRID


def raised(drawn: Drawn) -> list[str]:
    """Give what is raised, in its order, and where the customer stands at the end."""
    text, steps, wall = drawn
    found: list[str] = []
    for _, state, outcome in in_memory(parse_policy(text), steps, wall=wall):
        found += map(repr, outcome.transitions)
        found.append(f"{state.armed}, {state.warned}, {state.last_warning}, {state.held}, {state.due}")
    return found


def never(owner: type, name: str) -> AbstractContextManager[object]:
    """Let a shortcut never be taken."""
    return mock.patch.object(owner, name, return_value=False)


WARNED = """
[window]
length = "24m"
pane = "8m"
trend = "0m"
[bands]
engaged = 10
highly_engaged = 30
power = 40
[alerts]
rearm_margin = 5
cooldown = "0s"
warn_before = "10m"
[channels.web]
weights = { buy = 12, leave = -3, view = 3, post = 5, quit = 0, rate = 1 }
retracts = { quit = "buy" }
"""


def happens(minute: int, kind: str, amount: int = 0) -> Happening:
    """Give an event of one object, with a number."""
    return Happening(lives.START + minute * MINUTE, "web", kind, str(minute), "a", properties={"amount": amount})


#: Who has bought, left and viewed has 12 points, leaves `engaged` after 24 minutes, and has an open alert below 15.
LATE = [
    Step([happens(0, "buy"), happens(1, "leave"), happens(2, "view")], lives.START + 20 * MINUTE),
    Step([happens(5, "post")], lives.START + 21 * MINUTE),
]
#: After two panes with 12 points each the drop is 32 minutes off, and 24 if the second one is taken back.
BOUGHT = Step([happens(0, "buy"), happens(9, "buy")], lives.START + 10 * MINUTE)
TAKEN_BACK = [BOUGHT, Step([happens(15, "quit")], lives.START + 16 * MINUTE)]
RATED = [BOUGHT, Step([happens(15, "rate", -8)], lives.START + 16 * MINUTE)]
POINTS = 'points = { rate = { property = "amount", points = 1 } }\n'


@given(told(warned=True))
@example((WARNED, LATE, False))
@example((WARNED, TAKEN_BACK, False))
@example((WARNED + POINTS, RATED, False))
@settings(max_examples=200, deadline=None)
def test_events_that_cannot_warn_are_taken_together(drawn: Drawn) -> None:
    together = raised(drawn)
    with never(Outlook, "quiet"):
        assert raised(drawn) == together


@given(told(warned=False))
@settings(max_examples=200, deadline=None)
def test_steps_that_give_the_alert_machine_nothing_to_do_are_not_judged(drawn: Drawn) -> None:
    together = raised(drawn)
    with never(Steps, "_all_the_same"):
        assert raised(drawn) == together
