"""Who is computed anew from the log, or erased, while silent feeds hold something."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.customer.state import NONE, CustomerState
from scoring.judging.alerts import Alert, Transition
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from streams.rebuild.customer_comparison import Comparison
from streams.settings.settings import Settings
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import index_changes
from streams.store.memory.store import MemoryStore
from streams.store.protocol import CustomerRecord, GroupWrite
from streams.store.redis.replacing import View
from tests.property.lives import Happening, Step
from tests.property.references import CUSTOMER, Reader, raw_events
from tests.property.silences import by_definition
from tests.property.test_signals import rules
from tests.property.test_silences import Draw, Story, known, stories
from tests.reference import brute_force
from tests.reference.signals import Told, signals


async def live(draw: Draw, story: Story, policy: Policy, steps: Iterable[Step], store: MemoryStore) -> list[Transition]:
    """Live through some steps of a story, stored in between."""
    found: list[Transition] = []
    judged: set[int] = set()
    for batch, now in steps:
        judged |= {happening.time for happening in batch}
        feeds = known(draw, policy, story.feeds, now, judged)
        [record] = await store.load([CUSTOMER])
        found += advance(policy, record.state, Reader(policy).read(batch), Moment(now, now, feeds)).transitions
        await store.apply([GroupWrite(0, customers={CUSTOMER: record})], now)
    return found


def stored(draw: Draw, story: Story, policy: Policy, steps: Iterable[Step]) -> View:
    """Live through some steps, and give the customer as stored."""
    store = MemoryStore(policy)

    async def state_of() -> CustomerState:
        await live(draw, story, policy, steps, store)
        [record] = await store.load([CUSTOMER])
        return record.state

    state = asyncio.run(state_of())
    if state.judged == NONE and not state.ahead:
        return View({}, {}, None, None)
    if state.held is not None:
        event("a feed holds a drop" if state.held.get("waits") else "the cooldown holds a drop")
    if state.signals is not None and any(wait.held for each in state.signals.standings.values() for wait in each.waits):
        event("a feed holds a signal")
    _, band, since, schedule = index_changes(CustomerRecord(state))
    times = {"c": None, "r": None} | ({schedule[0]: int(schedule[1:])} if schedule not in ("", "-") else {})
    return View(dict(store.hashes[CUSTOMER]), {band: since} if band else {}, times["c"], times["r"])


@given(stories(in_any_order=True), st.data())
@settings(max_examples=150, deadline=None)
def test_who_is_computed_anew_waits_for_the_same_feeds(story: Story, data: st.DataObject) -> None:
    text = f'{story.text}\n[events]\nremember_ids = "10000d"\n{data.draw(rules(story.world))}'
    policy, until = parse_policy(text), max(step.now for step in story.steps)
    log = [happening for batch, _ in story.steps for happening in batch]
    arrived = max([index for index, step in enumerate(story.steps) if step.batch])
    some = story.steps[: data.draw(st.integers(arrived + 1, len(story.steps)))]
    live_now = stored(data.draw, story, policy, some)
    rebuilt = stored(data.draw, story, policy, [Step(log, until)])
    feeds = known(data.draw, policy, story.feeds, until)
    found = Comparison(Settings(policy, clock="stream"), until, whole_history=True, feeds=feeds)
    assert found.differences(live_now, rebuilt) == []

    states = [decode(policy, view.fields).state for view in (live_now, rebuilt) if view.fields]
    for state in states:
        advance(policy, state, (), Moment(until, until, feeds))
    waiting = [(state.held, state.episode, state.warned, state.last_warning) for state in states]
    assert waiting[1:] == waiting[:-1]


@given(stories(in_any_order=True), st.data())
@settings(max_examples=150, deadline=None)
def test_who_is_erased_while_something_waits_begins_anew(story: Story, data: st.DataObject) -> None:
    tables = data.draw(rules(story.world))
    text = f'{story.text}\n[events]\nremember_ids = "10000d"\n{tables}'
    policy, plain, steps = parse_policy(text), brute_force.parse_policy(story.world.text), story.steps
    first = data.draw(st.integers(1, len(steps)))
    erased_at = max(step.now for step in steps[:first])
    # Whoever has nothing yet is not stored, nor how far the judging has come.
    assume(steps[first - 1].now == erased_at)
    # What is sent again, or late, has no effect if it happened before.
    rest = [step._replace(batch=[each for each in step.batch if each.time > erased_at]) for step in steps[first:]]

    async def erased() -> list[Transition]:
        store = MemoryStore(policy)
        found = await live(data.draw, story, policy, steps[:first], store)
        await store.erase(CUSTOMER, "digest", erased_at, 0)
        return [*found, *await live(data.draw, story, policy, rest, store)]

    expected, alerts = list[Told](), list[tuple[str, int]]()
    for some, until in ((steps[:first], erased_at), (rest, steps[-1].now)):
        life: list[Happening] = [each for batch, _ in some for each in batch]
        expected += signals(raw_events(life), f"{story.world.text}\n{tables}", plain, until, feeds=story.feeds)
        if life:
            alerts += by_definition(story.world.text, life, story.feeds, until).alerts
    told = asyncio.run(erased())
    assert [(each.kind, each.occurred_at) for each in told if isinstance(each, Alert)] == alerts
    found = []
    for each in told:
        if isinstance(each, Signal):
            closes = tuple([report.occurred_at for report in each.earlier]) if each.ended else ()
            found.append(Told(each.name, each.occurred_at, each.ended, closes))
    assert sorted(found) == sorted(expected)
