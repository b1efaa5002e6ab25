"""Customers: versions, and the fields and bands that applications read."""

from __future__ import annotations

import pytest

from scoring.policy.policy import BANDS
from streams.errors import VersionMoved
from streams.store.protocol import CustomerRecord, GroupWrite, Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, WALL, engaged, group_write, move, write, write_all
from tests.unit.scoring.customers import Customer, at

ODD_IDS = [
    "a:b",
    "{a}",
    "a{b}c",
    "}{",
    "two\nlines",
    "\0",
    " ",
    "😀" * 64,
    "x" * 256,
    "customer:anna",
    "*",
    "é",
    "\u202e",
]


async def fields_of(store: Store, customer: str = "anna") -> dict[str, str]:
    """Read what applications read."""
    record = await store.read(customer)
    assert record is not None
    return dict(record.fields)


async def test_an_unknown_customer_has_no_score_and_no_version(store: Store) -> None:
    assert await store.read("anna") is None
    [record] = await store.load(["anna"])
    assert (record.version, record.state.judged) == ("", -1)


async def test_a_scored_customer_has_the_fields_of_the_contract(store: Store) -> None:
    anna, record = engaged(posts=7)
    anna.do("buy", "02 10:30", 1, now="02 11:00")
    await write(store, anna=record)

    assert await fields_of(store) == {
        "score": "18.5",
        "band": "engaged",
        "band_since": "2024-01-01T09:00:00Z",
        "previous_band": "disengaged",
        "web": "4.5",
        "social": "14",
        "trend": "4.5",
        "disengages_at": "2024-01-04T00:00:00Z",
        "last_event_at": "2024-01-02T10:30:00Z",
        "updated_at": "2024-01-02T11:00:00Z",
        "policy_version": "by-hand",
    }


async def test_all_that_is_stored_is_text_and_the_rest_is_internal(store: Store, stores: Stores) -> None:
    anna, record = engaged()
    anna.do("post", "02 09:00", event_id="x")
    await write(store, anna=record)

    names = {name.decode() for name in await stores.hash_of("anna")}
    assert all(value.decode("utf-8").isprintable() for value in (await stores.hash_of("anna")).values())
    assert {name for name in names if not name.startswith("_")} == set(await fields_of(store))


async def test_fields_follow_the_customer(store: Store) -> None:
    anna, record = engaged()
    await write(store, anna=record)
    anna.do("complain", "02 09:00")
    await write(store, anna=record)
    fallen = await fields_of(store)
    anna.judge("04 00:00")
    await write(store, anna=record)
    gone = await fields_of(store)

    assert (fallen["score"], fallen["band"], fallen["previous_band"]) == ("6", "disengaged", "engaged")
    assert (fallen["band_since"], fallen["disengages_at"], fallen["web"]) == ("2024-01-02T09:00:00Z", "", "-4")
    assert (gone["score"], gone["social"], gone["trend"]) == ("-4", "0", "-10")
    assert (gone["band"], gone["updated_at"]) == ("at_risk", "2024-01-04T00:00:00Z")


async def test_a_customer_who_has_never_changed_the_band_has_no_previous_one(store: Store) -> None:
    _, record = engaged(posts=1)
    await write(store, anna=record)

    fields = await fields_of(store)
    assert (fields["band"], fields["previous_band"], fields["disengages_at"]) == ("disengaged", "", "")
    assert fields["band_since"] == "2024-01-01T09:00:00Z"


async def test_what_was_stored_is_loaded_with_its_points_derived(store: Store) -> None:
    anna, record = engaged()
    anna.judge("01 10:00", anna.event("view", "02 09:00"), anna.event("post", "01 09:30", "x"))
    await write(store, anna=record)
    [loaded] = await store.load(["anna"])

    assert (loaded.state.score, loaded.state.channel_points) == (anna.state.score, anna.state.channel_points)
    assert (loaded.state.ahead, loaded.state.armed) == (anna.state.ahead, True)
    assert loaded.state.seen.chunks == anna.state.seen.chunks
    assert loaded.version == record.version != ""


async def test_customers_are_loaded_in_the_order_asked_for(store: Store) -> None:
    scores = {f"c{number}": 1 + number % 7 for number in range(0, 1200, 2)}
    await write_all(store, {name: engaged(posts)[1] for name, posts in scores.items()})
    asked = [f"c{number}" for number in range(1203)][::-1]

    loaded = await store.load([*asked, "c4"])
    expected = [2_000_000 * scores.get(name, 0) for name in [*asked, "c4"]]
    assert [record.state.score for record in loaded] == expected
    assert await store.load([]) == []


@pytest.mark.parametrize("customer", ODD_IDS)
async def test_a_customer_may_have_any_id(store: Store, stores: Stores, customer: str) -> None:
    anna, record = engaged()
    anna.judge("02 00:00")
    other = engaged(posts=2)[1]
    await write_all(store, {customer: record, "someone else": other})

    assert (await fields_of(store, customer))["score"] == "10"
    assert (await store.load([customer]))[0].version == record.version
    assert await stores.band("engaged") == {customer: at("01 09:00") // 1_000_000}
    assert await store.due(store.group_of(customer), crossing=True, until=WALL, limit=9, worker="w") == [customer]
    assert 0 <= store.group_of(customer) < store.groups


async def test_of_two_writers_the_second_is_refused_and_writes_nothing(store: Store) -> None:
    await write(store, anna=engaged()[1])
    [first], [second] = await store.load(["anna"]), await store.load(["anna"])
    one, two = Customer(), Customer()
    one.state, two.state = first.state, second.state
    one.do("buy", "01 10:00")
    two.do("complain", "01 11:00", 3)
    await write(store, anna=first)
    [refusal] = await store.apply([group_write(store, "anna", second, move(CLICKS, None, 9))], WALL)

    assert isinstance(refusal, VersionMoved)
    assert refusal.customers == ("anna",)
    assert (await fields_of(store))["score"] == "14.5"
    assert (await store.fences([CLICKS]))[CLICKS] == [None] * store.groups
    assert await store.band_counts() == {band: int(band == "engaged") for band in BANDS}


async def test_a_refusal_names_all_who_have_been_written_and_nobody_else(store: Store, stores: Stores) -> None:
    group = store.group_of("anna")
    names = ["anna", *[name for name in map(str, range(2000)) if store.group_of(name) == group][:5]]
    records = {name: engaged()[1] for name in names}
    await write_all(store, records)
    rival = await stores.open()
    for record, name in zip(await rival.load(names[1:3]), names[1:3], strict=True):
        await write_all(rival, {name: record})
    [refusal] = await store.apply([GroupWrite(group, (), {}, records)], WALL)

    assert isinstance(refusal, VersionMoved)
    assert set(refusal.customers) == set(names[1:3])


async def test_a_stranger_whom_two_workers_meet_is_written_by_one(store: Store) -> None:
    await write(store, anna=engaged()[1])
    [refusal] = await store.apply([group_write(store, "anna", engaged(posts=1)[1])], WALL)

    assert isinstance(refusal, VersionMoved)
    assert (await fields_of(store))["score"] == "10"


async def test_a_customer_who_has_been_forgotten_is_not_written_by_a_stale_record(store: Store, stores: Stores) -> None:
    _, record = engaged()
    record.version = "gone1"
    [refusal] = await store.apply([group_write(store, "anna", record)], WALL)

    assert isinstance(refusal, VersionMoved)
    assert await stores.hash_of("anna") == {}


async def test_every_write_has_a_version_of_its_own(store: Store, stores: Stores) -> None:
    rival = await stores.open()
    versions = []
    for opened in (store, rival, store, rival):
        [record] = await opened.load(["anna"])
        await write(opened, anna=record)
        versions.append(record.version)

    assert len(set(versions)) == 4


async def test_a_customer_moves_from_band_to_band_with_the_second_of_entry(store: Store, stores: Stores) -> None:
    anna, record = engaged()
    await write(store, anna=record)
    assert await stores.band("engaged") == {"anna": at("01 09:00") // 1_000_000}

    anna.do("quit", "01 12:00:07.75")
    await write(store, anna=record)
    assert await stores.band("engaged") == {}
    assert await stores.band("at_risk") == {"anna": at("01 12:00:07") // 1_000_000}
    assert await store.band_counts() == {band: int(band == "at_risk") for band in BANDS}


async def test_a_band_that_was_left_and_entered_again_between_two_writes_has_the_new_time(
    store: Store, stores: Stores
) -> None:
    anna, record = engaged()
    await write(store, anna=record)
    [record] = await store.load(["anna"])
    anna.state = record.state
    anna.do("complain", "01 10:00")
    anna.do("post", "01 11:00", 3)
    await write(store, anna=record)

    assert (await fields_of(store))["band_since"] == "2024-01-01T11:00:00Z"
    assert await stores.band("engaged") == {"anna": at("01 11:00") // 1_000_000}


async def test_a_band_that_was_left_and_entered_again_at_one_time_has_the_new_previous_band(store: Store) -> None:
    anna, record = engaged()
    await write(store, anna=record)
    anna.do("post", "01 09:00", 5)
    anna.do("complain", "01 09:00")
    await write(store, anna=record)

    fields = await fields_of(store)
    assert (fields["band"], fields["previous_band"]) == ("engaged", "highly_engaged")


async def test_nobody_is_counted_where_nobody_is(store: Store) -> None:
    assert await store.band_counts() == dict.fromkeys(BANDS, 0)


async def test_a_customer_whose_events_lie_ahead_has_no_score_yet(store: Store, stores: Stores) -> None:
    anna = Customer()
    anna.judge("01 09:00", anna.event("post", "02 09:00"))
    record = CustomerRecord(anna.state)
    await write(store, anna=record)
    assert await store.read("anna") is None
    assert [await stores.band(band) for band in BANDS] == [{}] * 5

    [record] = await store.load(["anna"])
    anna.state = record.state
    anna.judge("02 09:00")
    await write(store, anna=record)
    assert (await fields_of(store))["score"] == "2"
    assert (await fields_of(store))["policy_version"] == "by-hand"
    assert list(await stores.band("disengaged")) == ["anna"]


async def test_what_is_over_is_removed(store: Store, stores: Stores) -> None:
    anna, record = engaged()
    anna.do("complain", "01 10:00", event_id="x")
    anna.do("post", "01 11:00", 3)
    anna.judge("01 12:00", anna.event("complain", "01 12:00"), anna.event("post", "02 12:00"))
    await write(store, anna=record)
    assert {name[:2] for name in await stores.hash_of("anna") if name.startswith(b"_")} == {
        *(b"_v", b"_s", b"_p", b"_i", b"_a", b"_q", b"_h")
    }

    [record] = await store.load(["anna"])
    anna.state = record.state
    anna.judge("20 00:00")
    await write(store, anna=record)
    # The episode of the alert is open.
    assert {name[:2] for name in await stores.hash_of("anna") if name.startswith(b"_")} == {b"_v", b"_s", b"_a", b"_e"}
