"""A shadow policy: scores, alerts and signals are those of an engine that runs that policy alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.episodes import Report
from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.judging.alerts import BandChange, Transition
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.policy.shadow import SHADOW, shadow_problems, with_shadow
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.memory.store import MemoryStore
from streams.store.protocol import CustomerRecord, GroupWrite
from tests.property import lives
from tests.property.lives import Step, World
from tests.property.references import CUSTOMER, Reader
from tests.property.test_signals import rules

_FIELDS = ("score", "band", "trend", "policy_version")
_IDS = ('[events]\nremember_ids = "10000d"\n', '[identities]\ntopic = "identities"\n')


class Drawn:
    """A policy, another version of it, a shadow policy of the same counts, and what happens."""

    def __init__(self, policies: tuple[Policy, Policy], shadow: Policy, steps: Sequence[Step]) -> None:
        """Keep all."""
        self.policies, self.shadow, self.steps = policies, shadow, steps


@st.composite
def drawn(draw: st.DrawFn, *, linked: bool = False) -> Drawn:
    """Draw policies with the same window, panes and trend, and batches of a life in any order, some again."""
    world = draw(lives.worlds())
    head, _, _ = world.text.partition("[bands]")
    others = [draw(lives.worlds(pane=world.pane)).text.partition("[bands]")[2] for _ in range(2)]
    ids = _IDS[0] + (_IDS[1] if linked else "")
    signals = "" if linked else draw(rules(world))
    texts = [world.text, *[f"{head}[bands]{other}" for other in others]]
    first, second, shadow = (
        parse_policy(f"{_warned_as(world, text).replace('drawn', f'drawn-{number}')}\n{ids}{signals}")
        for number, text in enumerate(texts)
    )
    for policy in (first, second):
        assert shadow_problems(policy, shadow) == []
    life = draw(lives.lives(world, unique=True))
    return Drawn((first, second), shadow, draw(lives.redelivered(world, life)))


def _warned_as(world: World, text: str) -> str:
    """Let warnings come as long before a drop as in a world: those of another one may be longer than the window."""
    [warning] = re.findall('warn_before = "[^"]*"', world.text)
    return re.sub('warn_before = "[^"]*"', warning, text)


@given(drawn(), st.data())
@settings(max_examples=60, deadline=None)
def test_the_shadow_is_judged_as_if_it_were_alone(world: Drawn, data: st.DataObject) -> None:
    change = data.draw(st.integers(0, len(world.steps)))
    ours = [with_shadow(policy, world.shadow) for policy in world.policies]
    policies = [ours[0]] * change + [ours[1]] * (len(world.steps) - change)
    fields, raised = asyncio.run(_by_steps(policies, world.steps))
    alone, expected = asyncio.run(_by_steps([world.shadow] * len(world.steps), world.steps))
    plain = [world.policies[0]] * change + [world.policies[1]] * (len(world.steps) - change)
    usual, as_usual = asyncio.run(_by_steps(plain, world.steps))

    assert {name: fields.get(f"{name}:{SHADOW}", "") for name in _FIELDS} == {name: alone[name] for name in _FIELDS}
    assert _of_shadow(raised) == _in_order(each for each in expected if not isinstance(each, BandChange))
    others = [each for each in raised if isinstance(each, BandChange) or not each.score_name]
    assert _in_order(others) == _in_order(as_usual)
    published = {name: fields[name] for name in usual if not name.startswith("_")}
    assert published == {name: value for name, value in usual.items() if not name.startswith("_")}


@given(drawn(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_shadow_is_one_that_begins_then(world: Drawn, data: st.DataObject) -> None:
    change = data.draw(st.integers(0, len(world.steps)))
    policy, (_, other) = world.policies[0], world.policies
    before, after = len(world.steps[:change]), len(world.steps[change:])
    tried = [with_shadow(policy, world.shadow)] * before + [with_shadow(policy, other)] * after
    fields, raised = asyncio.run(_by_steps(tried, world.steps))
    begun, expected = asyncio.run(_by_steps([policy] * before + [with_shadow(policy, other)] * after, world.steps))
    _, of_first = asyncio.run(_by_steps([with_shadow(policy, world.shadow)] * before, world.steps[:change]))

    # The version of a write is made of the time at which it is written.
    stored = [{name: value for name, value in each.items() if name != "_v"} for each in (fields, begun)]
    assert stored[0] == stored[1] or not after
    assert _of_shadow(raised) == _in_order([*_of_shadow(of_first), *_of_shadow(expected)])


def _of_shadow(transitions: Iterable[Transition]) -> list[Transition]:
    """Give what the shadow has raised, as it would be by a policy alone."""
    raised = [each for each in transitions if not isinstance(each, BandChange) and each.score_name == SHADOW]
    return _in_order([replace(each, score_name="") for each in raised])


def _in_order(transitions: Iterable[Transition]) -> list[Transition]:
    """Sort transitions by time: those of one batch are, where several scores are judged."""
    return sorted(transitions, key=lambda each: (each.occurred_at, repr(each)))


async def _by_steps(policies: Sequence[Policy], steps: Sequence[Step]) -> tuple[Mapping[str, str], list[Transition]]:
    store, raised = MemoryStore(policies[0] if policies else parse_policy("")), list[Transition]()
    for policy, (batch, now) in zip(policies, steps, strict=True):
        store.follow(policy, "")
        [record] = await store.load([CUSTOMER])
        raised += advance(policy, record.state, Reader(policy).read(batch), Moment(now)).transitions
        await store.apply([GroupWrite(0, customers={CUSTOMER: record})], now)
    return store.hashes.get(CUSTOMER, {}), raised


@given(drawn(linked=True), st.data())
@settings(max_examples=120, deadline=None)
def test_linked_ids_are_judged_by_the_shadow_as_if_it_were_alone(world: Drawn, data: st.DataObject) -> None:
    owners = [data.draw(st.booleans()) for _ in world.steps]
    when = data.draw(st.integers(len(world.steps) // 2, len(world.steps)))
    both = with_shadow(world.policies[0], world.shadow)
    state, raised = _linked(both, world.steps, owners, when)
    alone, expected = _linked(world.shadow, world.steps, owners, when)

    view = (state.named or {}).get(SHADOW, CustomerState())
    stands = [(each.score, each.band, each.armed, _reports(each), each.held, each.last_alert) for each in (view, alone)]
    assert stands[0] == stands[1]
    others = _in_order(each for each in expected if not isinstance(each, BandChange))
    assert _without_ids(_of_shadow(raised)) == _without_ids(others)


def _reports(state: CustomerState) -> list[Report] | None:
    """Give the reports of the open episode without their ids, which name the score."""
    return [each._replace(made="") for each in state.episode.reports] if state.episode is not None else None


def _without_ids(transitions: Iterable[Transition]) -> list[Transition]:
    """Give transitions without the ids of the reports before them."""
    return [
        replace(each, earlier=tuple([report._replace(made="") for report in each.earlier]))
        for each in transitions
        if not isinstance(each, BandChange)
    ]


def _linked(
    policy: Policy, steps: Sequence[Step], owners: Sequence[bool], when: int
) -> tuple[CustomerState, list[Transition]]:
    """Give the batches to two ids, which are linked in between."""
    mine, theirs, raised = CustomerState(), CustomerState(), list[Transition]()
    for number, ((batch, now), owned) in enumerate(zip(steps, owners, strict=True)):
        events: Sequence[Event] = Reader(policy).read(batch)
        if number == when:
            mine, theirs = _stored(policy, mine), _stored(policy, theirs)
            raised += merge(policy, ("mine", mine), ("theirs", theirs), Moment(now)).own
        state = mine if owned or number >= when else theirs
        told = advance(policy, state, events, Moment(max(now, state.judged))).transitions
        raised += told if state is mine else ()
    if when == len(steps):
        mine, theirs = _stored(policy, mine), _stored(policy, theirs)
        raised += merge(policy, ("mine", mine), ("theirs", theirs), Moment(steps[-1].now)).own
    return mine, raised


def _stored(policy: Policy, state: CustomerState) -> CustomerState:
    """Write a state and read it back, without what ids its reports have."""
    words = encode(policy, CustomerRecord(state), "a")[0]
    return decode(policy, dict(zip(words[::2], words[1::2], strict=True))).state
