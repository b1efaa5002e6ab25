"""However events and what is known of the feeds arrive, signals wait for silent feeds as the definition says."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.judging.alerts import BandChange
from scoring.policy.shadow import SHADOW, with_shadow
from streams.policy_file.document import parse_policy
from tests.property import test_half_life
from tests.property.references import raw_events
from tests.property.test_signals import rules
from tests.property.test_silences import Draw, Story, lived, stories
from tests.reference import brute_force
from tests.reference.signals import Score, Told, signals


def by_product(draw: Draw, story: Story, text: str) -> list[Told]:
    """Give the signals that the product raises."""
    found: list[Told] = []
    for state, transitions in lived(draw, story, parse_policy(text)):
        for each in transitions:
            if isinstance(each, Signal):
                closes = tuple([report.occurred_at for report in each.earlier]) if each.ended else ()
                found.append(Told(each.name, each.occurred_at, each.ended, closes))
        if state.signals is not None:
            waits = [wait for standing in state.signals.standings.values() for wait in standing.waits]
            if any(wait.held for wait in waits):
                event("a feed holds a signal")
            assert not waits or state.judged < state.due
    return sorted(found)


def assert_told_the_same(draw: Draw, story: Story, text: str, score_of: Score = brute_force.score_of) -> None:
    """Compare the definition and the product."""
    life = [happening for step in story.steps for happening in step.batch]
    policy = brute_force.parse_policy(story.world.text)
    text = f'{text}\n[events]\nremember_ids = "10000d"\n{draw(rules(story.world))}'
    expected = signals(raw_events(life), text, policy, story.steps[-1].now, score_of=score_of, feeds=story.feeds)
    assert by_product(draw, story, text) == expected


@given(stories(in_any_order=True), st.data())
@settings(max_examples=200, deadline=None)
def test_a_signal_that_a_silent_feed_may_have_brought_on_waits_for_it(story: Story, data: st.DataObject) -> None:
    assert_told_the_same(data.draw, story, story.text)


@given(stories(in_any_order=True), st.data())
@settings(max_examples=200, deadline=None)
def test_signals_wait_for_silent_feeds_where_points_fade_as_well(story: Story, data: st.DataObject) -> None:
    half_life = data.draw(test_half_life.half_lives(story.world))
    text = test_half_life.with_half_life(story.text, half_life)
    assert_told_the_same(data.draw, story, text, test_half_life.fading(half_life))


@given(stories(in_any_order=True), st.data())
@settings(max_examples=100, deadline=None)
def test_a_shadow_and_a_named_score_like_the_policy_in_force_wait_as_it_does(story: Story, data: st.DataObject) -> None:
    text = f'{story.text}\n[events]\nremember_ids = "10000d"\n{data.draw(rules(story.world))}'
    twin = parse_policy(f"{text}\n[scores.twin]\nalerts = true\n{weights_of_twin(story.world.text)}")
    both = with_shadow(twin, parse_policy(text.replace('"drawn"', '"tried"')))
    raised = [each for _, transitions in lived(data.draw, story, both) for each in transitions]
    told: dict[str, list[str]] = {"": [], "twin": [], SHADOW: []}
    for each in raised:
        if not isinstance(each, BandChange):
            told[each.score_name].append(repr(replace(each, score_name="")))
    told = {name: sorted(some) for name, some in told.items()}
    assert told[SHADOW] == told[""]
    assert told["twin"] == [each for each in told[""] if each.startswith("Alert")]


def weights_of_twin(text: str) -> str:
    """Write the weights and caps of a policy as those of a named score."""
    _, dot, channels = text.partition("[channels.")
    lines = [line for line in f"{dot}{channels}".splitlines() if line.startswith(("[", "weights", "cap"))]
    return "\n".join(lines).replace("[channels.", "[scores.twin.channels.")
