"""The memory of event ids, so that a producer's second delivery of an event changes nothing.

Rests on decision 23.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Never

from scoring.instants import DAY

#: What differs from what is stored where nothing does: one for all customers, as each empty set takes 216 bytes.
UNTOUCHED: Final[frozenset[Never]] = frozenset()
#: Characters of one remembered id.
DIGEST: Final = 10
# A chunk is stored as one field of a Redis hash. Redis keeps a hash compact while its values have at most 64 bytes,
# so a customer with little traffic gets chunks of 6 ids; one with much gets larger ones, as it is not compact anyway.
# A chunk is stored whole with each id that comes to it, and busy customers are stored dozens of times a second: one of
# thousands of characters would be most of what a worker sends. Of these, a tenth of the room goes into the fields.
_SMALL: Final = 6 * DIGEST
_SMALL_CHUNKS: Final = 12
_LARGE: Final = 60 * DIGEST
# Few chunks are looked through as fast as an index. Of many, it takes some hundred looks to make up for the making of
# the index: customers with many ids come and go in a worker's memory, and most go before they have had as many events.
_INDEX_FROM: Final = 8
_INDEX_AFTER: Final = 200
# Characters of a bucket of the index: with longer ones the look is slower, with shorter ones Python's own part of each
# string counts for more. So an id takes some 17 bytes; in a set of strings it would take 100.
_BUCKET: Final = 24 * DIGEST
# How much more room ids take with the index than without.
_WITH_INDEX: Final = 3


class _Index:
    """Knows whether an id is among many: all ids in buckets by their hash, an id found by the look through one bucket.

    It grows by linear hashing, one bucket at a time: to make it anew would hold up the worker where there are millions.
    """

    __slots__ = ("_base", "_buckets", "_characters")

    def __init__(self, chunks: Iterable[str]) -> None:
        self._buckets = [""]
        # A power of two, to twice which the number of buckets grows by splits, in their order; then it doubles itself.
        self._base = 1
        self._characters = 0
        for chunk in chunks:
            for digest in _digests(chunk):
                self.add(digest)

    def _place(self, digest: str) -> int:
        found: int = hash(digest) & (2 * self._base - 1)
        return found if found < len(self._buckets) else found - self._base

    def __contains__(self, digest: str) -> bool:
        return _holds(self._buckets[self._place(digest)], digest)

    def add(self, digest: str) -> None:
        """Take in an id that is not in it."""
        self._buckets[self._place(digest)] += digest
        self._characters += DIGEST
        if self._characters > _BUCKET * len(self._buckets):
            self._split()

    def _split(self) -> None:
        place = len(self._buckets) - self._base
        moving = self._buckets[place]
        self._buckets[place] = ""
        self._buckets.append("")
        for digest in _digests(moving):
            self._buckets[self._place(digest)] += digest
        if len(self._buckets) == 2 * self._base:
            self._base *= 2


def _holds(chunk: str, digest: str) -> bool:
    """Return whether an id is in a chunk: the end of one and the start of the next can look like a third."""
    place = chunk.find(digest)
    while place >= 0:
        if place % DIGEST == 0:
            return True
        place = chunk.find(digest, place + 1)
    return False


def _digests(chunk: str) -> list[str]:
    return [chunk[start : start + DIGEST] for start in range(0, len(chunk), DIGEST)]


class SeenIds:
    """The ids of one customer's events, in chunks by the day on which they came."""

    __slots__ = ("_characters", "_day", "_full", "_index", "_looks", "_name", "_number", "_oldest", "chunks", "touched")

    def __init__(self, chunks: dict[str, str] | None = None) -> None:
        """Take over what was stored.

        Args:
            chunks: name of the chunk (day, a dot, a number) to the digests in it, side by side.
        """
        self.chunks: dict[str, str] = chunks or {}
        self.touched: frozenset[str] = UNTOUCHED
        self._characters = sum([len(chunk) for chunk in self.chunks.values()])
        # The chunk that is being filled: its day, its number, its name, and the length at which it is full.
        self._day, self._number, self._name, self._full = -1, 0, "", 0
        # The day up to which all is forgotten; all digests once there are many, and how often they were looked through.
        self._oldest = self._looks = 0
        self._index: _Index | None = None

    @property
    def size(self) -> int:
        """About how many bytes the ids take in memory."""
        return self._characters if self._index is None else self._characters * _WITH_INDEX

    def __contains__(self, digest: str) -> bool:
        """Return whether an id has been added and not been forgotten."""
        if self._index is not None:
            return digest in self._index
        return any(_holds(chunk, digest) for chunk in self.chunks.values())

    def add(self, digest: str, at: int) -> bool:
        """Remember an id.

        Args:
            digest: of the id.
            at: when it came, in microseconds: the evaluation time, or the time of the event if that is later.

        Returns:
            Whether it is new.
        """
        if self._index is None and self._looks >= _INDEX_AFTER and len(self.chunks) > _INDEX_FROM:
            self._index = _Index(self.chunks.values())
        index = self._index
        if index is not None:
            if digest in index:
                return False
            index.add(digest)
        else:
            self._looks += 1
            # The usual case is a few short chunks; the exact look is for those in which it seems to be.
            for chunk in self.chunks.values():
                if digest in chunk and digest in self:
                    return False
        day = at // DAY
        if day != self._day:
            self._open(day, 0)
        chunk = self.chunks[self._name]
        while len(chunk) >= self._full:
            self._open(day, self._number + 1)
            chunk = self.chunks[self._name]
        self.chunks[self._name] = chunk + digest
        self._characters += DIGEST
        if self._name not in self.touched:
            self.touched |= {self._name}
        return True

    def _open(self, day: int, number: int) -> None:
        self._day, self._number, self._name = day, number, f"{day}.{number}"
        self._full = _SMALL if number < _SMALL_CHUNKS else _LARGE
        self.chunks.setdefault(self._name, "")

    def forget(self, before: int) -> None:
        """Drop what came before a time, by whole days.

        Args:
            before: microseconds; a day that ends by then is dropped.
        """
        day = before // DAY
        if day <= self._oldest or not self.chunks:
            return
        self._oldest = day
        if self._day < day:
            self._day = -1
        gone = [name for name in self.chunks if int(name.partition(".")[0]) < day]
        for name in gone:
            self._characters -= len(self.chunks.pop(name))
        self.touched |= set(gone)
        self._index = None

    def entries(self) -> list[tuple[str, int]]:
        """List the digests, each with the number of the day on which it came."""
        return [
            (digest, int(name.partition(".")[0])) for name, chunk in self.chunks.items() for digest in _digests(chunk)
        ]
