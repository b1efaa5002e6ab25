"""However the events of a life come, the signals of the policy are those of the brute force."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.customer.state import CustomerState
from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from streams.policy_file.document import parse_policy
from streams.store.fields.signal_fields import signal_facts
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from tests.property import lives, test_half_life, test_named_scores, test_segments
from tests.property.lives import Happening, Step, World
from tests.property.references import CUSTOMER, Reader, raw_events
from tests.reference import brute_force
from tests.reference.signals import Told, signals

_GRID = 8
_TYPES = ("web.view", "web.buy", "web.leave", "social.post", "social.block")
_BANDS = ("disengaged", "engaged", "highly_engaged", "power")

Drawn = tuple[World, str, list[Happening], list[Step]]


@st.composite
def rules(draw: st.DrawFn, world: World, *, moves: bool = True) -> str:
    """Draw the tables of some signals, also of moves of the score."""
    minute = 60 * 1_000_000
    trend = re.search(r'trend = "(\d+)m"', world.text)
    panes = int(trend[1]) * minute // world.pane if trend and moves else 0
    tables = []
    for number in range(draw(st.integers(1, 4))):
        kinds = ["on", "after", "band", "object", "reaches", "leaves", *(("falls_by", "rises_by") if panes else ())]
        kinds += ["measure", "measure"] if moves else []
        kinds += (
            ["funnel", "funnel"] if moves and (DAY % world.pane, world.panes * world.pane >= DAY) == (0, True) else []
        )
        kind = draw(st.sampled_from(kinds))
        ticks = draw(st.integers(1, _GRID * world.panes))
        within = f'"{ticks * world.pane // _GRID // 1_000_000}s"'
        some = draw(st.permutations(_TYPES))
        keys = {"cooldown": f'"{draw(st.sampled_from([0, 0, 3, 12])) * world.pane // _GRID // 1_000_000}s"'}
        if kind == "on":
            keys["on"] = str(some[: draw(st.integers(1, 2))])
        elif kind == "after":
            size = draw(st.integers(1, 2))
            keys |= {"after": str(some[:size]), "without": str(some[size : size + 2]), "within": within}
        elif kind == "band":
            keys |= {"after": str(some[:1]), "without_band": f'"{draw(st.sampled_from(_BANDS[1:]))}"', "within": within}
        elif kind == "object":
            keys |= {"after": '["web.view"]', "without": '["web.buy", "web.leave"]', "within": within}
            keys["object"] = '"object_id"'
        elif kind == "measure":
            tables.append(draw(_measures(number, world, some)))
            keys["measure"] = f'"m{number}"'
            at_least = draw(st.sampled_from([0.33, 0.5, 1, 1.5, 2, 3]))
            bounds = {"at_least": str(at_least), "at_most": str(at_least + draw(st.sampled_from([0, 0.17, 1])))}
            keys |= {key: bounds[key] for key in draw(st.sampled_from([["at_least"], ["at_most"], list(bounds)]))}
        elif kind == "funnel":
            steps = draw(st.integers(2, 4))
            names = str([*some[: steps - 1], [*some[steps - 1 :]]]).replace("'", '"')
            over = draw(st.integers(1, world.panes)) * world.pane // minute
            tables.append(f'[funnels.f{number}]\nsteps = {names}\nwithin = "{over}m"')
            keys |= {"funnel": f'"f{number}"', "step": str(draw(st.integers(2, steps)))}
        elif kind in ("reaches", "leaves"):
            keys[kind] = f'"{draw(st.sampled_from(_BANDS[1:]))}"'
        else:
            keys[kind] = draw(st.sampled_from(["1", "5", '"30%"', '"100%"', '"250%"']))
            keys["within"] = f'"{draw(st.integers(1, panes)) * world.pane // minute}m"'
        table = "\n".join([f"{name} = {value}".replace("'", '"') for name, value in keys.items()])
        tables.append(f"[signals.s{number}]\n{table}")
    return "\n".join(tables)


@st.composite
def _measures(draw: st.DrawFn, number: int, world: World, types: Sequence[str]) -> str:
    """Draw the table of a measure that falls as panes leave its own time, by count, ratio or active panes."""
    of, to = str([*types[:2]]).replace("'", '"'), str([*types[1:4]]).replace("'", '"')
    kind = draw(st.sampled_from([f'"count"\nof = {of}', f'"panes"\nof = {of}', f'"ratio"\nof = {of}\nto = {to}']))
    over = draw(st.integers(1, world.panes)) * world.pane // (60 * 1_000_000)
    return f'[measures.m{number}]\nkind = {kind}\nover = "{over}m"'


@st.composite
def told(draw: st.DrawFn, *, moves: bool = True) -> Drawn:
    """Draw a policy, its signals, a life, and how it comes."""
    world = draw(lives.worlds())
    life = [
        happening._replace(object=draw(st.sampled_from(["", "a", "b"])))
        for happening in draw(lives.lives(world, unique=True))
    ]
    coming = draw(st.sampled_from([lives.in_order, lives.in_any_order, lives.redelivered]))
    return world, draw(rules(world, moves=moves)), life, draw(coming(world, life))


async def live(
    text: str, steps: Sequence[Step], before: str = "", steps_before: int = 0, store: MemoryStore | None = None
) -> list[Told]:
    """Live through the steps, stored in between, the first ones by another policy."""
    policies = [parse_policy(before or text)] * steps_before + [parse_policy(text)] * (len(steps) - steps_before)
    store = store or MemoryStore(policies[0])
    found: list[Told] = []
    for policy, step in zip(policies, steps, strict=True):
        store.follow(policy, "")
        reader = Reader(policy)
        [record] = await store.load([CUSTOMER])
        outcome = advance(policy, record.state, reader.read(step.batch), Moment(step.now))
        for transition in outcome.transitions:
            if isinstance(transition, Signal):
                closes = tuple([report.occurred_at for report in transition.earlier]) if transition.ended else ()
                found.append(Told(transition.name, transition.occurred_at, transition.ended, closes))
        await store.apply([GroupWrite(0, customers={CUSTOMER: record})], step.now)
    return sorted(found)


@given(told())
@settings(max_examples=300, deadline=None)
def test_the_signals_are_those_of_the_brute_force(drawn: Drawn) -> None:
    world, tables, life, steps = drawn
    text = f"{world.with_long_memory}\n{tables}"
    expected = signals(raw_events(life), text, brute_force.parse_policy(world.text), steps[-1].now)
    assert asyncio.run(live(text, steps)) == expected


@given(told(moves=False), st.data())
@settings(max_examples=150, deadline=None)
def test_signals_that_a_policy_begins_to_have_are_those_of_what_comes_after(drawn: Drawn, data: st.DataObject) -> None:
    world, tables, life, steps = drawn
    before = data.draw(st.integers(0, len(steps) - 1))
    text = f"{world.with_long_memory}\n{tables}"
    # Of a customer nobody has heard of, nothing is judged.
    first = next((index for index, step in enumerate(steps) if step.batch), before)
    judged = [step.now for step in steps[first:before]]
    known = [happening for step in steps[:before] for happening in step.batch if happening.time <= max(judged)]
    since = max(judged) if known else -1
    # What came ahead of its time was read by the policy of its arrival, which had no use for objects.
    early = {each.event_id for step in steps[:before] for each in step.batch if each.time > max(judged)}
    read = [each._replace(object="") if each.event_id in early else each for each in life]
    expected = signals(raw_events(read), text, brute_force.parse_policy(world.text), steps[-1].now, since)
    plain = world.with_long_memory.replace('"drawn"', '"plain"')
    assert asyncio.run(live(text, steps, plain, before)) == expected


@given(told(), st.data())
@settings(max_examples=150, deadline=None)
def test_points_that_fade_raise_the_signals_of_the_brute_force(drawn: Drawn, data: st.DataObject) -> None:
    world, tables, life, steps = drawn
    half_life = data.draw(test_half_life.half_lives(world))
    text = test_half_life.with_half_life(world.with_long_memory, half_life)
    policy = brute_force.parse_policy(world.text)
    text = f"{text}\n{tables}"
    expected = signals(raw_events(life), text, policy, steps[-1].now, score_of=test_half_life.fading(half_life))
    assert asyncio.run(live(text, steps)) == expected


@given(test_segments.segmented(again=True), st.data())
@settings(max_examples=150, deadline=None)
def test_signals_go_by_the_bands_and_weights_of_the_segment(told: test_segments.Told, data: st.DataObject) -> None:
    world, life, steps = told
    tables = data.draw(rules(world))
    text = f"{world.with_long_memory}\n{tables}"
    expected = signals(raw_events(life), text, brute_force.parse_policy(world.text), steps[-1].now)
    assert asyncio.run(live(text, steps)) == expected


@given(told(), st.data())
@settings(max_examples=50, deadline=None)
def test_named_scores_change_no_signal(drawn: Drawn, data: st.DataObject) -> None:
    world, tables, life, steps = drawn
    named, _ = data.draw(test_named_scores.weighed(world))
    scores = f"[scores.loud]\nalerts = true\n{named.replace('NAME', 'loud')}"
    text = f"{world.with_long_memory}\n{tables}\n{scores}"
    expected = signals(raw_events(life), text, brute_force.parse_policy(world.text), steps[-1].now)
    assert asyncio.run(live(text, steps)) == expected


@given(told(), st.data())
@settings(max_examples=100, deadline=None)
def test_who_is_erased_begins_anew_and_nothing_waits_or_is_open_any_more(drawn: Drawn, data: st.DataObject) -> None:
    world, tables, _, steps = drawn
    text, policy = f"{world.with_long_memory}\n{tables}", brute_force.parse_policy(world.text)
    first = data.draw(st.integers(1, len(steps)))
    erased_at = max(step.now for step in steps[:first])
    # Whoever has nothing yet is not stored, nor how far the judging has come.
    assume(steps[first - 1].now == erased_at)
    # What is sent again, or late, has no effect if it happened before; what was ahead may come again too late to score.
    arrived = {each.event_id for step in steps[:first] for each in step.batch}
    rest = [
        step._replace(batch=[each for each in step.batch if each.time > erased_at and each.event_id not in arrived])
        for step in steps[first:]
    ]

    async def erased() -> list[Told]:
        store = MemoryStore(parse_policy(text))
        found = await live(text, steps[:first], store=store)
        await store.erase(CUSTOMER, "digest", erased_at, 0)
        return sorted([*found, *await live(text, rest, store=store)])

    lives_of = [{each.event_id: each for step in some for each in step.batch} for some in (steps[:first], rest)]
    expected = signals(raw_events(lives_of[0].values()), text, policy, erased_at)
    expected += signals(raw_events(lives_of[1].values()), text, policy, steps[-1].now)
    assert asyncio.run(erased()) == sorted(expected)


@st.composite
def in_order_with_three_sets_of_rules(draw: st.DrawFn) -> tuple[World, list[str], list[Step], int]:
    """Draw a policy, three sets of signals with names of their own, a life in order, and a step."""
    world = draw(lives.worlds())
    tables = [draw(rules(world, moves=False)).replace("[signals.s", f"[signals.{name}") for name in "abc"]
    steps = draw(lives.in_order(world, draw(lives.lives(world, unique=True))))
    return world, tables, steps, draw(st.integers(0, len(steps) - 1))


@given(in_order_with_three_sets_of_rules())
@settings(max_examples=150, deadline=None)
def test_a_change_of_other_signals_does_nothing_to_one(drawn: tuple[World, list[str], list[Step], int]) -> None:
    world, (kept, gone, new), steps, before = drawn
    policy, life = brute_force.parse_policy(world.text), [each for step in steps for each in step.batch]
    judged = max([step.now for step in steps[:before]], default=-1)
    # What comes late after the change is told by no rule, as it happened before.
    assume(not any(each.time <= judged for step in steps[before:] for each in step.batch))
    texts = [f"{world.with_long_memory}\n{kept}\n{other}" for other in (gone, new)]
    found = asyncio.run(live(texts[1], steps, texts[0].replace('"drawn"', '"before"'), before))
    until = steps[-1].now
    assert [each for each in found if each.name[0] == "a"] == signals(raw_events(life), kept, policy, until)
    since = judged if any(each.time <= judged for step in steps[:before] for each in step.batch) else -1
    assert [each for each in found if each.name[0] == "c"] == signals(raw_events(life), new, policy, until, since)


@given(told())
@settings(max_examples=100, deadline=None)
def test_who_is_made_anew_from_the_log_stands_as_before(drawn: Drawn) -> None:
    world, tables, life, steps = drawn
    text = f"{world.with_long_memory}\n{tables}"

    async def states() -> list[CustomerState]:
        found = []
        for some in (steps, [Step(life, steps[-1].now)]):
            store = MemoryStore(parse_policy(text))
            await live(text, some, store=store)
            [record] = await store.load([CUSTOMER])
            found.append(record.state)
        return found

    stepwise, anew = asyncio.run(states())
    mine, theirs = signal_facts(stepwise, anew)
    assert mine == theirs
