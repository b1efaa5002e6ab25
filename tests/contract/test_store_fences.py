"""Fences: how far each group has applied each partition, and what a write may rest on."""

from __future__ import annotations

import pytest

from scoring.instants import HOUR
from streams.errors import FenceMoved, LogGap
from streams.ingest.gaps import Gap, accept_gap, check_logs
from streams.records import Partition
from streams.store.protocol import Fence, GroupWrite, Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, MAILS, WALL, engaged, group_write, move


async def refused(store: Store, *writes: GroupWrite) -> None:
    """Apply what must be refused for its fences."""
    assert all(isinstance(result, FenceMoved) for result in await store.apply(writes, WALL))


async def test_there_are_no_fences_at_first(store: Store) -> None:
    assert await store.fences([CLICKS, MAILS]) == {CLICKS: [None] * store.groups, MAILS: [None] * store.groups}
    assert await store.fences([]) == {}


async def test_the_log_of_which_a_partition_s_fences_speak_is_noted_beside_them(store: Store, stores: Stores) -> None:
    assert await store.logs([CLICKS, MAILS]) == {CLICKS: "", MAILS: ""}
    assert await store.logs([]) == {}
    await store.note_logs({})
    await store.note_logs({CLICKS: "a1", MAILS: "b2"})
    await store.note_logs({CLICKS: "c3"})

    again = await stores.open()
    assert await again.logs([MAILS, CLICKS]) == {CLICKS: "c3", MAILS: "b2"}
    assert await again.fences([CLICKS]) == {CLICKS: [None] * store.groups}


async def test_another_log_is_a_gap_only_where_something_has_been_applied(store: Store) -> None:
    await check_logs(store, {CLICKS: "a1", MAILS: ""})
    # Nothing has been applied of the first one.
    await check_logs(store, {CLICKS: "b2"})
    await store.apply([GroupWrite(1, [move(CLICKS, None, 10)])], WALL)
    await check_logs(store, {CLICKS: "b2"})
    with pytest.raises(LogGap, match="another log under this name"):
        await check_logs(store, {CLICKS: "c3"})
    # A broker that tells no ids.
    await check_logs(store, {CLICKS: ""})
    assert await store.logs([CLICKS]) == {CLICKS: "b2"}


@pytest.mark.parametrize("end", [10, 15, 99])
async def test_a_log_with_another_id_is_accepted_by_all_groups_whatever_its_length(store: Store, end: int) -> None:
    await store.note_logs({CLICKS: "a1"})
    await store.apply([GroupWrite(1, [move(CLICKS, None, 10, 7)]), GroupWrite(2, [move(CLICKS, None, 15, 8)])], WALL)
    await accept_gap(store, Gap(CLICKS, 15, 3, end, "b2", another=True))

    assert [fence for fence in (await store.fences([CLICKS]))[CLICKS] if fence] == [Fence(3, 7), Fence(3, 8)]
    await check_logs(store, {CLICKS: "b2"})


async def test_a_fence_moves_with_its_group_alone(store: Store) -> None:
    assert await store.apply([GroupWrite(1, [move(CLICKS, None, 10, 7)])], WALL) == [None]
    assert await store.apply([GroupWrite(1, [move(CLICKS, 10, 25, 9)])], WALL) == [None]

    fences = await store.fences([CLICKS])
    assert fences[CLICKS] == [Fence(25, 9) if group == 1 else None for group in range(store.groups)]


async def test_fences_of_several_partitions_move_at_once(store: Store) -> None:
    await store.apply([GroupWrite(0, [move(CLICKS, None, 10), move(MAILS, None, 20)])], WALL)

    fences = await store.fences([MAILS, CLICKS])
    assert (fences[CLICKS][0], fences[MAILS][0]) == (Fence(10, HOUR), Fence(20, HOUR))


async def test_partitions_are_told_apart(store: Store) -> None:
    partitions = [Partition("a", 1), Partition("a", 11), Partition("a.b-c_1", 1), Partition("a-1", 1)]
    await store.apply([GroupWrite(0, [move(tp, None, 10 + index) for index, tp in enumerate(partitions)])], WALL)

    fences = await store.fences(partitions)
    assert [fences[partition][0] for partition in partitions] == [Fence(10 + index, HOUR) for index in range(4)]


@pytest.mark.parametrize("expected", [None, 9, 11, 100])
async def test_a_wrong_expectation_is_refused(store: Store, expected: int | None) -> None:
    await store.apply([GroupWrite(0, [move(CLICKS, None, 10)])], WALL)
    await refused(store, GroupWrite(0, [move(CLICKS, expected, 25)]))

    assert (await store.fences([CLICKS]))[CLICKS][0] == Fence(10, HOUR)


async def test_an_expectation_where_no_fence_is_set_is_refused(store: Store) -> None:
    await refused(store, GroupWrite(0, [move(CLICKS, 10, 25)]))

    assert (await store.fences([CLICKS]))[CLICKS][0] is None


async def test_no_fence_is_not_a_fence_at_nothing(store: Store) -> None:
    await refused(store, GroupWrite(0, [move(CLICKS, 0, 25)]))


async def test_a_refused_write_writes_nothing_at_all(store: Store) -> None:
    _, record = engaged()
    await store.apply([GroupWrite(store.group_of("anna"), [move(CLICKS, None, 10)])], WALL)
    await refused(store, group_write(store, "anna", record, move(MAILS, None, 5), move(CLICKS, 9, 25)))

    assert await store.read("anna") is None
    assert await store.band_counts() == dict.fromkeys(await store.band_counts(), 0)
    assert (await store.fences([MAILS]))[MAILS] == [None] * store.groups
    assert await store.due(store.group_of("anna"), crossing=False, until=WALL, limit=9, worker="w") == []
    assert record.version == ""


async def test_a_record_that_was_refused_can_be_written_whole(store: Store) -> None:
    _, record = engaged()
    await refused(store, group_write(store, "anna", record, move(CLICKS, 9, 25)))
    assert await store.apply([group_write(store, "anna", record)], WALL) == [None]

    stored = await store.read("anna")
    assert stored is not None
    assert stored.fields["score"] == "10"
    assert stored.fields["policy_version"] == "by-hand"
    assert stored.fields["disengages_at"] == "2024-01-04T00:00:00Z"


async def test_each_group_is_written_whole_or_not_at_all_for_itself(store: Store) -> None:
    results = await store.apply(
        [
            GroupWrite(0, [move(CLICKS, None, 10)]),
            GroupWrite(1, [move(CLICKS, 3, 10)]),
            GroupWrite(2, [move(CLICKS, None, 10)]),
        ],
        WALL,
    )

    assert [type(result) for result in results] == [type(None), FenceMoved, type(None)]
    fences = (await store.fences([CLICKS]))[CLICKS]
    assert [fence is not None for fence in fences[:4]] == [True, False, True, False]


@pytest.mark.parametrize(("least", "taken"), [(9, True), (10, True), (11, False)])
async def test_a_write_may_rest_on_what_other_partitions_have_applied(store: Store, least: int, taken: bool) -> None:  # noqa: FBT001 - a case of the test
    await store.apply([GroupWrite(0, [move(CLICKS, None, 10)])], WALL)
    _, record = engaged()
    customer = next(name for name in map(str, range(1000)) if store.group_of(name) == 0)
    [result] = await store.apply([GroupWrite(0, [move(MAILS, None, 5)], {CLICKS: least}, {customer: record})], WALL)

    assert (result is None) == taken
    assert isinstance(result, FenceMoved) != taken
    assert ((await store.fences([MAILS]))[MAILS][0] is not None) == taken
    assert (await store.read(customer) is not None) == taken


async def test_what_is_not_known_to_be_applied_has_not_been(store: Store) -> None:
    await refused(store, GroupWrite(0, (), {CLICKS: 1}))

    assert await store.apply([GroupWrite(0, (), {CLICKS: 0})], WALL) == [None]


async def test_a_refusal_names_the_partition(store: Store) -> None:
    await store.apply([GroupWrite(0, [move(CLICKS, None, 10)])], WALL)
    results = await store.apply([GroupWrite(0, [move(CLICKS, 3, 4)]), GroupWrite(0, (), {MAILS: 1})], WALL)

    assert ["clickstream/0" in str(results[0]), "email/11" in str(results[1])] == [True, True]


async def test_an_offset_may_be_large(store: Store) -> None:
    await store.apply([GroupWrite(0, [move(CLICKS, None, 2**53 - 1, 2**53 - 1)])], WALL)
    await refused(store, GroupWrite(0, [move(CLICKS, 2**53 - 2, 2**53)]))

    assert (await store.fences([CLICKS]))[CLICKS][0] == Fence(2**53 - 1, 2**53 - 1)


async def test_a_customer_is_always_in_the_same_group(store: Store, stores: Stores) -> None:
    names = [f"customer {number}" for number in range(500)]
    groups = [store.group_of(name) for name in names]

    assert set(groups) == set(range(store.groups))
    assert [(await stores.open()).group_of(name) for name in names] == groups


async def test_a_write_of_nothing_is_taken(store: Store) -> None:
    assert await store.apply([], WALL) == []
    assert await store.apply([GroupWrite(0)], WALL) == [None]
    assert (await store.load(["anna"]))[0].version == ""


async def test_a_gap_is_accepted_whatever_has_been_erased(store: Store) -> None:
    await store.apply([GroupWrite(group, [move(CLICKS, None, 3)]) for group in range(store.groups)], WALL)
    await store.require_erasures(7)
    await accept_gap(store, Gap(CLICKS, 3, 9, 20))

    assert {fence.offset for fence in (await store.fences([CLICKS]))[CLICKS] if fence} == {9}
