"""Quiet hours beside silent feeds: they hold what the feeds let go, and drop only what has ended before they do."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.instants import DAY
from streams.policy_file.document import parse_policy
from tests.property.lives import Step
from tests.property.test_linking_quiet import Told, held_back
from tests.property.test_signals import rules
from tests.property.test_silences import Draw, Story, lived, stories


def raised(draw: Draw, story: Story, text: str) -> list[Told]:
    """Give the signals that the product raises."""
    found = []
    for state, transitions in lived(draw, story, parse_policy(text)):
        for each in transitions:
            if isinstance(each, Signal):
                closes = tuple(sorted([report.occurred_at for report in each.earlier])) if each.ended else ()
                found.append(Told(each.name, each.about, each.occurred_at, each.ended, closes))
        standings = state.signals.standings.values() if state.signals is not None else ()
        if any(each.held and any(wait.held for wait in each.waits) for each in standings):
            event("quiet hours and a feed hold one signal")
        if any(wait.held for each in standings for wait in each.waits):
            event("a feed holds a signal")
    return sorted(found)


@given(stories(in_any_order=True), st.data())
@settings(max_examples=150, deadline=None)
def test_quiet_hours_hold_what_silent_feeds_have_let_go(story: Story, data: st.DataObject) -> None:
    # All quiet hours are over in the end.
    story = replace(story, steps=[*story.steps, Step([], story.steps[-1].now + 2 * DAY)])
    text = f'{story.text}\n[events]\nremember_ids = "10000d"\n{data.draw(rules(story.world))}'
    start = data.draw(st.integers(0, 23))
    hours = (start, (start + data.draw(st.integers(1, 23))) % 24)
    quiet = re.sub(r"(\[signals\.\w+\])", r'\1\nquiet = "{:02}:00-{:02}:00"'.format(*hours), text)
    expected = sorted(held_back(raised(data.draw, story, text), hours))
    assert raised(data.draw, story, quiet) == expected
