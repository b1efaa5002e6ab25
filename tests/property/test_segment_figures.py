"""Figures of segments: whoever changes segment moves with all that was counted, whatever comes in between."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.events.event import Event
from scoring.figures.measure_figures import MeasureSums
from scoring.figures.tally_fields import folding
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.details import PROFILE, Detail
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from streams.store.segment_sums import MEASURES, SEGMENTS
from streams.store.sums.gains import Additions, join, less
from streams.store.sums.shares import share_of
from streams.upkeep.figure_report import published_measures
from tests.property.test_measure_figures import another, reader_of_both
from tests.property.test_measures import START, Happening, World, lives, worlds
from tests.reference.measure_figures import measure_fields
from tests.reference.measures import RawEvent

_NAMES = ("small", "large", "measures", "@in: strange")
_PROFILES = '\n[profiles]\ntopic = "profiles"\n[segments.large.channels.web]\nweights = { view = 7 }\n'


class Step(NamedTuple):
    """A batch of one customer and what a profile tells, None for nothing; when it is taken, who is erased, by what."""

    customer: str
    batch: Sequence[Happening]
    segment: str | None
    now: int
    erased: str
    policy: int


@st.composite
def told(draw: st.DrawFn) -> tuple[list[World], list[Step]]:
    """Draw customers whose events arrive in any order, and who change segment on the way."""
    world = draw(worlds())
    end = START + world.pane * (4 * world.panes + 3)
    steps: list[Step] = []
    now = START
    for name in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=12)):
        batch = draw(st.permutations(draw(lives(world))))[: draw(st.integers(0, 5))]
        batch = [each._replace(event_id=f"{len(steps)}-{each.event_id}") for each in batch]
        now = draw(st.one_of(st.just(now), st.integers(now, end)))
        segment = draw(st.sampled_from([None, None, "", *_NAMES]))
        erased = draw(st.sampled_from([*[""] * 9, "a"]))
        steps.append(Step(name, batch, segment, now, erased, draw(st.sampled_from([0, 0, 0, 1, 1, 2]))))
    return [world, World(another(draw, world), world.pane, world.panes), world], steps


@given(told())
@settings(max_examples=100, deadline=None)
def test_figures_of_a_segment_are_those_of_its_customers(story: tuple[list[World], list[Step]]) -> None:
    asyncio.run(_are_those_of_its_customers(*story))


async def _are_those_of_its_customers(drawn: Sequence[World], steps: Sequence[Step]) -> None:
    # The last one has the same measures as the first, and knows no segments.
    policies = [parse_policy(drawn[0].text + _PROFILES), parse_policy(drawn[1].text + _PROFILES)]
    policies.append(parse_policy(drawn[2].text))
    reader = reader_of_both(*drawn[:2])
    store, arrived = MemoryStore(policies[0]), dict[str, list[RawEvent]]()
    segments: dict[str, str] = {}
    for number, step in enumerate(steps):
        policy, world = policies[step.policy], drawn[step.policy]
        store.follow(policy, "")
        if step.erased:
            await store.erase(step.erased, "digest", number + 1, 0)
            arrived.pop(step.erased, None)
            segments.pop(step.erased, None)
        events = reader.read(step.batch)
        if step.segment is not None and policy.profiles is not None:
            events.append(Event(START + number, PROFILE, "", Detail((), "", step.segment)))
            segments[step.customer] = step.segment
        arrived.setdefault(step.customer, []).extend(each.event for each in step.batch)
        for customer in arrived:
            # Who has something ahead is judged when it is due, and who has been judged by another policy follows.
            [record] = await store.load([customer])
            mine = events if customer == step.customer else []
            due = record.state.ahead and record.state.ahead[0][0] <= step.now
            if mine or due or record.state.policy_version != policy.version:
                advance(policy, record.state, mine, Moment(step.now))
                await store.apply([GroupWrite(0, customers={customer: record})], step.now)
        wrong = join([join(share_of(fields) for fields in store.hashes.values()), less(store.kpi._sums)])
        told = _told(wrong, step.now, world)
        assert told == {}, told
        await _compare_measures(store, world, arrived, segments, step.now)


def _told(sums: Additions, now: int, world: World) -> Additions:
    """Leave out what is told no more, and what was true of those who have left."""
    policy = parse_policy(world.text)
    found = {}
    for name, fields in sums.items():
        found[name] = dict(fields)
        if name.startswith(MEASURES):
            changes = folding(fields, policy.kept_from(now), policy.told_from(now))
            folded = join([{"": fields}, {"": changes}]).get("", {})
            found[name] = {field: count for field, count in folded.items() if field[0] != "^"}
    return {name: fields for name, fields in found.items() if fields}


async def _compare_measures(
    store: MemoryStore,
    world: World,
    arrived: Mapping[str, Sequence[RawEvent]],
    segments: Mapping[str, str],
    now: int,
) -> None:
    policy, document = parse_policy(world.text), tomllib.loads(world.text)
    past = {name: [event for event in events if event.time <= now] for name, events in arrived.items()}
    judged = {name for name in past if "band" in store.hashes.get(name, {})}
    inside: dict[str, dict[str, list[RawEvent]]] = {"": past}
    for customer in judged:
        if segments.get(customer):
            inside.setdefault(segments[customer], {})[customer] = past[customer]
    assert await store.kpi.segments() == {name: len(some) for name, some in inside.items() if name}
    for segment, some in inside.items():
        sums = MeasureSums(await store.kpi.measures(segment))
        found = published_measures(sums.figures(policy, now // policy.pane))
        right = measure_fields(document, some, now) if "measures" in document else {}
        # The newest value of somebody who has left was true.
        differing = {name: (found[name], right[name]) for name in right if found[name] != right[name]}
        assert {name: values for name, values in differing.items() if name != "measure:reach"} == {}, segment
    assert SEGMENTS not in store.kpi._sums or all(store.kpi._sums[SEGMENTS].values())
