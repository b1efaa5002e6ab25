"""Has records read whose headers have names that are not UTF-8: Kafka takes any bytes, and librdkafka sends them.

aiokafka raises UnicodeDecodeError at such a record, which ends the task that fetches, after each restart again.

Rests on decision 156.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

#: Behind the first offset of a batch: how many bytes follow.
_LENGTH: Final = struct.Struct(">8xi")
#: Records that are read at a time: looking after each one takes longer than reading it.
_PIECE: Final = 64


def read_any_header_name() -> None:
    """Have all of aiokafka's consumers read names as Java's do: U+FFFD takes the place of what is not UTF-8."""
    fetcher.MemoryRecords = Batches


class Batches:
    """The batches of one answer; it takes the place of aiokafka's."""

    __slots__ = ("_at", "_batches", "_raw")

    def __init__(self, raw: bytes) -> None:
        """Begin with the first.

        Args:
            raw: as Kafka has sent them.
        """
        self._batches: Any = MemoryRecords(raw)
        self._raw = memoryview(raw)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Return how long they are."""
        return int(self._batches.size_in_bytes())

    def has_next(self) -> bool:
        """Return whether another whole one is there."""
        return bool(self._batches.has_next())

    def next_batch(self) -> Batch:
        """Give the next one."""
        start = self._at
        [length] = _LENGTH.unpack_from(self._raw, start)
        self._at = start + _LENGTH.size + length
        return Batch(self._batches.next_batch(), self._raw[start : self._at])


class Batch:
    """A batch that is read in C as far as names are UTF-8, and in Python from there on."""

    __slots__ = ("_batch", "_raw")

    def __init__(self, batch: Any, raw: memoryview) -> None:
        """Read nothing yet.

        Args:
            batch: aiokafka's.
            raw: the same.
        """
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        """Leave the rest to aiokafka."""
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """Give the record of a control batch."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        """Give the records."""
        return chain.from_iterable(self._pieces())

    def _pieces(self) -> Iterator[Iterable[Any]]:
        # A batch may be asked for its iterator only once, and each slice asks for one.
        records, last = chain(self._batch), -1
        try:
            while piece := list(islice(records, _PIECE)):
                last = piece[-1].offset
                yield piece
        except UnicodeDecodeError:
            rest = _DefaultRecordBatchPy(bytearray(self._raw))
            rest._maybe_uncompress()  # noqa: SLF001 - there is no other way to say how names are decoded
            rest._buffer = _AnyBytes(rest._buffer)  # noqa: SLF001
            yield (each for each in rest if each.offset > last)


class _AnyBytes(bytearray):
    """Bytes whose slices are decoded whatever they are."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _AnyBytes(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)
