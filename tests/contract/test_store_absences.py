"""Absences in a store: sums of members, clocks, and schedules by what a clock has come to."""

from __future__ import annotations

import pytest

from scoring.customer.absence_days import member_fields
from scoring.customer.episodes import Report
from scoring.instants import DAY
from scoring.policy.policy import Policy
from scoring.rules.absence import SegmentClock
from streams.errors import FenceMoved
from streams.policy_file.document import parse_policy
from streams.store.protocol import CustomerRecord, GroupWrite, LinkWrite, Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, WALL, move, write
from tests.unit.scoring.customers import POLICY, Customer, at

TEXT = POLICY.replace('cooldown = "12h"', 'cooldown = "12h"\nabsence = { members_within = "9d" }')
DAY_1 = at("01 00:00") // DAY
DUE = 2_000_000


def policy(text: str = TEXT) -> Policy:
    return parse_policy(text)


def came(*days: int, by: Policy | None = None, record: CustomerRecord | None = None) -> CustomerRecord:
    """Give a customer who has come on some days of January."""
    anna = Customer(by or policy())
    record = record or CustomerRecord(anna.state)
    anna.state = record.state
    for day in days:
        anna.do("post", f"{day:02} 09:00")
    return record


async def due(store: Store, reading: int, segment: str = "", worker: str = "w") -> list[str]:
    """List who is to be looked at by a reading of a clock, of all groups."""
    return [
        name
        for group in range(store.groups)
        for name in await store.absences.due(group, {segment: reading}, 99, worker)
    ]


async def members(store: Store, within: int = 9, segment: str = "") -> dict[str, int] | None:
    return await store.absences.members(within, segment, 0, {})


async def test_who_comes_is_in_the_sums_and_scheduled_by_the_clock(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1, 3), bert=came(2))

    assert await members(store) == {
        field: member_fields(9, [DAY_1, DAY_1 + 2]).get(field, 0) + member_fields(9, [DAY_1 + 1]).get(field, 0)
        for field in {*member_fields(9, [DAY_1, DAY_1 + 2]), *member_fields(9, [DAY_1 + 1])}
        if member_fields(9, [DAY_1, DAY_1 + 2]).get(field, 0) + member_fields(9, [DAY_1 + 1]).get(field, 0)
    }
    assert await due(store, DUE - 1) == []
    assert sorted(await due(store, DUE)) == ["anna", "bert"]
    assert await due(store, DUE, "elsewhere") == []


async def test_only_one_worker_at_a_time_gets_those_of_a_group(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1))

    assert await due(store, DUE) == ["anna"]
    assert await due(store, DUE, worker="other") == []


async def test_what_is_stored_goes_on_where_it_was(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1, 3))
    [loaded] = await store.load(["anna"])
    standing = loaded.state.absence
    assert standing is not None
    assert (standing.told, standing.open, standing.since, standing.due) == (-1, -1, -1, DUE)

    await write(store, anna=came(4, record=loaded))
    days = [DAY_1, DAY_1 + 2, DAY_1 + 3]
    assert await members(store) == member_fields(9, days)


async def test_an_open_absence_goes_on_with_the_alerts_that_its_end_closes(stores: Stores) -> None:
    store = await stores.open(policy())
    record, reports = came(1), tuple([Report("absent", DAY_1 * DAY, made) for made in ("id-of-a-cookie", "another")])
    assert record.state.absence is not None
    record.state.absence.told, record.state.absence.reports = DAY_1, reports
    await write(store, anna=record)

    [loaded] = await store.load(["anna"])
    assert loaded.state.absence is not None
    assert (loaded.state.absence.open, loaded.state.absence.reports) == (DAY_1, reports)


async def test_an_erased_customer_leaves_sums_and_schedule(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1, 3), bert=came(2))
    await store.erase("anna", "digest", WALL, 0)

    assert await members(store) == member_fields(9, [DAY_1 + 1])
    assert await due(store, DUE) == ["bert"]


async def test_by_a_policy_without_absences_a_customer_leaves_sums_and_schedule(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1, 3))

    plain = policy(POLICY)
    store = await stores.open(plain)
    [loaded] = await store.load(["anna"])
    await write(store, anna=came(4, by=plain, record=loaded))
    assert (await members(store), await due(store, DUE)) == ({}, [])
    assert not {b"_b", b"absent_at", b"absent_at_earliest"} & (await stores.hash_of("anna")).keys()


async def test_by_another_membership_a_customer_is_counted_in_other_sums(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1, 3))

    other = policy(TEXT.replace('"9d"', '"5d"'))
    store = await stores.open(other)
    [loaded] = await store.load(["anna"])
    await write(store, anna=came(4, by=other, record=loaded))
    assert await members(store) == {}
    assert await members(store, 5) == member_fields(5, [DAY_1, DAY_1 + 2, DAY_1 + 3])


async def test_a_linked_id_leaves_sums_and_schedule(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1, 3), bert=came(2))
    [anna, bert] = await store.load(["anna", "bert"])
    link = LinkWrite("anna", anna.version, "bert", came(4, record=bert), {"bert": bert.version})
    assert await store.link(link, WALL) is None

    assert await members(store) == member_fields(9, [DAY_1 + 1, DAY_1 + 3])
    assert await due(store, DUE) == ["bert"]


async def test_sums_are_not_read_where_a_fence_stands_before(stores: Stores) -> None:
    store = await stores.open(policy())
    for group in range(store.groups):
        await store.apply([GroupWrite(group, [move(CLICKS, None, 5)])], WALL)

    assert await store.absences.members(9, "", 0, {CLICKS: 5}) == {}
    with pytest.raises(FenceMoved):
        await store.absences.members(9, "", 0, {CLICKS: 6})


async def test_a_clock_moves_once_and_what_is_stored_stays(stores: Stores) -> None:
    clocks = (await stores.open(policy())).absences
    assert await clocks.clock("b c:d") is None
    assert await clocks.move_clock("b c:d", None, SegmentClock(7, [0, 10, 10]))
    assert not await clocks.move_clock("b c:d", None, SegmentClock(7, [0, 99]))
    assert await clocks.move_clock("b c:d", 9, SegmentClock(7, [0, 99, 99, 30]))

    clock = await clocks.clock("b c:d")
    assert clock is not None
    assert [clock.at(day) for day in range(clock.first, clock.last + 1)] == [0, 10, 10, 30]
    assert await clocks.clock("") is None


async def test_who_is_gone_is_taken_out_of_the_schedule_and_nobody_else(stores: Stores) -> None:
    store = await stores.open(policy())
    await write(store, anna=came(1), bert=came(2), cleo=came(2))
    await stores.delete("anna")
    for group in range(store.groups):
        names = [name for name in ("anna", "bert", "cleo") if store.group_of(name) == group]
        await store.absences.prune(group, [""], names, [name for name in names if name == "cleo"])

    assert await due(store, DUE) == ["bert"]


async def test_sums_are_not_read_while_somebody_is_still_to_be_judged(stores: Stores) -> None:
    store = await stores.open(policy())
    record = came()
    ahead = Customer(policy())
    record = CustomerRecord(ahead.state)
    ahead.do("post", "01 09:00")
    ahead.judge("01 10:00", ahead.event("post", "02 09:00"))
    await write(store, anna=record)

    assert await store.absences.members(9, "", at("01 23:59"), {}) == member_fields(9, [DAY_1])
    assert await store.absences.members(9, "", at("02 09:00"), {}) is None
