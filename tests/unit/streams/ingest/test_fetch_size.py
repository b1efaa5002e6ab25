"""How many records are taken at a time."""

from __future__ import annotations

from streams.ingest.fetch_size import FetchSize
from streams.records import Partition
from tests.unit.streams.bench import Record


def taken_after(*sizes: int) -> int:
    """Return how many records are taken after a fetch of records of some sizes."""
    records = [Record(offset, 0, None, b"x" * size) for offset, size in enumerate(sizes)]
    return FetchSize().learn({Partition("web", 0): [records]})


def test_few_records_are_taken_while_nothing_is_known_of_their_size() -> None:
    assert FetchSize().records == 500
    assert FetchSize().learn({}) == 500


def test_records_of_the_usual_size_are_taken_by_the_thousand() -> None:
    assert 10_000 < taken_after(*[200] * 500) < 20_000


def test_however_small_they_are_they_are_not_taken_without_end() -> None:
    assert taken_after(*[0] * 500) == 20_000


def test_what_is_taken_at_a_time_has_some_megabytes() -> None:
    for size in (2_000, 50_000, 1_000_000):
        assert 3_000_000 < taken_after(*[size] * 40) * size < 5_000_000


def test_of_very_large_records_one_is_taken() -> None:
    assert taken_after(8_000_000) == 1


def test_a_record_without_a_value_has_a_size_too() -> None:
    assert FetchSize().learn({Partition("web", 0): [[Record(0, 0, None, None)]]}) == 20_000


def test_small_batches_are_taken_by_as_many_chunks_as_records_are_wanted() -> None:
    size = FetchSize()
    chunks = [[Record(offset, 0, None, b"x" * 200)] * 5 for offset in range(100)]
    size.learn({Partition("web", 0): chunks})
    assert size.chunks == size.records // 5
    assert size.chunk == 10


def test_when_batches_grow_what_is_taken_stays_within_twice_what_is_wanted() -> None:
    size = FetchSize()
    for per_chunk in (1, 2, 7, 100, 500):
        size.learn({Partition("web", 0): [[Record(0, 0, None, b"x" * 200)] * per_chunk]})
        assert size.chunk * size.chunks <= 2 * size.records


def test_a_chunk_has_no_more_large_records_than_are_taken() -> None:
    size = FetchSize()
    assert size.chunk == 500
    size.learn({Partition("web", 0): [[Record(0, 0, None, b"x" * 1_000_000)] * 500]})
    assert (size.chunk, size.chunks) == (4, 1)
