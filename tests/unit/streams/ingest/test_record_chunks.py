"""Records that are taken as they are unpacked, in chunks, from what aiokafka makes of a broker's answer."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streams.ingest.record_chunks import take_in_chunks, take_turns

WEB, SOCIAL = TopicPartition("web", 0), TopicPartition("social", 3)


def answer(*values: bytes, first: int = 0, corrupt: bool = False) -> FetchResult:
    """Make what aiokafka makes of an answer: one batch, in which the first record that is wanted has an offset."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for offset, value in enumerate(values):
        builder.append(offset, 1_700_000_000_000 + offset, b"key", value, [("name", b"content")])
    batch = bytearray(builder.build())
    if corrupt:
        batch[-1] ^= 1
    batches = MemoryRecords(bytes(batch))
    records = PartitionRecords(WEB, batches, [], first, None, None, check_crcs=True, isolation_level=READ_COMMITTED)
    state = SimpleNamespace(paused=False, position=first)
    state.consumed_to = lambda position: setattr(state, "position", position)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    return FetchResult(WEB, assignment=assignment, partition_records=records, backoff=0)


def fetcher(result: FetchResult, chunk: int = 2) -> Any:
    """Give a fetcher that has an answer, and takes its records in chunks."""
    made = SimpleNamespace(_records=OrderedDict([(WEB, result)]))
    size: Any = SimpleNamespace(chunk=chunk)
    take_in_chunks(made, size)
    return made


def values(chunks: list[Any]) -> list[list[bytes]]:
    """Give the values of chunks."""
    return [[record.value for record in chunk] for chunk in chunks]


def test_records_come_in_chunks_and_the_position_follows() -> None:
    result = answer(b"a", b"b", b"c", b"d", b"e")
    fetcher(result)
    assert values(result.getall(2)) == [[b"a", b"b"], [b"c", b"d"]]
    assert result._assignment.state_value(WEB).position == 4
    assert values(result.getall(2)) == [[b"e"]]
    assert result._assignment.state_value(WEB).position == 5
    assert not result.has_more()


def test_records_are_as_they_were_sent() -> None:
    result = answer(b"a")
    fetcher(result)
    [[record]] = result.getall(9)
    assert (record.offset, record.timestamp, record.key, record.value) == (0, 1_700_000_000_000, b"key", b"a")
    assert list(record.headers) == [("name", b"content")]


@pytest.mark.parametrize("first", range(5))
def test_what_comes_before_the_wanted_offset_in_a_batch_is_left_out(first: int) -> None:
    result = answer(b"a", b"b", b"c", b"d", b"e", first=first)
    fetcher(result)
    assert b"".join(value for chunk in values(result.getall(99)) for value in chunk) == b"abcde"[first:]


def test_a_batch_that_was_damaged_is_refused() -> None:
    result = answer(b"a", b"b", corrupt=True)
    fetcher(result)
    with pytest.raises(CorruptRecordException):
        result.getall(9)


def test_what_is_fetched_later_comes_in_chunks_too() -> None:
    made = fetcher(answer(b"a"))
    later = answer(b"b", b"c", b"d")
    made._records[SOCIAL] = later
    size: Any = SimpleNamespace(chunk=9)
    take_in_chunks(made, size)
    assert values(later.getall(9)) == [[b"b", b"c"], [b"d"]]


def test_errors_are_handed_on_as_they_are() -> None:
    made, error = fetcher(answer(b"a")), object()
    made._records[SOCIAL] = error
    assert made._records[SOCIAL] is error


def test_who_has_given_records_comes_after_the_others_the_next_time() -> None:
    made = fetcher(answer(b"a"))
    made._records[SOCIAL] = answer(b"b")
    take_turns(made, [WEB, TopicPartition("gone", 0)])
    assert list(made._records) == [SOCIAL, WEB]
