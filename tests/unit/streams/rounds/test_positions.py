"""Where each partition stands, and which batches continue it."""

from __future__ import annotations

import pytest

from streams.policy_file.document import builtin_policy
from streams.records import Partition, RecordBatch
from streams.rounds.positions import Positions
from streams.store.memory.store import MemoryStore
from streams.store.protocol import Fence, FenceMove, GroupWrite
from tests.unit.streams.bench import Record

WEB, MAIL = Partition("web", 0), Partition("mail", 1)


def batch(base: int, following: int, partition: Partition = WEB) -> RecordBatch:
    """Make a batch that stands between two offsets."""
    return RecordBatch(partition, base, [Record(following - 1, 0, None, b"")])


async def stand(store: MemoryStore, *offsets: int | None, partition: Partition = WEB) -> None:
    """Set the fences of a partition, one for each group."""
    for group, offset in enumerate(offsets):
        store._fences.pop((group, partition), None)
        if offset is not None:
            move = FenceMove(partition, None, Fence(offset, 10 * offset))
            assert await store.apply([GroupWrite(group, [move])], 0) == [None]


@pytest.fixture
def store() -> MemoryStore:
    """Give an empty store of four groups."""
    return MemoryStore(builtin_policy())


@pytest.fixture
def positions(store: MemoryStore) -> Positions:
    """Give positions."""
    return Positions(store)


async def test_without_fences_reading_starts_at_the_start_of_the_log(positions: Positions) -> None:
    assert await positions.assign({WEB: 7, MAIL: 0}) == {WEB: 7, MAIL: 0}
    assert positions.partitions == [WEB, MAIL]
    assert (positions.offsets(WEB), positions.newest(WEB)) == ([0] * 4, 0)


async def test_reading_starts_at_the_lowest_fence(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 30, 20, 50, 40)

    assert await positions.assign({WEB: 7}) == {WEB: 20}
    assert (positions.offsets(WEB), positions.newest(WEB)) == ([30, 20, 50, 40], 200)


async def test_reading_starts_at_the_start_of_the_log_if_one_group_has_no_fence(
    store: MemoryStore, positions: Positions
) -> None:
    await stand(store, 30, None, 50, 40)

    assert await positions.assign({WEB: 7}) == {WEB: 7}
    assert (positions.offsets(WEB), positions.newest(WEB)) == ([30, 0, 50, 40], 0)


async def test_a_start_of_the_log_after_a_fence_skips_nothing_of_its_group(
    store: MemoryStore, positions: Positions
) -> None:
    await stand(store, 30, None, 20, 40)

    assert await positions.assign({WEB: 25}) == {WEB: 20}


async def test_a_new_assignment_replaces_the_old(positions: Positions) -> None:
    await positions.assign({WEB: 0})
    await positions.assign({MAIL: 0})

    assert positions.partitions == [MAIL]


async def test_only_partitions_that_are_not_known_are_read(store: MemoryStore, positions: Positions) -> None:
    await positions.assign({WEB: 0})
    await stand(store, 1, 1, 1, 1)
    await stand(store, 2, 2, 2, 2, partition=MAIL)
    await positions.read([WEB, MAIL])

    assert (positions.offsets(WEB), positions.offsets(MAIL)) == ([0] * 4, [2] * 4)
    assert positions.accept([batch(3, 4, MAIL)])[1] == {MAIL: 2}


async def test_batches_that_follow_each_other_are_accepted(positions: Positions) -> None:
    await positions.assign({WEB: 0, MAIL: 0})
    batches = [batch(0, 10), batch(0, 5, MAIL), batch(10, 20), batch(5, 6, MAIL)]

    assert positions.accept(batches) == (batches, {})


async def test_what_was_applied_before_is_accepted_too(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 20, 20, 20, 20)
    await positions.assign({WEB: 0})
    batches = [batch(5, 10), batch(10, 20), batch(15, 30), batch(30, 31)]

    assert positions.accept(batches) == (batches, {})


async def test_a_batch_whose_predecessor_is_missing_turns_back_and_all_behind_it(positions: Positions) -> None:
    await positions.assign({WEB: 3, MAIL: 0})
    good = [batch(3, 5), batch(0, 9, MAIL)]

    assert positions.accept([good[0], batch(6, 8), good[1], batch(8, 9)]) == (good, {WEB: 5})


async def test_accepting_applies_nothing(positions: Positions) -> None:
    await positions.assign({WEB: 0})
    positions.accept([batch(0, 10)])

    assert positions.accept([batch(10, 20)]) == ([], {WEB: 0})


async def test_every_group_moves_from_where_it_stands(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 10, None, 20, 40)
    await positions.assign({WEB: 0})

    assert positions.moves({WEB: Fence(30, 250)}) == {
        0: [FenceMove(WEB, 10, Fence(30, 250))],
        1: [FenceMove(WEB, None, Fence(30, 250))],
        2: [FenceMove(WEB, 20, Fence(30, 250))],
        3: [],
    }


async def test_a_fence_never_forgets_the_newest_event(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 10, 10, 10, 10)
    await positions.assign({WEB: 0})

    assert positions.moves({WEB: Fence(30, 50)})[0] == [FenceMove(WEB, 10, Fence(30, 100))]


async def test_a_fence_that_stands_at_the_end_already_does_not_move(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 30, 30, 30, 30)
    await positions.assign({WEB: 0})

    assert positions.moves({WEB: Fence(30, 999)}) == {0: [], 1: [], 2: [], 3: []}


async def test_what_has_been_applied_is_continued(positions: Positions) -> None:
    await positions.assign({WEB: 0})
    moves = positions.moves({WEB: Fence(10, 5)})
    positions.applied(moves)

    assert (positions.offsets(WEB), positions.newest(WEB)) == ([10] * 4, 5)
    assert positions.accept([batch(10, 12)])[1] == {}
    assert positions.accept([batch(11, 12)])[1] == {WEB: 10}
    assert positions.moves({WEB: Fence(12, 6)})[3] == [FenceMove(WEB, 10, Fence(12, 6))]


async def test_only_where_every_group_has_come_is_continued(positions: Positions) -> None:
    await positions.assign({WEB: 0})
    moves = positions.moves({WEB: Fence(10, 5)})
    positions.applied({group: moves[group] for group in (0, 1, 2)})

    assert positions.accept([batch(10, 12)])[1] == {WEB: 0}


async def test_reading_again_tells_which_partitions_stand_before(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 20, 20, 20, 20)
    await stand(store, 9, 9, 9, 9, partition=MAIL)
    await positions.assign({WEB: 0, MAIL: 0})
    await stand(store, 30, 12, 30, 30)

    assert await positions.read_again({WEB: 4, MAIL: 4}) == {WEB: 12}
    assert positions.offsets(WEB) == [30, 12, 30, 30]
    await stand(store, 30, None, 30, 30)
    assert await positions.read_again({WEB: 4, MAIL: 4}) == {WEB: 4}


async def test_a_partition_that_is_not_assigned_is_not_gone_back_to(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 20, 20, 20, 20)
    await positions.assign({MAIL: 0})
    await positions.read([WEB])
    await stand(store, 1, 1, 1, 1)

    assert await positions.read_again({MAIL: 0}) == {}


async def test_reading_again_where_others_have_come_further_goes_nowhere(
    store: MemoryStore, positions: Positions
) -> None:
    await stand(store, 20, 20, 20, 20)
    await positions.assign({WEB: 0})
    await stand(store, 30, 30, 30, 30)

    assert await positions.read_again({WEB: 0}) == {}
    assert positions.accept([batch(20, 31), batch(31, 32)])[1] == {}


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        ([20, 20, None, 20], False),
        ([21, 20, None, 20], False),
        ([20, 20, 5, 20], False),
        ([20, 19, None, 20], True),
        ([20, None, None, 20], True),
        ([None] * 4, True),
    ],
)
async def test_a_store_has_forgotten_if_a_fence_is_gone_or_lower(
    store: MemoryStore,
    positions: Positions,
    now: list[int | None],
    lost: bool,  # noqa: FBT001 - a case of the test
) -> None:
    await stand(store, 20, 20, None, 20)
    await positions.assign({WEB: 0})
    await stand(store, *now)

    assert await positions.lost() == lost


async def test_after_leaving_nothing_is_missed(store: MemoryStore, positions: Positions) -> None:
    await stand(store, 20, 20, 20, 20)
    await positions.assign({WEB: 0})
    positions.leave_all()
    await stand(store, None, None, None, None)

    assert (positions.partitions, await positions.lost()) == ([], False)


async def test_a_round_in_hand_ends_although_the_partitions_have_been_left(positions: Positions) -> None:
    await positions.assign({WEB: 0})
    moves = positions.moves({WEB: Fence(20, 0)})
    positions.leave_all()
    positions.applied(moves)

    assert (positions.partitions, positions.offsets(WEB)) == ([], [20, 20, 20, 20])


def test_a_customer_has_the_group_of_the_store(store: MemoryStore, positions: Positions) -> None:
    assert [positions.group_of(name) for name in "abcd"] == [store.group_of(name) for name in "abcd"]


async def test_a_batch_whose_records_come_again_with_those_before_it_turns_nothing_back(positions: Positions) -> None:
    await positions.assign({WEB: 0})
    stale, again = batch(200, 250), [batch(0, 100), batch(100, 250)]
    assert positions.accept([stale, *again]) == (again, {})
    assert positions.accept([stale, again[0]]) == ([again[0]], {WEB: 100})
