"""The memory of what events with an id counted."""

from __future__ import annotations

import pytest

from scoring.customer.counted import Counted, CountedEvents
from scoring.instants import DAY
from scoring.rules.details import Detail
from tests.unit.scoring.customer.test_seen import COMPACT, MONDAY, ids

PLAIN: Counted = (MONDAY + 123_456_789, "AbC-", None)
WITH_AMOUNTS: Counted = (MONDAY, "____", Detail((("$abc", -5), ("^x-y", 1 << 100))))
WITH_OBJECT: Counted = (0, "abcd", Detail((), "o" * 10))
WITH_BOTH: Counted = (2**55, "abcd", Detail((("$abc", 0),), "+/+/+/+/+/"))


def filled(count: int, day: int = MONDAY) -> CountedEvents:
    """Remember some events."""
    counted = CountedEvents()
    for digest in ids(count):
        counted.add(digest, PLAIN, day)
    return counted


@pytest.mark.parametrize("event", [PLAIN, WITH_AMOUNTS, WITH_OBJECT, WITH_BOTH])
def test_an_event_comes_back_as_it_was_counted(event: Counted) -> None:
    counted = CountedEvents()
    counted.add("x" * 10, event, MONDAY)
    counted.add("y" * 10, PLAIN, MONDAY)

    assert CountedEvents(dict(counted.chunks)).find({"x" * 10}) == [event]
    assert counted.find({"z" * 10}) == []


@pytest.mark.parametrize("count", [1, 2, 3, 24, 26, 27, 5_000])
def test_all_are_found_and_few_keep_the_hash_compact(count: int) -> None:
    counted = filled(count)

    assert len(counted.find(set(ids(count)))) == count
    assert all(len(chunk) <= COMPACT for chunk in counted.chunks.values()) == (count <= 26)


def test_what_is_long_has_a_chunk_of_its_own() -> None:
    counted = CountedEvents()
    counted.add("x" * 10, WITH_AMOUNTS, MONDAY)
    counted.add("y" * 10, PLAIN, MONDAY)

    assert sorted(counted.chunks) == ["20000.0", "20000.1"]


def test_days_are_forgotten_whole_and_what_changes_is_noted() -> None:
    counted = filled(3)
    counted.add("z" * 10, PLAIN, MONDAY + DAY)
    counted.touched.clear()
    counted.forget(MONDAY + DAY - 1)
    assert (len(counted.chunks), counted.touched) == (3, set())
    counted.forget(MONDAY + DAY)
    assert list(counted.chunks) == ["20001.0"]
    assert counted.touched == {"20000.0", "20000.1"}


def test_the_characters_that_are_kept_are_known_without_counting_them() -> None:
    filled_before = CountedEvents(dict(filled(50).chunks))
    for counted in (filled(50), filled_before):
        counted.add("z" * 10, PLAIN, MONDAY + DAY)
        assert counted.characters == sum(len(chunk) for chunk in counted.chunks.values())
        counted.forget(MONDAY + DAY)
        assert counted.characters == len(counted.chunks["20001.0"])


def test_what_is_taken_over_keeps_its_day_and_leaves_out_what_is_there() -> None:
    counted, other = filled(2), filled(5, MONDAY + DAY)
    counted.take_over(other, set(ids(2)))

    assert sorted(counted.chunks) == ["20000.0", "20001.0", "20001.1"]
    assert len(counted.find(set(ids(9)))) == 5
