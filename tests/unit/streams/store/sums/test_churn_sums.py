"""What writes add to the sums of who comes and goes by the rule of the policy, one write after the other."""

from __future__ import annotations

from scoring.events.event import Event
from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.channels import type_code
from scoring.policy.policy import Policy
from streams.store.memory.store import MemoryStore
from tests.contract.records import write
from tests.unit.scoring.customers import POLICY, at, policy_with

BY_SILENCE = policy_with(text=POLICY + '[kpi.churn]\nafter = "3d"\n')
BY_EVENTS = policy_with(text=POLICY + '[kpi.churn]\nafter = "5d"\nby = ["web.complain"]\n')
FIRST = at("01 00:00") // DAY
#: Who came on the 1st, and ended it on the same day.
ENDED = {"n1": 1, "l1": 1, "s1.1": 1}


async def did(store: MemoryStore, policy: Policy, time: str, kind: str) -> dict[str, int]:
    """Let a customer do something, and give the sums, by the number of the day in the month."""
    [record] = await store.load(["anna"])
    advance(policy, record.state, [Event(at(time), type_code("web", kind), "")], Moment(at(time)))
    await write(store, anna=record)
    return {
        field[0] + ".".join([str(int(day) - FIRST + 1) for day in field[1:].split(".")]): count
        for field, count in (await store.kpi.churn()).items()
    }


async def test_an_event_that_ends_the_relation_counts_though_its_day_was_active_before() -> None:
    store = MemoryStore(BY_EVENTS)
    assert await did(store, BY_EVENTS, "01 09:00", "buy") == {"n1": 1, "l6": 1, "s1.6": 1}
    assert await did(store, BY_EVENTS, "01 10:00", "complain") == ENDED
    assert await did(store, BY_EVENTS, "02 10:00", "complain") == ENDED
    assert await did(store, BY_EVENTS, "03 10:00", "buy") == ENDED | {"r3": 1, "l8": 1, "s3.8": 1}


async def test_another_rule_takes_out_what_the_one_before_has_added() -> None:
    store = MemoryStore(BY_EVENTS)
    await did(store, BY_EVENTS, "01 09:00", "buy")
    await did(store, BY_EVENTS, "01 10:00", "complain")
    store.follow(BY_SILENCE, "")
    # The events that end it are still known, and say nothing now.
    assert await did(store, BY_SILENCE, "02 09:00", "view") == {"n1": 1, "l5": 1, "s1.5": 1}
    store.follow(BY_EVENTS, "")
    assert await did(store, BY_EVENTS, "02 10:00", "view") == ENDED | {"r2": 1, "l7": 1, "s2.7": 1}
    plain = policy_with(text=POLICY)
    store.follow(plain, "")
    assert await did(store, plain, "02 11:00", "view") == {}
