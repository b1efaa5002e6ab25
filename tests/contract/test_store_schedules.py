"""Schedules: who changes by silence, and when."""

from __future__ import annotations

from streams.store.protocol import CustomerRecord, GroupWrite, Store
from tests.contract.conftest import Stores
from tests.contract.records import WALL, engaged, write, write_all
from tests.unit.scoring.customers import Customer, at


async def due(store: Store, until: str, *, crossing: bool = True, limit: int = 99, worker: str = "w") -> list[str]:
    """List who is due, of all groups."""
    return [
        name
        for group in range(store.groups)
        for name in await store.due(group, crossing=crossing, until=at(until), limit=limit, worker=worker)
    ]


def falling(time: str) -> CustomerRecord:
    """Give a customer who falls out of engaged three days after, and is scheduled for that."""
    anna, record = engaged(time=f"{time} 09:00")
    anna.judge(f"{int(time) + 1:02} 00:00")
    return record


async def test_a_crossing_is_due_at_its_time_and_not_before(store: Store) -> None:
    await write(store, anna=falling("01"))

    assert await due(store, "03 23:59:59.999999") == []
    assert await due(store, "04 00:00") == ["anna"]
    assert await due(store, "09 00:00") == ["anna"]
    assert await due(store, "09 00:00", crossing=False) == []


async def test_any_other_change_is_a_refresh(store: Store) -> None:
    await write(store, anna=engaged()[1])

    assert await due(store, "02 00:00") == []
    assert await due(store, "01 23:59:59.999999", crossing=False) == []
    assert await due(store, "02 00:00", crossing=False) == ["anna"]


async def test_who_is_due_first_comes_first_and_no_more_than_asked_for(store: Store) -> None:
    group = store.group_of("anna")
    names = [name for name in map(str, range(2000)) if store.group_of(name) == group][:6]
    days = {name: f"{1 + index * 5 % 6:02}" for index, name in enumerate(names)}
    await write_all(store, {name: falling(day) for name, day in days.items()})
    ordered = sorted(names, key=days.__getitem__)

    assert await store.due(group, crossing=True, until=WALL * 2, limit=99, worker="w") == ordered
    assert await store.due(group, crossing=True, until=WALL * 2, limit=2, worker="w") == ordered[:2]


async def test_each_group_has_its_own(store: Store) -> None:
    await write_all(store, {str(number): falling("01") for number in range(500)})

    for group in range(store.groups):
        found = await store.due(group, crossing=True, until=WALL, limit=999, worker="w")
        assert found
        assert {store.group_of(name) for name in found} == {group}


async def test_an_entry_moves_with_the_customer_and_goes_when_nothing_is_due(store: Store) -> None:
    anna, record = engaged()
    await write(store, anna=record)
    seen = []
    for now in ("02 00:00", "04 00:00", "05 00:00"):
        anna.judge(now)
        await write(store, anna=record)
        seen.append((await due(store, "09 00:00", crossing=False), await due(store, "09 00:00")))
        assert await due(store, now) == await due(store, now, crossing=False) == []

    assert seen == [([], ["anna"]), (["anna"], []), ([], [])]


async def test_an_entry_that_comes_forward_is_due_earlier(store: Store) -> None:
    record = falling("02")
    await write(store, anna=record)
    anna = Customer()
    anna.state = record.state
    anna.do("post", "01 10:00", now="03 01:00")
    anna.judge("03 02:00")
    await write(store, anna=record)

    assert [await due(store, "04 00:00"), await due(store, "04 00:00", crossing=False)].count(["anna"]) == 1


async def test_a_write_that_changes_no_schedule_leaves_it_alone(store: Store) -> None:
    record = falling("01")
    await write(store, anna=record)
    [record] = await store.load(["anna"])
    await write(store, anna=record)

    assert await due(store, "04 00:00") == ["anna"]


async def test_one_worker_at_a_time_gets_a_group(store: Store, stores: Stores) -> None:
    await write(store, anna=falling("01"))
    rival = await stores.open()
    assert await due(store, "04 00:00", worker="one") == ["anna"]

    assert await due(rival, "04 00:00", worker="two") == []
    assert await due(rival, "04 00:00", worker="two", crossing=False) == []
    assert await due(store, "04 00:00", worker="one") == ["anna"]


async def test_who_finds_nothing_due_keeps_nobody_away(store: Store) -> None:
    await write(store, anna=falling("01"))
    assert await due(store, "03 00:00", worker="one") == []

    assert await due(store, "04 00:00", worker="two") == ["anna"]


async def test_a_refused_write_schedules_nothing(store: Store) -> None:
    await write(store, anna=engaged()[1])
    stale = falling("01")
    await store.apply([GroupWrite(store.group_of("anna"), customers={"anna": stale})], WALL)

    assert await due(store, "09 00:00") == []
    assert await due(store, "09 00:00", crossing=False) == ["anna"]


async def test_who_was_deleted_can_be_taken_off_the_schedules(store: Store, stores: Stores) -> None:
    await write(store, falls=falling("01"), changes=engaged()[1], stays=falling("01"))
    names = ["falls", "changes", "stays", "nobody"]
    for name in names[:2]:
        await stores.delete(name)
    for group in range(store.groups):
        await store.unschedule(group, {name: "" for name in names if store.group_of(name) == group})

    assert await due(store, "09 00:00") == ["stays"]
    assert await due(store, "09 00:00", crossing=False) == []
