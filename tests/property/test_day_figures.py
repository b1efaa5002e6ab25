"""Figures by the day, by channel and by band against the brute force: whatever comes late, again, ends or is erased."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import PolicyError
from scoring.figures.band_figures import BandSums
from scoring.figures.channel_figures import channel_figures
from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureSums
from scoring.figures.tally_fields import folding
from scoring.instants import DAY
from scoring.policy.policy import BANDS, Policy
from scoring.rules.tally import parse_tally
from streams.policy_file.document import parse_policy
from streams.store.segment_sums import MEASURES
from streams.store.sums.gains import Additions, join
from streams.store.sums.shares import activity_in, share_of
from streams.upkeep.figure_report import published_channels, published_measures
from tests.property.test_measure_figures import Life, Step, told
from tests.property.test_measures import START, World
from tests.reference.day_figures import Lives, band_fields, channel_fields, regularity_fields, session_fields
from tests.reference.measure_figures import measure_fields

_BANDS = "[bands]\ndisengaged = 0\nengaged = 2\nhighly_engaged = 4\npower = 8\n"


@st.composite
def stories(draw: st.DrawFn, *, late: bool = True) -> tuple[list[World], list[Step]]:
    """Draw policies that want different figures, and what happens under them."""
    drawn, steps = draw(told())
    if not late:
        happenings = sorted(
            ((each.event.time, step.customer, each) for step in steps for each in step.batch), key=lambda each: each[0]
        )
        steps = [Step(customer, [each], time, "", 0) for time, customer, each in happenings]
    worlds = []
    for world in drawn:
        switches = {key: draw(st.sampled_from([True, True, False])) for key in ("by_day", "by_channel", "by_band")}
        lines = "".join(f"{key} = {str(value).lower()}\n" for key, value in switches.items())
        text = world.text.replace('topic = "web"\n', 'topic = "web"\ncap = { view = 2 }\n')
        text = text.replace("[events]\n", f"{_BANDS}[kpi]\n{lines}[events]\n")
        try:
            parse_policy(text)
        except PolicyError:
            # Its sessions pause for longer than is kept.
            text = text.replace("by_day = true", "by_day = false")
        worlds.append(World(text, world.pane, world.panes))
    return worlds, steps


@given(stories())
@settings(max_examples=40, deadline=None)
def test_figures_by_the_day_are_those_of_the_raw_events(story: tuple[list[World], list[Step]]) -> None:
    asyncio.run(_are_those_of_the_raw_events(*story))


async def _are_those_of_the_raw_events(drawn: list[World], steps: Sequence[Step]) -> None:
    life = Life(drawn)
    for number, step in enumerate(steps):
        await life.live(step)
        policy, present = life.policies[step.policy], step.now // drawn[0].pane
        stands = {MEASURES: await life.store.kpi.measures()}
        made = join(share_of(fields) for fields in life.store.hashes.values())
        # Sessions of the oldest panes stay, also where the policy asks for none by now.
        sessions_from = max(each.tally.sessions_from(policy.kept_from(step.now)) for each in life.policies)
        assert _compared(stands, policy, step.now, sessions_from) == _compared(made, policy, step.now, sessions_from)
        # Of the first panes that are kept it is not known where sessions began that go over from earlier ones.
        first = max(policy.tally.sessions_from(policy.told_from(step.now)), START // policy.pane)
        for pane in {first, present} if first <= present else ():
            await _compare(life, step, pane)
        if number % 3 == 0:
            await life.fold(step)


async def _compare(life: Life, step: Step, pane: int, *, past: bool = False) -> None:
    policy, document = life.policies[step.policy], tomllib.loads(life.worlds[step.policy].text)
    now = min((pane + 1) * policy.pane - 1, step.now)
    known = {name: [each for each in events.values() if each.time <= step.now] for name, events in life.arrived.items()}
    lives = {name: [each for each in events if each.time <= now] for name, events in known.items()}
    fields = await life.store.kpi.measures(past=past)
    customers = sum("band" in hash_ for hash_ in life.store.hashes.values())
    found = published_measures(MeasureSums(fields).figures(policy, pane, customers))
    right = measure_fields(document, lives, now) if "measures" in document else {}
    if policy.figures.by_day:
        right |= session_fields(document, known, now) | regularity_fields(document, lives, now, customers)
    assert found.keys() == right.keys()
    if policy.figures.by_channel and (pane + 1) * policy.pane % DAY == 0:
        found |= published_channels(channel_figures(policy, MeasureSums(fields), now // DAY))
        right |= channel_fields(document, lives, now)
    if policy.pane < DAY and past:
        # A window of hours lets go of a session that is still going on.
        right = {name: value for name, value in right.items() if not name.startswith("measure:web_")}
    differing = {name: (found[name], right[name]) for name in right if found[name] != right[name]}
    assert life.without_newest(differing) == {}, f"pane {pane} at {step.now}: {differing}"
    # It also lets go of a pane before it is known in which band its day ends.
    if policy.figures.by_band and (policy.pane >= DAY or not past):
        await _compare_bands(life, policy, document, (known, lives), fields, pane, now)


async def _compare_bands(
    life: Life,
    policy: Policy,
    document: dict[str, Any],
    lives: tuple[Lives, Lives],
    fields: dict[str, int],
    pane: int,
    now: int,
) -> None:
    changes = {name: activity_in(life.store.hashes.get(name, {})).list_changes() for name in lives[0]}
    figures = BandSums(policy, fields, Sums(await life.store.kpi.sums())).figures(now // DAY, pane)
    for index, band in enumerate(BANDS):
        right = band_fields(document, *lives, changes, now, index)
        found = published_measures(figures[band].measures)
        found |= {f"type:{name}": str(count) for name, count in figures[band].types.items() if count}
        assert found == {name: value for name, value in right.items() if name in found}, f"{band} of {pane} at {now}"
        assert {name for name in right if name.startswith("type:")} <= found.keys()


def _compared(sums: Additions, policy: Policy, now: int, sessions_from: int) -> dict[str, int]:
    fields = sums.get(MEASURES, {})
    changes = folding(fields, policy.kept_from(now), policy.told_from(now), sessions_from)
    return {field: count for field, count in join([{"": fields}, {"": changes}]).get("", {}).items() if field[0] != "^"}


@given(stories(late=False))
@settings(max_examples=25, deadline=None)
def test_figures_of_the_past_are_kept_by_the_day(story: tuple[list[World], list[Step]]) -> None:
    asyncio.run(_are_kept_by_the_day(*story))


async def _are_kept_by_the_day(drawn: list[World], steps: Sequence[Step]) -> None:
    life = Life(drawn)
    policy = life.policies[0]
    await life.live_and_fold(steps)
    if policy.figures.daily:
        for pane in range(START // policy.pane, steps[-1].now // policy.pane + 1, 3):
            await _compare(life, steps[-1], pane, past=True)


@given(stories())
@settings(max_examples=30, deadline=None)
def test_a_tally_by_the_day_is_read_back_as_it_was_written(story: tuple[list[World], list[Step]]) -> None:
    for world in story[0]:
        tally = parse_policy(world.text).tally
        assert parse_tally(tally.text) == tally
