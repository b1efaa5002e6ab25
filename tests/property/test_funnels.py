"""Funnels over all customers against the brute force: whatever comes late, again, is erased, or by another policy."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.figures.funnel_figures import funnel_figures
from scoring.figures.measure_figures import MeasureSums
from scoring.instants import DAY
from scoring.policy.policy import Policy
from scoring.rules.tally import parse_tally
from streams.policy_file.document import parse_policy
from streams.store.segment_sums import MEASURES
from streams.store.sums.gains import join
from streams.store.sums.shares import share_of
from tests.property.test_measure_figures import Life, Step
from tests.property.test_measures import START, Happening, World
from tests.reference.funnels import figures
from tests.reference.measures import RawEvent

_TYPES = ("web.visit", "web.buy", "mail.click")
_MINUTE = 60_000_000


@st.composite
def worlds(draw: st.DrawFn) -> list[World]:
    """Draw policies with the same window and different funnels, the last one with none."""
    pane = draw(st.sampled_from([DAY, DAY, DAY // 2]))
    panes = draw(st.sampled_from([DAY // pane, 4, 6]))
    trend = draw(st.integers(0, 2))
    texts = []
    for name in ("drawn", "another", "bare"):
        text = f'version = "{name}"\n[window]\nlength = "{panes * pane // _MINUTE}m"\npane = "{pane // _MINUTE}m"\n'
        text += f'trend = "{trend}d"\n[events]\nremember_ids = "1000d"\n'
        text += "[channels.web]\nweights = { visit = 1, buy = 5 }\n[channels.mail]\nweights = { click = 1 }\n"
        for number in range(0 if name == "bare" else draw(st.integers(1, 2))):
            types = draw(st.sampled_from([_TYPES, draw(st.permutations(_TYPES))]))
            steps = draw(st.sampled_from([[*types[:2]], [*types], [*types], [types[0], [*types[1:]]]]))
            most = min(panes, panes + trend * DAY // pane - DAY // pane + 1)
            within = draw(st.sampled_from([1, most // 2 or 1, most, most])) * pane // _MINUTE
            written = str(steps).replace("'", '"')
            text += f'[funnels.f{number}]\nsteps = {written}\nwithin = "{within}m"\n'
        texts.append(text)
    return [World(text, pane, panes) for text in texts]


@st.composite
def stories(draw: st.DrawFn, *, late: bool = True) -> tuple[list[World], list[Step]]:
    """Draw policies, and lives that arrive in any order, in parts, some of it again."""
    drawn = draw(worlds())
    pane, panes = drawn[0].pane, drawn[0].panes
    moments = st.integers(0, 4 * (panes + 2))
    arrivals: list[tuple[str, Happening]] = []
    for name in draw(st.sampled_from(["a", "ab"])):
        for number in range(draw(st.integers(5, 12))):
            channel, kind = draw(st.sampled_from(_TYPES)).split(".")
            event = RawEvent(START + draw(moments) * pane // 4, channel, kind)
            arrivals += [(name, Happening(event, f"{name}{number}"))] * draw(st.sampled_from([1, 1, 1, 2]))
    arrivals = draw(st.permutations(arrivals)) if late else sorted(arrivals, key=lambda each: each[1].event.time)
    steps: list[Step] = []
    now, policy, end = START, 0, START + pane * (4 * panes + 3)
    while arrivals:
        name, first = arrivals[0]
        size = draw(st.integers(1, 6)) if late else 1
        batch = [each for who, each in arrivals[:size] if who == name]
        arrivals = [each for each in arrivals[:size] if each[0] != name] + arrivals[size:]
        now = max(now, first.event.time, *([draw(st.integers(0, 5 * panes)) * pane // 4 + START] if late else []))
        erased = draw(st.sampled_from([*[""] * 9, "a"])) if late else ""
        policy = draw(st.sampled_from([policy] * 9 + [0, 0, 1, 1, 2])) if late else 0
        steps.append(Step(name, batch, now, erased, policy))
    return drawn, [*steps, Step("a", [], max(now, end), "", policy)]


@given(stories())
@settings(max_examples=150, deadline=None)
def test_who_passes_the_steps_of_funnels_is_told_by_the_raw_events(story: tuple[list[World], list[Step]]) -> None:
    asyncio.run(_is_told_by_the_raw_events(*story))


async def _is_told_by_the_raw_events(drawn: list[World], steps: Sequence[Step]) -> None:
    life = Life(drawn)
    for number, step in enumerate(steps):
        await life.live(step)
        policy = life.policies[step.policy]
        fields = await life.store.kpi.measures()
        made = join(share_of(hash_) for hash_ in life.store.hashes.values()).get(MEASURES, {})
        for pane in range(max(policy.told_from(step.now), START // policy.pane), step.now // policy.pane + 1):
            _compare(life, policy, step, fields, pane)
            _compare(life, policy, step, made, pane)
        if number % 3 == 0:
            await life.fold(step)


def _compare(life: Life, policy: Policy, step: Step, fields: dict[str, int], pane: int) -> None:
    day, last = divmod((pane + 1) * policy.pane, DAY)
    if last == 0:
        events = {
            name: [
                (each.time // policy.pane, f"{each.channel}.{each.type}")
                for each in some.values()
                if each.time <= step.now
            ]
            for name, some in life.arrived.items()
        }
        found = funnel_figures(policy, MeasureSums(fields), day - 1, step.now)
        expected = figures(tomllib.loads(life.worlds[step.policy].text), events, pane)
        for name, (of_day, of_window) in expected.items():
            assert found[name].day == of_day, f"{name}, {pane} at {step.now}"
            assert found[name].window in ([of_window] if pane >= policy.told_from(step.now) else [None])


@given(stories(late=False))
@settings(max_examples=100, deadline=None)
def test_the_funnels_of_past_days_are_kept(story: tuple[list[World], list[Step]]) -> None:
    asyncio.run(_are_kept(*story))


async def _are_kept(drawn: list[World], steps: Sequence[Step]) -> None:
    life = Life(drawn)
    policy = life.policies[0]
    await life.live_and_fold(steps)
    fields = await life.store.kpi.measures(past=True)
    for pane in range(START // policy.pane, steps[-1].now // policy.pane + 1):
        _compare(life, policy, steps[-1], fields, pane)


@given(worlds())
@settings(max_examples=50, deadline=None)
def test_a_tally_with_funnels_is_read_back_as_it_was_written(drawn: list[World]) -> None:
    for world in drawn:
        tally = parse_policy(world.text).tally
        assert parse_tally(tally.text) == tally
