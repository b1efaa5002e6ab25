"""Events that are taken together, as none can warn or alert, raise what they raise where each is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.instants import MINUTE
from scoring.judging.outlook import Outlook
from scoring.judging.steps import Steps
from streams.policy_file.document import parse_policy
from tests.property import levels, lives, test_types
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory

#: A policy, how a life comes, and whether it is judged by the wall clock, which takes what is ahead in its pane.
Drawn = tuple[str, Sequence[Step], bool]


@st.composite
def told(draw: st.DrawFn, worlds: Callable[[], st.SearchStrategy[World]]) -> Drawn:
    """Draw a policy that warns some time before a drop, and a life that comes in any batches, however late."""
    world = draw(worlds().filter(lambda world: 'warn_before = "0s"' not in world.text))
    life = draw(levels.life_under(world, unique=draw(st.booleans())))
    coming = draw(st.sampled_from([lives.in_order, lives.in_any_order, lives.at_any_time, lives.at_any_time]))
    text = levels.with_half_life(world.with_long_memory, draw(levels.half_lives(world)))
    return text, draw(coming(world, life)), draw(st.booleans())


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
weights = { buy = 12, leave = -3, view = 3, post = 5 }
"""
"""Who has bought, left and viewed has 12 points, leaves `engaged` after 24 minutes, and has an open alert below 15."""
POST = Happening(lives.START + 5 * MINUTE, "web", "post", "post")
LIVED = [
    Happening(lives.START + minute * MINUTE, "web", kind, kind) for minute, kind in enumerate(("buy", "leave", "view"))
]
LATE = [Step(LIVED, lives.START + 20 * MINUTE), Step([POST], lives.START + 21 * MINUTE)]

LIVES = st.one_of(told(lives.worlds), told(test_types.worlds), told(levels.worlds))


@given(LIVES)
@example((WARNED, LATE, False))
@settings(max_examples=200, deadline=None)
def test_events_that_cannot_warn_are_taken_together(drawn: Drawn) -> None:
    together = raised(drawn)
    with never(Outlook, "quiet"):
        assert raised(drawn) == together


@given(LIVES)
@settings(max_examples=200, deadline=None)
def test_steps_that_give_the_alert_machine_nothing_to_do_are_not_judged(drawn: Drawn) -> None:
    together = raised(drawn)
    with never(Steps, "_all_the_same"):
        assert raised(drawn) == together
