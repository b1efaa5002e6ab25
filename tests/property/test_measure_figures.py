"""Measures over all customers against the brute force over raw events: whatever comes, ends, changes or is erased."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.figures.measure_figures import MeasureSums
from scoring.figures.tally_fields import folding
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.rules.tally import parse_tally, tally_of
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from streams.store.segment_sums import MEASURES
from streams.store.sums.gains import Additions, join
from streams.store.sums.shares import share_of
from streams.upkeep.figure_report import published_measures
from tests.property.test_measures import START, Happening, Reader, World, lives, worlds
from tests.reference.measure_figures import measure_fields
from tests.reference.measures import RawEvent


class Step(NamedTuple):
    """A batch of one customer, and the time at which it is taken; who is erased then, and the policy that holds."""

    customer: str
    batch: Sequence[Happening]
    now: int
    erased: str
    policy: int


@st.composite
def told(draw: st.DrawFn) -> tuple[list[World], list[Step]]:
    """Draw policies with the same window, and lives that arrive in any order, in parts, some of it again."""
    world = draw(worlds())
    drawn = [world, World(another(draw, world), world.pane, world.panes), World(_bare(world), world.pane, world.panes)]
    arrivals = []
    for name in draw(st.sampled_from(["a", "ab", "abc"])):
        life = draw(lives(world))
        arrivals += [(name, each) for each in [*life, *draw(st.lists(st.sampled_from(life), max_size=2))]]
    arrivals = list(draw(st.permutations(arrivals)))
    end = START + world.pane * (4 * world.panes + 3)
    steps: list[Step] = []
    now, policy = START, 0
    while arrivals:
        name, _ = arrivals[0]
        size = draw(st.integers(1, 8))
        batch = [each for who, each in arrivals[:size] if who == name]
        arrivals = [arrival for arrival in arrivals[:size] if arrival[0] != name] + arrivals[size:]
        now = max(now, draw(st.one_of(st.just(batch[0].event.time), st.integers(now, end))))
        erased = draw(st.sampled_from([*[""] * 12, "a"]))
        policy = draw(st.sampled_from([policy] * 8 + [0, 1, 2]))
        steps.append(Step(name, batch, now, erased, policy))
    return drawn, [*steps, Step("a", [], end, "", policy)]


def another(draw: st.DrawFn, world: World) -> str:
    """Give a policy with measures that differ in what they look at, and some not at all."""
    text = world.text.replace('"drawn"', '"another"').replace('["web.view", "mail.open"]', '["mail.click"]')
    tables = re.split(r"(?=^\[measures\.)", text, flags=re.MULTILINE)
    kept = [table for table in tables[1:] if draw(st.integers(0, 3)) or 'kind = "regularity"' in table]
    return tables[0] + "".join(kept).replace('of = ["web.buy"]', 'of = ["web.leave", "web.buy"]')


def _bare(world: World) -> str:
    """Give a policy without measures."""
    return re.split(r"(?=^\[measures\.)", world.text.replace('"drawn"', '"bare"'), flags=re.MULTILINE)[0]


def reader_of_both(first: World, second: World) -> Reader:
    """Give a reader of all properties that either policy asks for: each alone reads what it asks for itself."""
    return Reader(parse_policy(first.text + re.sub(r"\[measures\.", "[measures.z_", _tables(second.text))))


def _tables(text: str) -> str:
    """Give the part of a policy that declares measures."""
    return text[text.index("[measures.") :] if "[measures." in text else ""


class Life:
    """A store that is lived in, and what the brute force knows of it."""

    def __init__(self, drawn: Sequence[World]) -> None:
        """Start with nothing."""
        self.worlds = drawn
        self.policies = [parse_policy(world.text) for world in drawn]
        self.reader = reader_of_both(*drawn[:2])
        self.store = MemoryStore(self.policies[0])
        self.arrived: dict[str, dict[str, RawEvent]] = {}
        self.erased = 0

    async def live(self, step: Step) -> None:
        """Take one step; who has something ahead that is due, or another policy than holds, is judged, too."""
        policy = self.policies[step.policy]
        self.store.follow(policy, "")
        if step.erased:
            self.erased += 1
            await self.store.erase(step.erased, "digest", self.erased, 0)
            self.arrived.pop(step.erased, None)
        for customer in {step.customer: None, **dict.fromkeys(self.arrived)}:
            [record] = await self.store.load([customer])
            state = record.state
            batch = step.batch if customer == step.customer else ()
            behind = state.policy_version != policy.version
            if batch or behind or (state.ahead and state.ahead[0][0] <= step.now):
                advance(policy, state, self.reader.read(batch), Moment(step.now))
                await self.store.apply([GroupWrite(0, customers={customer: record})], step.now)
            if batch:
                self.arrived.setdefault(customer, {}).update({event_id: event for event, event_id in batch})

    async def live_and_fold(self, steps: Sequence[Step]) -> None:
        """Take steps, and fold the sums after each."""
        for step in steps:
            await self.live(step)
            await self.fold(step)

    async def fold(self, step: Step) -> None:
        """Let the sums forget the panes that customers keep no more."""
        policy = self.policies[step.policy]
        past = policy.past_from(step.now)
        await self.store.kpi.fold_measures("", policy.kept_from(step.now), policy.told_from(step.now), past)

    async def found(self, policy: Policy, pane: int) -> dict[str, str]:
        """Give the measures that are published as of a pane."""
        return published_measures(MeasureSums(await self.store.kpi.measures()).figures(policy, pane))

    def right(self, step: Step, now: int) -> dict[str, str]:
        """Give the measures by the brute force."""
        past = {name: [each for each in events.values() if each.time <= now] for name, events in self.arrived.items()}
        document = tomllib.loads(self.worlds[step.policy].text)
        return measure_fields(document, past, now) if "measures" in document else {}

    def without_newest(self, fields: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        """Leave out what rests on a newest value once somebody has been erased: it stays, as it was true."""
        return {name: value for name, value in fields.items() if not (self.erased and name == "measure:reach")}


@given(told())
@settings(max_examples=100, deadline=None)
def test_measures_over_all_customers_are_those_of_the_raw_events(story: tuple[list[World], list[Step]]) -> None:
    asyncio.run(_are_those_of_the_raw_events(*story))


async def _are_those_of_the_raw_events(drawn: list[World], steps: Sequence[Step]) -> None:
    life = Life(drawn)
    for step in steps:
        await life.live(step)
        policy, present = life.policies[step.policy], step.now // drawn[0].pane
        for pane in range(max(policy.told_from(step.now), START // policy.pane), present + 1):
            found = await life.found(policy, pane)
            right = life.right(step, min((pane + 1) * policy.pane - 1, step.now))
            assert found.keys() == right.keys()
            differing = {name: (found[name], right[name]) for name in right if found[name] != right[name]}
            assert life.without_newest(differing) == {}, f"pane {pane} at {step.now}: {differing}"
        assert await stored(life.store, policy, step.now) == made_together(life.store, policy, step.now)
        if step.now % 3 == 0:
            await life.store.kpi.fold_measures("", policy.kept_from(step.now), policy.told_from(step.now))


async def stored(store: MemoryStore, policy: Policy, now: int) -> dict[str, int]:
    """Give the sums, as far as they are told from."""
    return _told({MEASURES: await store.kpi.measures()}, policy, now)


def made_together(store: MemoryStore, policy: Policy, now: int) -> dict[str, int]:
    """Give what all who are stored make together, as far as it is told from."""
    return _told(join(share_of(fields) for fields in store.hashes.values()), policy, now)


def _told(sums: Additions, policy: Policy, now: int) -> dict[str, int]:
    fields = sums.get(MEASURES, {})
    changes = folding(fields, policy.kept_from(now), policy.told_from(now))
    return {field: count for field, count in join([{"": fields}, {"": changes}]).get("", {}).items() if field[0] != "^"}


@given(worlds())
def test_a_tally_is_read_back_as_it_was_written(world: World) -> None:
    tally = tally_of(parse_policy(world.text).measures)
    assert parse_tally(tally.text) == tally
    assert tally.codes
    assert tally.holders
