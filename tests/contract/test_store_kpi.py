"""Sums over customers: what every store adds with a write, takes away with an erasure, and folds."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from scoring.customer.activity import Activity, contribution
from scoring.figures.kpi import Sums
from streams.errors import FenceMoved, VersionMoved
from streams.store.protocol import CustomerRecord, Store
from streams.store.redis.store import RedisStore
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, WALL, engaged, group_write, move, write, write_all
from tests.unit.scoring.customers import Customer, at

FIRST = at("01 00:00") // 86_400_000_000
"""The number of the first day of January 2024."""
ENGAGED_ON_THE_FIRST = {
    f"d{FIRST}": 1,
    f"w{FIRST}": 1,
    f"w{FIRST + 7}": -1,
    f"n{FIRST}": 1,
    f"l{FIRST + 30}": 1,
    f"s{FIRST}.{FIRST + 30}": 1,
    f"f{FIRST}.-1": 1,
    f"f{FIRST}.12": 1,
}


async def sums(store: Store) -> dict[str, int]:
    """Read all sums."""
    return await store.kpi.sums(spells=True)


async def test_a_write_adds_what_its_customers_gain_and_the_next_one_only_what_is_new(store: Store) -> None:
    anna, record = engaged()
    await write(store, anna=record)
    assert await sums(store) == ENGAGED_ON_THE_FIRST
    anna.do("post", "01 10:00")
    await write(store, anna=record)
    assert await sums(store) == ENGAGED_ON_THE_FIRST

    anna.do("post", "02 10:00")
    await write(store, anna=record)
    after = await sums(store)
    assert (after[f"d{FIRST}"], after[f"d{FIRST + 1}"]) == (1, 1)
    assert (after[f"l{FIRST + 31}"], after[f"s{FIRST}.{FIRST + 31}"]) == (1, 1)
    assert not {f"l{FIRST + 30}", f"s{FIRST}.{FIRST + 30}", f"w{FIRST + 7}"} & after.keys()


async def test_sums_are_what_all_stored_customers_make_together(store: Store) -> None:
    names = [f"customer-{number}" for number in range(50)]
    for number, name in enumerate(names):
        await write_all(store, {name: engaged(1 + number % 7, f"{1 + number % 5:02} 09:00")[1]})
    for name, record in zip(names, await store.load(names), strict=True):
        customer = Customer()
        customer.state = record.state
        customer.do("post", "07 09:00")
        await write_all(store, {name: record})

    expected: Counter[str] = Counter()
    for record in await store.load(names):
        assert not record.state.activity.gains
        expected.update(contribution(record.state.activity))
    assert await sums(store) == {field: count for field, count in expected.items() if count}
    assert Sums(await sums(store)).figures(FIRST + 6, FIRST + 6)[0].daily == 50


async def test_spells_are_left_out_where_they_are_not_asked_for(store: Store) -> None:
    await write(store, anna=engaged()[1])
    assert await store.kpi.sums() == {field: n for field, n in ENGAGED_ON_THE_FIRST.items() if field[0] != "s"}
    assert await store.kpi.sums("of nobody", spells=True) == {}


async def test_a_refused_write_adds_nothing_and_a_replayed_batch_nothing_again(store: Store) -> None:
    fences = [move(CLICKS, None, 10)]
    [refused] = await store.apply([group_write(store, "anna", engaged()[1], move(CLICKS, 5, 10))], WALL)
    assert isinstance(refused, FenceMoved)
    assert await sums(store) == {}
    assert await store.apply([group_write(store, "anna", engaged()[1], *fences)], WALL) == [None]
    [record] = await store.load(["anna"])
    [refused] = await store.apply([group_write(store, "anna", record, *fences)], WALL)
    assert isinstance(refused, FenceMoved)
    assert await sums(store) == ENGAGED_ON_THE_FIRST


async def test_what_is_refused_for_one_customer_is_kept_for_the_others_until_they_are_written(store: Store) -> None:
    others = [name for name in map(str, range(1000)) if store.group_of(name) == store.group_of("anna")]
    await write(store, anna=engaged()[1])
    stale, new = CustomerRecord(engaged()[0].state, version="of another time"), engaged()[1]
    both = group_write(store, "anna", stale)
    both.customers = {"anna": stale, others[0]: new}
    [refused] = await store.apply([both], WALL)
    assert isinstance(refused, VersionMoved)
    assert await sums(store) == ENGAGED_ON_THE_FIRST

    both.customers = {others[0]: new}
    assert await store.apply([both], WALL) == [None]
    assert await sums(store) == {field: 2 * count for field, count in ENGAGED_ON_THE_FIRST.items()}


async def test_an_erased_customer_leaves_nothing_in_the_sums(store: Store) -> None:
    await write(store, anna=engaged()[1], ben=engaged()[1])
    ben, record = engaged(5, "01 09:00")
    ben.do("quit", "04 12:00")
    [record] = await store.load(["ben"])
    customer = Customer()
    customer.state = record.state
    customer.do("quit", "04 12:00")
    customer.do("post", "06 12:00")
    await write(store, ben=record)
    assert len(await sums(store)) > len(ENGAGED_ON_THE_FIRST)

    await store.erase("ben", "digest", WALL, 0)
    assert await sums(store) == ENGAGED_ON_THE_FIRST
    await store.erase("ben", "digest", WALL, 0)
    await store.erase("nobody", "another digest", WALL, 1)
    assert await sums(store) == ENGAGED_ON_THE_FIRST


async def test_an_erasure_takes_out_what_was_written_while_it_began(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stores.in_memory:
        pytest.skip("it erases in one step")
    store = await stores.open()
    assert isinstance(store, RedisStore)
    anna, record = engaged()
    await write(store, anna=record, ben=engaged()[1])
    read, reads = store._fields_of, 0

    async def read_before_another_write(customer: str) -> dict[str, str]:
        nonlocal reads
        found = await read(customer)
        reads += 1
        if reads == 1:
            anna.do("post", "05 10:00")
            await write(store, anna=record)
        return found

    monkeypatch.setattr(store, "_fields_of", read_before_another_write)
    await store.erase("anna", "digest", WALL, 0)
    assert reads == 2
    assert await sums(store) == ENGAGED_ON_THE_FIRST


async def test_a_customer_who_cannot_be_read_leaves_the_sums_all_the_same(stores: Stores) -> None:
    store = await stores.open()
    await write(store, anna=engaged()[1], ben=engaged()[1])
    await stores.spoil("anna", "_s")
    await store.erase("anna", "digest", WALL, 0)
    assert await sums(store) == ENGAGED_ON_THE_FIRST


async def test_a_sum_that_somebody_has_made_unreadable_stops_no_write(stores: Stores) -> None:
    if stores.in_memory:
        pytest.skip("nobody else writes there")
    store = await stores.open()
    await write(store, anna=engaged()[1])
    await stores.set_field(f"_kpi:{store.group_of('anna')}", f"d{FIRST + 1}", "zzz")
    [record] = await store.load(["anna"])
    customer = Customer()
    customer.state = record.state
    customer.do("post", "02 10:00")
    await write(store, anna=record)
    assert (await sums(store))[f"d{FIRST + 1}"] == 1


async def test_a_customer_of_an_earlier_release_counts_from_the_next_write_on(store: Store) -> None:
    anna, record = engaged()
    record.state.activity = Activity()
    await write(store, anna=record)
    assert await sums(store) == {}

    [record] = await store.load(["anna"])
    anna.state = record.state
    anna.judge("01 10:00")
    await write(store, anna=record)
    expected = {field: count for field, count in ENGAGED_ON_THE_FIRST.items() if field[0] != "f"}
    assert await sums(store) == {**expected, f"f{FIRST}.-2": 1}


async def test_sums_fold_once_and_later_days_have_the_same_figures(store: Store) -> None:
    anna, record = engaged()
    for day in ("02", "03", "06"):
        anna.do("post", f"{day} 12:00")
    await write(store, anna=record, ben=engaged(6, "04 08:00")[1])
    days = FIRST + 3, FIRST + 50
    before, period = Sums(await sums(store)).figures(*days), Sums(await sums(store)).period(FIRST + 5, FIRST + 49)
    await store.kpi.fold("", FIRST + 3)
    folded = await sums(store)
    await store.kpi.fold("", FIRST + 3)
    assert await sums(store) == folded
    assert not {f"d{FIRST}", f"n{FIRST}", f"s{FIRST}.{FIRST + 35}"} & folded.keys()
    kept = Sums(folded)
    assert [figures.monthly for figures in kept.figures(*days)] == [figures.monthly for figures in before]
    assert [figures.weekly for figures in kept.figures(*days)] == [figures.weekly for figures in before]
    assert [figures.bands for figures in kept.figures(*days)] == [figures.bands for figures in before]
    assert kept.period(FIRST + 5, FIRST + 49) == period

    await store.erase("anna", "digest", WALL, 0)
    await store.erase("ben", "another", WALL, 1)
    await store.kpi.fold("", FIRST + 4)
    assert await sums(store) == {}


async def test_two_workers_who_fold_at_once_fold_once(stores: Stores) -> None:
    first, second = await stores.open(), await stores.open()
    await write(first, anna=engaged()[1], ben=engaged(1)[1])
    await asyncio.gather(first.kpi.fold("", FIRST + 40), second.kpi.fold("", FIRST + 40))
    assert await sums(first) == {"n0": 2, "l0": 2, "f0.-1": 2, "f0.12": 1}


async def test_figures_are_read_as_they_were_published(store: Store) -> None:
    assert await store.kpi.figures() == {}
    await store.kpi.publish("", {"day": "2024-01-01", "daily_active": "1"})
    await store.kpi.publish("pro", {"day": "2024-01-01", "daily_active": "0"})
    await store.kpi.publish("", {"day": "2024-01-02", "daily_active": "3"})
    assert await store.kpi.figures() == {"day": "2024-01-02", "daily_active": "3"}
    assert await store.kpi.figures("pro") == {"day": "2024-01-01", "daily_active": "0"}


async def test_one_worker_at_a_time_makes_the_figures(stores: Stores) -> None:
    first, second = await stores.open(), await stores.open()
    assert await first.kpi.take_turn(60_000)
    assert await second.kpi.take_turn(60_000) == stores.in_memory
