"""Erasures: every trace goes, once for each erasure, and nobody who does not know of it can write any more."""

from __future__ import annotations

from collections.abc import Mapping

from scoring.policy.policy import BANDS
from streams.errors import FenceMoved, VersionMoved
from streams.store.protocol import ERASURES_PARTITION, CustomerRecord, GroupWrite, Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, MAILS, WALL, engaged, group_write, move, raised, write, write_all
from tests.unit.scoring.customers import at

DIGEST, TIME, PLACE = "d" * 32, at("05 11:00"), 6


async def scheduled(store: Store) -> list[str]:
    """List who is in a schedule or an outbox."""
    found: list[str] = []
    for group in range(store.groups):
        for crossing in (True, False):
            found += await store.due(group, crossing=crossing, until=WALL * 2, limit=99, worker="w")
        found += [name for name, _ in await store.unpublished(group, WALL * 2, 99)]
    return found


async def neighbours(store: Store, number: int = 1) -> list[str]:
    """Name customers of the same group as anna's."""
    return [name for name in map(str, range(2000)) if store.group_of(name) == store.group_of("anna")][:number]


async def write_knowing(store: Store, known: int, customers: Mapping[str, CustomerRecord]) -> object:
    """Write customers of anna's group as one who has read the erasures so far."""
    [result] = await store.apply([GroupWrite(store.group_of("anna"), (), {}, customers, known)], WALL)
    return result


async def test_every_trace_goes_and_nobody_elses(store: Store, stores: Stores) -> None:
    [other] = await neighbours(store)
    anna, her_neighbour = engaged()[1], engaged()[1]
    anna.raised, her_neighbour.raised = [raised("anna", "01 10:00")], [raised(other, "01 10:00")]
    await write_all(store, {"anna": anna, other: her_neighbour})
    assert sorted(await scheduled(store)) == sorted(["anna", "anna", other, other])

    assert await store.erase("anna", DIGEST, TIME, PLACE) == {}
    assert await stores.hash_of("anna") == {}
    assert await stores.hash_of(other)
    assert sorted(await scheduled(store)) == [other, other]
    assert [list(await stores.band(band)) for band in BANDS] == [[], [], [other], [], []]
    assert await store.read("anna") is None


async def test_it_tells_how_far_the_group_had_applied_the_log(store: Store) -> None:
    group = store.group_of("anna")
    await store.apply([GroupWrite(group, [move(CLICKS, None, 10), move(MAILS, None, 20)])], WALL)
    await store.apply([GroupWrite((group + 1) % store.groups, [move(CLICKS, None, 99)])], WALL)

    await write(store, anna=engaged()[1])
    assert await store.erase("anna", DIGEST, TIME, PLACE) == {CLICKS: 10, MAILS: 20}
    assert await store.erase("anna", DIGEST, TIME + 1, PLACE + 1) == {}


async def test_an_erasure_is_carried_out_once_and_a_later_one_again(store: Store) -> None:
    await store.erase("anna", DIGEST, TIME, PLACE)
    assert await write_knowing(store, PLACE + 1, {"anna": engaged()[1]}) is None

    assert await store.erase("anna", DIGEST, TIME, PLACE) is None
    assert await store.read("anna") is not None
    assert await store.erase("anna", DIGEST, TIME + 1, PLACE + 3) is not None
    assert await store.read("anna") is None


async def test_who_does_not_know_of_an_erasure_cannot_write_into_the_group(store: Store, stores: Stores) -> None:
    [other] = await neighbours(store)
    [new] = await store.load(["anna"])
    new.state = engaged()[1].state
    await store.erase("anna", DIGEST, TIME, PLACE)

    assert isinstance(await write_knowing(store, 0, {"anna": new}), FenceMoved)
    assert isinstance(await write_knowing(store, PLACE, {other: engaged()[1]}), FenceMoved)
    assert await stores.hash_of("anna") == await stores.hash_of(other) == {}
    assert await write_knowing(store, PLACE + 1, {other: engaged()[1]}) is None
    assert await write_knowing(store, PLACE + 9, {"anna": new}) is None


async def test_other_groups_are_not_held_up(store: Store) -> None:
    await store.erase("anna", DIGEST, TIME, PLACE)
    stranger = next(name for name in map(str, range(2000)) if store.group_of(name) != store.group_of("anna"))

    assert await store.apply([group_write(store, stranger, engaged()[1])], WALL) == [None]


async def test_a_cached_record_of_an_erased_customer_is_refused_for_its_version(store: Store, stores: Stores) -> None:
    anna, record = engaged()
    await write(store, anna=record)
    await store.erase("anna", DIGEST, TIME, PLACE)
    anna.do("post", "01 10:00")

    assert isinstance(await write_knowing(store, PLACE + 1, {"anna": record}), VersionMoved)
    assert await stores.hash_of("anna") == {}


async def test_publishing_what_waited_leaves_nothing_behind(store: Store, stores: Stores) -> None:
    record = engaged()[1]
    record.raised = [raised("anna", "01 10:00")]
    await write(store, anna=record)
    name = record.raised[0].name
    await store.erase("anna", DIGEST, TIME, PLACE)
    await store.published({store.group_of("anna"): {"anna": [name]}})

    assert await stores.hash_of("anna") == {}
    assert await scheduled(store) == []


async def test_every_group_can_be_made_to_require_the_erasures_and_none_goes_back(store: Store) -> None:
    await store.erase("anna", DIGEST, TIME, 30)
    await store.require_erasures(10)
    fences = (await store.fences([ERASURES_PARTITION]))[ERASURES_PARTITION]

    assert [fence and fence.offset for fence in fences] == [
        31 if group == store.group_of("anna") else 10 for group in range(store.groups)
    ]
    writes = [GroupWrite(group, [move(CLICKS, None, 5)], erasures=9) for group in range(store.groups)]
    assert all(isinstance(result, FenceMoved) for result in await store.apply(writes, WALL))


async def test_what_has_been_carried_out_is_told_and_counted(store: Store) -> None:
    assert (await store.erased(), await store.erasures_carried_out()) == ({}, 0)
    await store.erase("anna", DIGEST, TIME, PLACE)
    await store.erase("anna", DIGEST, TIME, PLACE)
    assert (await store.erased(), await store.erasures_carried_out()) == ({DIGEST: TIME}, 1)
    await store.settle_erasures({DIGEST: TIME - 1, "e" * 32: 5})
    assert (await store.erased(), await store.erasures_carried_out()) == ({DIGEST: TIME, "e" * 32: 5}, 2)
    await store.erase("anna", DIGEST, TIME + 1, PLACE)
    assert await store.erasures_carried_out() == 3


async def test_all_customers_are_gone_through(store: Store) -> None:
    names = {f"c{number}" for number in range(50)} | {"*", "a:b", "two\nlines", "😀"}
    await write_all(store, {name: engaged()[1] for name in names})

    assert {name async for some in store.customers() for name in some} == names
