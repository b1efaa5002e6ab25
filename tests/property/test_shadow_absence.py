"""Absences by a shadow policy: raised as by an engine that runs that policy alone, and found by the schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.events.event import Event
from scoring.instants import DAY, HOUR
from scoring.judging.alerts import Alert
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.policy.shadow import SHADOW, with_shadow
from scoring.rules.absence import WHOLE_DAY, AbsenceRule, SegmentClock
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from tests.unit.scoring.customers import POLICY

PLAIN = parse_policy(POLICY)
FIRST, LAST = 19_700, 19_745
_BUY = next(code for code, kind in PLAIN.types.items() if kind.name == "buy")
_HISTORIES = st.lists(st.sets(st.integers(FIRST, FIRST + 40), max_size=15), min_size=1, max_size=4)
_RULES = st.builds(
    AbsenceRule,
    share=st.sampled_from([0, 500_000, WHOLE_DAY]),
    margin=st.sampled_from([1, 500_000, WHOLE_DAY, 2 * WHOLE_DAY]),
    memory=st.integers(1, 30),
    at_most=st.sampled_from([0, 1_500_000, 365 * WHOLE_DAY]),
)

#: The score, the customer, the kind, the day that it is about, and the day on which it came.
Told = tuple[str, int, str, int, int]


async def live(
    before: Policy, after: Policy, begins: int, histories: Sequence[set[int]], clock: SegmentClock
) -> list[Told]:
    """Live through the days: customers are judged when they do something, and when the schedule names them."""
    store, told = MemoryStore(before), list[Told]()

    async def judge(policy: Policy, who: int, day: int, *events: Event) -> None:
        [record] = await store.load([str(who)])
        if not events and not record.version:
            return
        moment = Moment(day * DAY + HOUR, clocks={"": clock.until(day)})
        outcome = advance(policy, record.state, events, moment)
        told.extend(
            (each.score_name, who, each.kind, each.about // DAY, each.occurred_at // DAY)
            for each in outcome.transitions
            if isinstance(each, Alert) and each.kind in ("absent", "returned")
        )
        await store.apply([GroupWrite(0, customers={str(who): record})], moment.now)

    for day in range(FIRST, LAST):
        policy = before if day < begins else after
        store.follow(policy, "")
        everybody = range(len(histories)) if day == begins else ()
        for who in everybody:
            await judge(policy, who, day)
        for who, days in enumerate(histories):
            if day in days:
                await judge(policy, who, day, Event(day * DAY + HOUR, _BUY, "", None))
        for _ in range(2):
            due = await store.absences.due(0, {"": clock.until(day).at(day)}, 99, "worker")
            for name in due if policy.absence is not None else ():
                await judge(policy, int(name), day)
        assert policy.absence is None or not await store.absences.due(0, {"": clock.at(day)}, 99, "worker")
    return sorted(told)


@given(_RULES, _RULES, _HISTORIES, st.integers(FIRST, LAST), st.data())
@settings(max_examples=150, deadline=None)
def test_absences_by_the_shadow_are_those_of_its_policy_alone(
    rule: AbsenceRule, tried: AbsenceRule, histories: list[set[int]], begins: int, data: st.DataObject
) -> None:
    passed = data.draw(st.lists(st.sampled_from([0, 300_000, WHOLE_DAY]), min_size=45, max_size=45))
    clock = SegmentClock(FIRST, [sum(passed[:day]) for day in range(46)])
    policy, shadow = replace(PLAIN, absence=rule), replace(PLAIN, version="tried", absence=tried)
    alone = asyncio.run(live(PLAIN, shadow, begins, histories, clock))
    usual = asyncio.run(live(policy, policy, begins, histories, clock))
    told = asyncio.run(live(policy, with_shadow(policy, shadow), begins, histories, clock))

    event(f"the shadow raises some: {bool(alone)}")
    assert [each for each in told if not each[0]] == usual
    assert [("", *each[1:]) for each in told if each[0] == SHADOW] == alone
