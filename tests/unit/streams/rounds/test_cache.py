"""The cache keeps the customers used last."""

from __future__ import annotations

from copy import deepcopy

import pytest

from scoring.customer.objects import Objects
from streams.rounds.cache import CustomerCache
from streams.store.protocol import CustomerRecord


def filled(most: int, names: str) -> CustomerCache:
    """Give a cache of customers with names of one letter."""
    cache = CustomerCache(most)
    for name in names:
        cache[name] = CustomerRecord(version=name)
    return cache


def kept(cache: CustomerCache) -> str:
    """Give the names of those who are kept."""
    return "".join(name for name in "abcdef" if name in cache)


def test_a_record_is_kept_until_it_is_dropped() -> None:
    cache = filled(2, "ab")
    cache.drop(["b", "nobody"])

    assert (kept(cache), len(cache), cache["a"].version) == ("a", 1, "a")
    with pytest.raises(KeyError):
        cache["b"]


def test_nobody_is_forgotten_before_the_cache_is_trimmed() -> None:
    cache = filled(2, "abcd")
    assert (kept(cache), len(cache)) == ("abcd", 4)

    cache.trim()
    assert kept(cache) == "cd"


def test_those_used_last_are_kept() -> None:
    cache = filled(2, "abcd")
    cache["a"]
    cache["c"] = CustomerRecord(version="new")
    cache.trim()

    assert "a" in cache
    assert len(cache) == 2


def test_who_was_read_stays_before_who_was_only_stored() -> None:
    cache = filled(2, "abc")
    cache["a"]
    cache.trim()

    assert kept(cache) == "ac"


def test_a_cache_with_room_forgets_nobody() -> None:
    cache = filled(3, "abc")
    cache.trim()

    assert kept(cache) == "abc"


def test_everything_can_be_forgotten() -> None:
    cache = filled(3, "abc")
    cache.clear()

    assert (kept(cache), len(cache)) == ("", 0)


def with_ids(count: int) -> CustomerRecord:
    """Give a record that remembers event ids."""
    record = CustomerRecord(version="x")
    for number in range(count):
        record.state.seen.add(f"{number:010}", 0)
    return record


def test_a_customer_who_gets_more_ids_while_kept_is_weighed_again() -> None:
    cache = filled(100, "ab")
    cache.trim()
    cache["c"] = CustomerRecord(version="c")
    for name in "bc":
        record = cache[name]
        for number in range(3_300):
            record.state.seen.add(f"{number:010}", 0)
    cache.trim()
    assert kept(cache) == "bc"
    cache.drop("b")
    cache["d"] = CustomerRecord(version="d")
    cache["e"] = CustomerRecord(version="e")
    cache.trim()
    assert kept(cache) == "cde"


def with_objects(count: int) -> CustomerRecord:
    """Give a record that remembers what was done to some objects."""
    record = CustomerRecord(version="x")
    record.state.objects = Objects({f"{number:010}": "AbCd0123456789" for number in range(count)})
    return record


@pytest.mark.parametrize(("heavy", "light"), [(with_ids(2_300), with_ids(40)), (with_objects(330), with_objects(10))])
def test_customers_of_whom_much_is_remembered_take_more_room(heavy: CustomerRecord, light: CustomerRecord) -> None:
    for record, left in ((heavy, "bc"), (light, "abc")):
        cache = filled(100, "")
        for name in "abc":
            cache[name] = deepcopy(record)
        cache.trim()
        assert kept(cache) == left


def test_no_customer_is_too_heavy_to_be_kept() -> None:
    cache = filled(100, "")
    cache["a"] = with_ids(20_000)
    cache.trim()
    assert kept(cache) == "a"
