"""Measures and sessions through the stores: written as they change, gone as they end, begun on customers of before."""

from __future__ import annotations

from scoring.rules.details import Detail
from streams.store.protocol import CustomerRecord, Store
from tests.contract.conftest import Stores
from tests.contract.records import engaged, write
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with

MEASURES = """
[measures.visits]
kind = "sessions"
channel = "web"
[measures.duration]
kind = "session_duration"
channel = "web"
[measures.seen]
kind = "ratio"
of = ["social.post"]
to = ["social.impression"]
times = 100
[measures.posting]
kind = "panes"
of = ["social.post"]
over = "2d"
"""
WITH_MEASURES = policy_with(
    ('version = "by-hand"', 'version = "measured"'),
    ('topic = "web"', 'topic = "web"\nsessions = "30m"'),
    text=POLICY + MEASURES,
)
NAMES = {"visits", "duration", "seen", "posting"}


async def measures_of(store: Store) -> dict[str, str]:
    """Read the measures that are published."""
    record = await store.read("anna")
    assert record is not None
    return {name: value for name, value in record.fields.items() if name in NAMES}


async def judge(store: Store, now: str, *events: tuple[str, str]) -> None:
    """Load the customer, judge and store her, as a worker does that has not cached her."""
    [record] = await store.load(["anna"])
    anna = Customer(WITH_MEASURES)
    anna.state = record.state
    anna.judge(now, *[anna.event(*event) for event in events])
    await write(store, anna=record)


async def test_measures_are_written_as_they_change_and_removed_as_they_end(stores: Stores) -> None:
    store = await stores.open(WITH_MEASURES)
    await judge(store, "01 12:00", ("view", "01 09:00"), ("view", "01 09:10"), ("impression", "01 09:00"))
    assert await measures_of(store) == {"visits": "1", "duration": "600", "seen": "0"}
    await judge(store, "02 12:00", ("post", "01 10:00"), ("view", "02 00:10"), ("view", "01 23:50"))
    assert await measures_of(store) == {"visits": "2", "duration": "900", "seen": "100", "posting": "1"}
    await judge(store, "03 00:00")
    assert await measures_of(store) == {"visits": "2", "duration": "900", "seen": "100"}
    await judge(store, "04 00:00")
    assert await measures_of(store) == {"visits": "1", "duration": "0"}
    await judge(store, "08 00:00")
    assert await measures_of(store) == {}
    assert {name[:2] for name in await stores.hash_of("anna") if name.startswith(b"_")} == {b"_v", b"_s", b"_a", b"_f"}


async def test_a_cached_customer_is_written_as_one_who_was_loaded(stores: Stores) -> None:
    store = await stores.open(WITH_MEASURES)
    anna = Customer(WITH_MEASURES)
    record = CustomerRecord(anna.state)
    anna.do("view", "01 09:00")
    await write(store, anna=record)
    anna.do("view", "01 09:20")
    anna.do("post", "02 09:20")
    await write(store, anna=record)
    [loaded] = await store.load(["anna"])
    assert loaded.state.visits == anna.state.visits
    assert await measures_of(store) == {"visits": "1", "duration": "1200", "posting": "1"}
    anna.judge("09 00:00")
    await write(store, anna=record)
    assert await measures_of(store) == {}
    assert not any(anna.state.visits.values())


async def test_a_customer_of_before_gets_measures_from_the_counts_that_are_there(store: Store, stores: Stores) -> None:
    await write(store, anna=engaged(posts=3, time="01 09:00")[1])
    second = await stores.open(WITH_MEASURES)
    await judge(second, "01 12:00", ("view", "01 11:00"), ("impression", "01 11:00"))
    assert await measures_of(second) == {"visits": "1", "duration": "0", "seen": "300", "posting": "1"}


async def test_measures_and_sessions_that_the_policy_has_no_more_are_removed(store: Store, stores: Stores) -> None:
    second = await stores.open(WITH_MEASURES)
    await judge(second, "01 12:00", ("view", "01 11:00"), ("post", "01 11:00"))
    assert any(name.startswith(b"_w") for name in await stores.hash_of("anna"))

    [record] = await store.load(["anna"])
    anna = Customer()
    anna.state = record.state
    anna.judge("01 13:00")
    await write(store, anna=record)
    assert await measures_of(store) == {}
    assert not any(name.startswith(b"_w") for name in await stores.hash_of("anna"))


async def test_a_customer_with_sessions_every_day_stays_compact(stores: Stores) -> None:
    policy = policy_with(
        ('length = "3d"', 'length = "30d"'),
        ('topic = "web"', 'topic = "web"\nsessions = "30m"'),
        text=POLICY + MEASURES,
    )
    store = await stores.open(policy)
    anna = Customer(policy)
    events = [
        anna.event(kind, f"{day:02} {hour:02}:{minute:02}")
        for day in range(1, 31)
        for hour in (8, 12, 19, 22)
        for kind, minute in (("view", 1), ("view", 5), ("buy", 12))
    ]
    anna.judge("30 23:59", *events)
    await write(store, anna=CustomerRecord(anna.state))
    fields = await stores.hash_of("anna")
    assert max(len(value) for value in fields.values()) <= 64
    assert (await measures_of(store))["visits"] == "120"
    if not stores.in_memory:
        assert await stores.encoding_of("anna") == "listpack"


async def test_what_a_measure_needs_of_an_event_kept_aside_is_kept_with_it(stores: Stores) -> None:
    policy = policy_with(
        ('version = "by-hand"', 'version = "spent"'),
        text=POLICY + '[measures.spent]\nkind = "sum"\nof = ["web.buy"]\nproperty = "amount"\n',
    )
    store = await stores.open(policy)
    anna = Customer(policy)
    event = anna.event("buy", "02 12:00")
    (amount,) = policy.types[event.code].amounts
    anna.judge("02 11:00", anna.event("view", "02 10:00"), event.with_detail(Detail(((amount.code, 7_500_000),))))
    await write(store, anna=CustomerRecord(anna.state))
    [record] = await store.load(["anna"])
    anna.state = record.state
    anna.judge("02 12:00")
    await write(store, anna=record)
    read = await store.read("anna")
    assert read is not None
    assert read.fields["spent"] == "7.5"
    assert at("02 12:00") == anna.state.last_event_at
