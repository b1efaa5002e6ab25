"""The memory of event ids."""

from __future__ import annotations

import pytest

from scoring.customer.seen import DIGEST, SeenIds
from scoring.instants import DAY, HOUR

MONDAY = 20_000 * DAY
COMPACT = 64
"""Bytes up to which Redis keeps a hash compact."""


def ids(count: int, mark: str = "x") -> list[str]:
    """Make digests that share no piece of DIGEST characters across their borders."""
    return [f"{mark}{number:0{DIGEST - 1}}" for number in range(count)]


def filled(count: int, at: int = MONDAY) -> SeenIds:
    """Remember some ids."""
    seen = SeenIds()
    for digest in ids(count):
        seen.add(digest, at)
    return seen


@pytest.mark.parametrize("count", [1, 6, 7, 72, 73, 100, 101, 5_000])
def test_what_was_added_is_known_and_nothing_else(count: int) -> None:
    seen = filled(count)

    assert all(digest in seen for digest in ids(count))
    assert not any(digest in seen for digest in ids(count, "y"))


def test_a_stranger_knows_nothing() -> None:
    assert "x" * DIGEST not in SeenIds()


def test_a_customer_with_few_ids_keeps_them_in_chunks_that_redis_packs() -> None:
    chunks = filled(72).chunks

    assert len(chunks) == 12
    assert all(len(chunk) == 60 <= COMPACT for chunk in chunks.values())


def test_a_customer_with_many_ids_gets_larger_chunks_that_are_soon_written() -> None:
    chunks = filled(5_000).chunks

    assert sum(len(chunk) for chunk in chunks.values()) == 5_000 * DIGEST
    assert len(chunks) == 12 + 83
    assert max(len(chunk) for chunk in chunks.values()) == 60 * DIGEST


def test_chunks_are_named_by_the_day_on_which_the_ids_came() -> None:
    seen = filled(7)
    seen.add("y" * DIGEST, MONDAY + DAY - 1)
    seen.add("z" * DIGEST, MONDAY + DAY)

    assert set(seen.chunks) == {"20000.0", "20000.1", "20001.0"}
    assert seen.chunks["20000.1"] == ids(7)[6] + "y" * DIGEST


def test_only_changed_chunks_are_noted_to_be_stored() -> None:
    seen = SeenIds(dict(filled(13).chunks))
    assert seen.touched == set()
    seen.add("y" * DIGEST, MONDAY)

    assert seen.touched == {"20000.2"}


def test_what_was_stored_is_taken_over() -> None:
    for count in (5, 500):
        again = SeenIds(dict(filled(count).chunks))

        assert all(digest in again for digest in ids(count))
        again.add("y" * DIGEST, MONDAY)
        assert "y" * DIGEST in again
        assert all(digest in again for digest in ids(count))


@pytest.mark.parametrize("count", [1, 500])
def test_a_day_is_forgotten_once_it_has_ended_by_the_given_time(count: int) -> None:
    seen = filled(count)
    seen.add("y" * DIGEST, MONDAY + DAY)
    chunks = set(seen.chunks)

    seen.forget(MONDAY + DAY - 1)
    assert set(seen.chunks) == chunks

    seen.touched = frozenset()
    seen.forget(MONDAY + DAY)
    assert set(seen.chunks) == {"20001.0"}
    assert seen.touched == chunks - {"20001.0"}
    assert not any(digest in seen for digest in ids(count))
    assert "y" * DIGEST in seen


def test_it_is_known_how_much_room_the_ids_take() -> None:
    seen = SeenIds(dict(filled(500).chunks))
    assert seen.size == 500 * DIGEST
    seen.add("y" * DIGEST, MONDAY + DAY)
    seen.add("y" * DIGEST, MONDAY + DAY)
    assert seen.size == 501 * DIGEST
    seen.forget(MONDAY + DAY)
    assert seen.size == DIGEST


def test_the_index_of_many_ids_is_made_once_it_is_worth_its_room() -> None:
    seen = SeenIds(dict(filled(500).chunks))
    more = ids(300, "y")
    sizes = []
    for digest in more:
        assert seen.add(digest, MONDAY)
        assert not seen.add(digest, MONDAY)
        sizes.append(seen.size)

    assert sizes[0] == 501 * DIGEST
    assert sizes[-1] == 3 * 800 * DIGEST
    assert all(digest in seen for digest in (*ids(500), *more))
    assert not any(seen.add(digest, MONDAY) for digest in (*ids(500), *more))


def test_the_index_is_made_for_repetitions_too() -> None:
    seen = SeenIds(dict(filled(500).chunks))
    assert not any(seen.add(digest, MONDAY) for digest in ids(500))

    assert seen.size == 3 * 500 * DIGEST


def test_few_ids_get_no_index_however_often_they_are_looked_through() -> None:
    seen = filled(40)
    assert not any(seen.add(digest, MONDAY) for _ in range(10) for digest in ids(40))

    assert seen.size == 40 * DIGEST


def test_larger_chunks_of_an_earlier_release_are_left_as_they_are() -> None:
    seen = SeenIds({**filled(72).chunks, "20000.12": "".join(ids(300, "z"))})
    seen.add("y" * DIGEST, MONDAY)

    assert seen.chunks["20000.13"] == "y" * DIGEST
    assert all(digest in seen for digest in (*ids(72), *ids(300, "z")))


def test_an_id_that_was_forgotten_can_be_remembered_again() -> None:
    seen = filled(500)
    seen.forget(MONDAY + 2 * DAY)
    [again] = ids(1)
    seen.add(again, MONDAY + 2 * DAY + HOUR)

    assert again in seen
    assert seen.chunks == {"20002.0": again}


def test_the_end_of_one_id_and_the_start_of_the_next_are_no_id() -> None:
    seen = SeenIds()
    seen.add("aaaaabbbbb", MONDAY)
    seen.add("cccccddddd", MONDAY)

    assert "bbbbbccccc" not in seen
