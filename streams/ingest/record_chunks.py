"""Takes records from aiokafka's consumer as they are unpacked, many at a time.

aiokafka makes a `ConsumerRecord` of each record, in Python, which took longer than to decode the JSON in it. What is
made of the broker's answer before that, and which records count (none of aborted transactions), stays its own doing: it
is handed chunks of records where it looks for records.

Rests on decisions 57 and 78.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords

from streams.ingest.fetch_size import FetchSize


class RecordChunk(list[Any]):
    """Records of one partition, at least one; it takes the place of a record."""

    @property
    def offset(self) -> int:
        """That of its last record."""
        return int(self[-1].offset)


def take_in_chunks(fetcher: Fetcher, size: FetchSize) -> None:
    """Have a fetcher give chunks of records from now on; the most that it is asked for is a number of chunks.

    Args:
        fetcher: of a consumer; once is enough.
        size: how many records make a chunk.
    """
    if isinstance(fetcher._records, _Fetched):  # noqa: SLF001 - there is no public way, nor is there in Faust
        return
    fetched = _Fetched(size)
    for partition, result in fetcher._records.items():  # noqa: SLF001
        fetched[partition] = result
    fetcher._records = fetched  # noqa: SLF001


def take_turns(fetcher: Fetcher, taken: Iterable[Any]) -> None:
    """Have partitions take turns: those that have given records and have more come after all others the next time.

    Args:
        fetcher: see `take_in_chunks`.
        taken: the partitions that have given records.
    """
    for partition in taken:
        if partition in fetcher._records:  # noqa: SLF001
            fetcher._records.move_to_end(partition)  # noqa: SLF001


class _Fetched(OrderedDict[Any, Any]):
    """What was fetched and not taken yet, by partition: the place where a fetch task leaves what it has."""

    def __init__(self, size: FetchSize) -> None:
        super().__init__()
        self._size = size

    def __setitem__(self, partition: Any, result: Any) -> None:
        if isinstance(result, FetchResult):
            _make_chunks(result._partition_records, self._size)  # noqa: SLF001
        super().__setitem__(partition, result)


def _make_chunks(records: PartitionRecords, size: FetchSize) -> None:
    # Nothing has been unpacked yet: that begins with the first record that is asked for.
    records._records = _Batches(records._records, size, records.next_fetch_offset)  # noqa: SLF001
    records._consumer_record = _as_it_is  # noqa: SLF001


def _as_it_is(_partition: Any, chunk: RecordChunk) -> RecordChunk:
    return chunk


class _Batches:
    """The batches of one answer."""

    __slots__ = ("_batches", "_first", "_size")

    def __init__(self, batches: Any, size: FetchSize, first: int) -> None:
        self._batches = batches
        self._size = size
        self._first = first

    def has_next(self) -> bool:
        return bool(self._batches.has_next())

    def next_batch(self) -> _Batch:
        return _Batch(self._batches.next_batch(), self._size, self._first)


class _Batch:
    """A batch that is unpacked in chunks, without the records before the first one that was asked for."""

    __slots__ = ("_batch", "_first", "_size")

    def __init__(self, batch: Any, size: FetchSize, first: int) -> None:
        self._batch = batch
        self._size = size
        self._first = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        # A control batch is looked into record by record.
        return next(self._batch)

    def __iter__(self) -> Iterator[RecordChunk]:
        # A batch may be asked for its iterator only once, and each slice asks for one.
        records = chain(self._batch)
        while chunk := RecordChunk(islice(records, self._size.chunk)):
            if chunk[0].offset < self._first:
                chunk[:] = [record for record in chunk if record.offset >= self._first]
                if not chunk:
                    continue
            yield chunk
