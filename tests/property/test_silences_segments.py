"""Silent feeds beside segments: who changes segment meanwhile is held and told by the rules of the segment."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property import lives, test_half_life, test_segments, test_signals_silences, test_silences
from tests.property.lives import World
from tests.property.test_silences import Story, watched

_GRID = 8


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw segments with bands, weights, cooldowns and early warnings of their own, and a life through them."""
    drawn = draw(test_segments.worlds())
    least = drawn.pane // 1_000_000 // _GRID

    def alerts(found: re.Match[str]) -> str:
        cooldown = draw(st.sampled_from([0, 3, 40])) * least + 7
        warning = draw(st.integers(0, _GRID * drawn.panes - 1)) * least
        return f'{found[0]}\ncooldown = "{cooldown}s"\nwarn_before = "{warning}s"'

    world = World(re.sub(r"\[segments\.\w+\.alerts\]", alerts, drawn.text), drawn.pane, drawn.panes)
    life = [
        happening._replace(segment=draw(st.sampled_from(("", "", "", "small", "large", "other"))))
        for happening in draw(lives.lives(world, unique=True))
    ]
    return draw(watched(world, life))


@given(stories(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_drop_waits_by_the_rules_of_the_segment_that_the_customer_is_in(story: Story, data: st.DataObject) -> None:
    test_silences.assert_told_the_same(data.draw, story)


@given(stories(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_signal_waits_by_the_rules_of_the_segment_that_the_customer_is_in(story: Story, data: st.DataObject) -> None:
    test_signals_silences.assert_told_the_same(data.draw, story, story.text)


@given(stories(), st.data())
@settings(max_examples=150, deadline=None)
def test_points_that_fade_wait_by_the_rules_of_the_segment(story: Story, data: st.DataObject) -> None:
    half_life = data.draw(test_half_life.half_lives(story.world))
    text = test_half_life.with_half_life(story.text, half_life)
    test_silences.assert_told_the_same(data.draw, replace(story, text=text), test_half_life.fading(half_life))
    test_signals_silences.assert_told_the_same(data.draw, story, text, test_half_life.fading(half_life))
