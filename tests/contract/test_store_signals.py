"""Signals in a store: what waits, is open or is held comes back as it was, and goes with the policy's signals."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.signals import Signal, SignalState, Standing
from scoring.judging.alerts import message
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord, Store
from tests.contract.conftest import Stores
from tests.contract.records import WALL, write, write_all
from tests.unit.scoring.customers import POLICY, Customer, at

TEXT = f"""{POLICY}
[signals.angry]
on = "web.complain"
quiet = "22:00-08:00"
cooldown = "2h"
[signals.cart]
after = "web.view"
without = "web.buy"
within = "1h"
[signals.upsell]
reaches = "power"
"""
SIGNALS = parse_policy(TEXT)


async def judged(store: Store, policy: Policy, now: str, *events: tuple[str, str], name: str = "anna") -> list[Signal]:
    """Load a customer, judge with events, each with its time as its id, and store; give the signals."""
    [record] = await store.load([name])
    assert not record.unreadable
    found = judge(record, policy, now, events)
    await write_all(store, {name: record})
    return found


def judge(record: CustomerRecord, policy: Policy, now: str, events: Sequence[tuple[str, str]]) -> list[Signal]:
    """Judge a loaded customer."""
    anna = Customer(policy)
    anna.state = record.state
    outcome = anna.judge(now, *[anna.event(kind, time, f"{kind} {time}") for kind, time in events])
    return [each for each in outcome.transitions if isinstance(each, Signal)]


def standing(signals: SignalState | None) -> tuple[str, int, dict[str, Standing]]:
    """Give all that is to be remembered."""
    assert signals is not None
    return signals.rules, signals.since, {code: each for code, each in signals.standings.items() if not each.empty}


async def test_what_is_remembered_comes_back_as_it_was(stores: Stores) -> None:
    store = await stores.open(SIGNALS)
    await judged(store, SIGNALS, "01 10:00", ("view", "01 09:00"), *[("post", f"01 09:{n}") for n in range(10, 30)])
    [record] = await store.load(["anna"])
    judge(record, SIGNALS, "01 22:45", [("view", "01 22:30"), ("complain", "01 22:40"), ("buy", "01 22:20")])
    await write(store, anna=record)
    [back] = await store.load(["anna"])

    assert standing(back.state.signals) == standing(record.state.signals)
    *_, found = standing(back.state.signals)
    parts = list(found.values())
    assert all(any(getattr(each, name) for each in parts) for name in ("answers", "waits", "reports", "held"))
    assert [each.name for each in await judged(store, SIGNALS, "02 08:00")] == ["cart", "angry"]


async def test_what_has_not_changed_is_not_written_again_and_what_was_not_stored_is(stores: Stores) -> None:
    store = await stores.open(SIGNALS)
    await judged(store, SIGNALS, "01 10:00", ("view", "01 10:00"))
    [record] = await store.load(["anna"])
    assert "_u" not in encode(SIGNALS, record, "a")[0]
    judge(record, SIGNALS, "01 11:00", [])
    assert "_u" in encode(SIGNALS, record, "b")[0]
    assert "_u" in encode(SIGNALS, record, "c")[0]
    await write(store, anna=record)
    assert "_u" not in encode(SIGNALS, record, "d")[0]


async def test_a_policy_without_signals_takes_the_field_away_and_stores_none(stores: Stores) -> None:
    store = await stores.open(SIGNALS)
    await judged(store, SIGNALS, "01 10:00", ("view", "01 10:00"))
    assert b"_u" in await stores.hash_of("anna")
    plain = parse_policy(POLICY.replace('"by-hand"', '"plain"'))
    store = await stores.open(plain)
    await judged(store, plain, "01 10:30", ("view", "01 10:30"))
    assert b"_u" not in await stores.hash_of("anna")


async def test_an_event_ahead_keeps_its_id(stores: Stores) -> None:
    store = await stores.open(SIGNALS)
    ben = Customer(SIGNALS)
    ben.judge("01 10:00", ben.event("complain", "01 10:00", "complain 01 10:00"))
    await judged(store, SIGNALS, "01 09:00", ("complain", "01 10:00"))
    [signal] = await judged(store, SIGNALS, "01 10:00")
    assert signal in ben.transitions
    assert signal.about


async def test_a_field_that_cannot_be_read_sets_the_customer_aside(stores: Stores) -> None:
    store = await stores.open(SIGNALS)
    await judged(store, SIGNALS, "01 10:00", ("view", "01 10:00"))
    for words in ("nonsense", "{}", "[1]", '["a",1,{"b":[1,2]}]'):
        await stores.spoil("anna", "_u", words)
        [record] = await store.load(["anna"])
        assert "_u" in record.unreadable, words


async def test_a_link_raises_nothing_and_an_answer_closes_the_signals_of_both(stores: Stores) -> None:
    linking = parse_policy(f"{TEXT}\n[identities]\n")
    store = await stores.open(linking)
    raised = []
    for name, time in (("anna", "01 09:00"), ("cookie", "01 10:00")):
        await judged(store, linking, time, ("view", time), name=name)
        raised += [(name, each) for each in await judged(store, linking, "01 12:00", name=name)]
    anna, cookie = await store.load(["anna", "cookie"])
    told = merge(linking, ("anna", anna.state), ("cookie", cookie.state), Moment(at("01 12:00")))
    assert [each for each in (*told.linked, *told.own) if isinstance(each, Signal)] == []
    await write(store, anna=anna)
    [ended] = await judged(store, linking, "01 13:00", ("buy", "01 13:00"))
    ids = [message(name, each, WALL, "")["signal_id"] for name, each in raised]
    assert message("anna", ended, WALL, "")["closes"] == ids
    assert len(set(ids)) == 2
