"""Silent feeds beside changes of the policy: what waits is judged on, and what a policy watches counts from then on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.judging.alerts import Alert, BandChange, Transition
from scoring.policy.policy import BANDS
from streams.policy_file.document import parse_policy
from tests.property import lives, test_policy_changes
from tests.property.lives import START, Happening, Step, World
from tests.property.references import raw_events
from tests.property.silences import by_definition
from tests.property.test_signals import rules
from tests.property.test_silences import Draw, Story, lived_under
from tests.reference import brute_force
from tests.reference.feeds import Feed
from tests.reference.signals import Told, signals

_GRID = 8


@dataclass(frozen=True)
class Changing:
    """A life in steps, and by which of some policies each is judged; the feeds of the story are those of them all."""

    story: Story
    texts: Sequence[str]
    in_force: Sequence[int]
    watched_by: Sequence[dict[str, Feed]]
    #: Up to when the policy before the second one, the third and so on has judged.
    since: Sequence[int]


def changing(draw: Draw, worlds: Sequence[World], life: Sequence[Happening], steps: Sequence[Step]) -> Changing:
    """Draw from which step on each policy is in force, what it watches, and what others do meanwhile."""
    world = worlds[0]
    later = st.sets(st.integers(1, max(1, len(steps) - 1)), min_size=1, max_size=len(worlds) - 1)
    starts = [0, *sorted(start for start in draw(later) if start < len(steps))]
    in_force = [sum(start <= index for start in starts) - 1 for index in range(len(steps))]
    since = [max([step.now for step in steps[:start]], default=START - 1) for start in starts[1:]]
    # By which policy an event is judged that comes at the very end of one, hangs on when it arrives.
    assume(not {each.time for each in life}.intersection(since))
    texts, watched_by = [each.text for each in worlds[: len(starts)]], [dict[str, Feed]() for _ in starts]
    feeds = {}
    for channel in ("web", "social"):
        ticks = draw(st.lists(st.integers(-_GRID, _GRID * (4 * world.panes + 8)), max_size=6))
        times = [START + tick * world.pane // _GRID for tick in ticks]
        times = sorted([*times, *[each.time for each in life if each.channel == channel]])
        silent_after = [draw(st.sampled_from([0, 1, 3, 8, 16])) * world.pane // _GRID for _ in starts]
        for number, length in enumerate(silent_after):
            if length:
                watched_by[number][channel] = Feed(length, times)
                line = f'[channels.{channel}]\nsilence_after = "{length // 1_000_000}s"'
                texts[number] = texts[number].replace(f"[channels.{channel}]", line)
        feeds[channel] = Feed(silent_after[0], times, list(zip(since, silent_after[1:], strict=True)))
    return Changing(Story(world, texts[0], steps, feeds), texts, in_force, watched_by, since)


def raised(draw: Draw, case: Changing, texts: Sequence[str]) -> Iterator[Transition]:
    """Judge each step by the policy in force."""
    policies = [parse_policy(text) for text in texts]
    judged_by = [policies[number] for number in case.in_force]
    watched_by = [case.watched_by[number] for number in case.in_force]
    before = judged_by[0]
    for (state, transitions), policy in zip(
        lived_under(draw, case.story, judged_by, watched_by), judged_by, strict=True
    ):
        yield from transitions
        if state.held is not None and policy is not before:
            event("the policy changes while a drop waits")
        if state.signals is not None and any(each.waits for each in state.signals.standings.values()):
            event("a signal waits")
        before = policy


@given(test_policy_changes.changing(), st.data())
@settings(max_examples=150, deadline=None)
def test_a_drop_that_waits_goes_on_by_the_new_policy(drawn: test_policy_changes.Told, data: st.DataObject) -> None:
    worlds, life, steps, _ = drawn
    case = changing(data.draw, worlds, life, steps)
    texts = [world.text for world in worlds]
    changes = list(zip(case.since, texts[1:], strict=False))
    until = max(step.now for step in steps)
    expected = by_definition(texts[0], life, case.story.feeds, until, changes=changes)
    alerts, bands = list[tuple[str, int]](), list[tuple[str, int]]()
    for each in raised(data.draw, case, case.texts):
        if isinstance(each, Alert):
            alerts.append((each.kind, each.occurred_at))
        elif isinstance(each, BandChange):
            bands.append((BANDS[each.band], each.occurred_at))
    assert bands == expected.changes
    # What a policy calls near when it comes is not warned of; that is as of a moment which hangs on the evaluations.
    assert of_drops(alerts) == of_drops(expected.alerts)


def of_drops(alerts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Leave the early warnings out."""
    return [each for each in alerts if each[0] != "disengaging_soon"]


@given(lives.worlds(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_signal_that_waits_goes_on_by_what_the_new_policy_watches(world: World, data: st.DataObject) -> None:
    life = data.draw(lives.lives(world, unique=True))
    steps = data.draw(lives.in_any_order(world, life))
    worlds = [replace(world, text=world.text.replace('"drawn"', f'"drawn-{number}"')) for number in range(3)]
    case = changing(data.draw, worlds, life, steps)
    tables = f'\n[events]\nremember_ids = "10000d"\n{data.draw(rules(world))}'
    policy = brute_force.parse_policy(world.text)
    until = max(step.now for step in steps)
    expected = signals(raw_events(life), f"{world.text}{tables}", policy, until, feeds=case.story.feeds)
    found = []
    for each in raised(data.draw, case, [f"{text}{tables}" for text in case.texts]):
        if isinstance(each, Signal):
            closes = tuple([report.occurred_at for report in each.earlier]) if each.ended else ()
            found.append(Told(each.name, each.occurred_at, each.ended, closes))
    assert sorted(found) == expected
