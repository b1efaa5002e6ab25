"""Marks: how far each worker's partitions have come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.feeds.watermark import Mark
from scoring.instants import MINUTE, SECOND
from streams.records import Partition
from streams.store.protocol import GroupWrite, Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, MAILS, WALL, move

MARK = Mark(
    newest=7 * SECOND,
    applied_to=WALL - 3,
    caught_up=True,
    moving_since=WALL - MINUTE,
    moved_at=WALL - SECOND,
    reported_at=WALL,
    generation=4,
    offset=0,
)


async def apply_up_to(store: Store, partition: Partition, offset: int, *, but_group: int = -1) -> None:
    """Move the fences of all groups, but for one."""
    groups = [group for group in range(store.groups) if group != but_group]
    writes = [GroupWrite(group, [move(partition, None, offset)]) for group in groups]
    assert await store.apply(writes, WALL) == [None] * len(writes)


async def test_there_are_no_marks_at_first(store: Store) -> None:
    assert await store.exchange_marks({}) == {}


async def test_a_mark_comes_back_as_it_was_reported(store: Store, stores: Stores) -> None:
    assert await store.exchange_marks({CLICKS: MARK}) == {CLICKS: MARK}
    assert await (await stores.open()).exchange_marks({}) == {CLICKS: MARK}


async def test_a_mark_that_is_held_by_a_transaction_comes_back_as_one(store: Store, stores: Stores) -> None:
    held = replace(MARK, caught_up=False, held=True)
    assert await store.exchange_marks({CLICKS: held}) == {CLICKS: held}
    assert await (await stores.open()).exchange_marks({}) == {CLICKS: held}


async def test_everybody_gets_the_marks_of_everybody(store: Store) -> None:
    other = replace(MARK, newest=9, caught_up=False)
    await store.exchange_marks({CLICKS: MARK})

    assert await store.exchange_marks({MAILS: other}) == {CLICKS: MARK, MAILS: other}


async def test_a_mark_of_the_same_or_a_later_generation_replaces_the_last(store: Store) -> None:
    await store.exchange_marks({CLICKS: MARK})
    for generation in (4, 5):
        later = replace(MARK, generation=generation, newest=generation * MINUTE)
        assert await store.exchange_marks({CLICKS: later}) == {CLICKS: later}


@pytest.mark.parametrize("generation", [3, -1])
async def test_a_mark_of_an_earlier_generation_is_not_taken(store: Store, generation: int) -> None:
    await store.exchange_marks({CLICKS: MARK})
    zombie = replace(MARK, generation=generation, newest=9 * MINUTE, reported_at=WALL + MINUTE)

    assert await store.exchange_marks({CLICKS: zombie}) == {CLICKS: MARK}


async def test_a_generation_is_forgotten_when_nobody_has_reported_for_long(store: Store) -> None:
    await store.exchange_marks({CLICKS: MARK})
    new_group = replace(MARK, generation=1, reported_at=WALL + MINUTE + 1)

    assert await store.exchange_marks({CLICKS: new_group}) == {CLICKS: new_group}


async def test_a_mark_is_taken_when_every_fence_stands_at_its_offset(store: Store) -> None:
    await apply_up_to(store, CLICKS, 10)
    mark = replace(MARK, offset=10)

    assert await store.exchange_marks({CLICKS: mark}) == {CLICKS: mark}
    assert await store.exchange_marks({CLICKS: replace(MARK, offset=11)}) == {CLICKS: mark}


@pytest.mark.parametrize("group", [0, 1, -1])
async def test_a_mark_is_not_taken_if_one_fence_stands_before_it(store: Store, group: int) -> None:
    await apply_up_to(store, CLICKS, 10, but_group=group % store.groups)

    assert await store.exchange_marks({CLICKS: replace(MARK, offset=10)}) == {}


async def test_one_mark_that_is_not_taken_keeps_no_other_away(store: Store) -> None:
    marks = {CLICKS: replace(MARK, offset=10), MAILS: MARK}

    assert await store.exchange_marks(marks) == {MAILS: MARK}


async def test_a_mark_can_be_taken_back(store: Store) -> None:
    await store.exchange_marks({CLICKS: MARK, MAILS: MARK})
    await store.forget_mark(CLICKS)
    assert await store.exchange_marks({}) == {MAILS: MARK}
    await store.forget_mark(CLICKS)
