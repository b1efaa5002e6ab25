"""The memory of event ids, so that a producer's second delivery of an event changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scoring.instants import DAY

#: Characters of one remembered id.
DIGEST: Final = 10
# A chunk is stored as one field of a Redis hash. Redis keeps a hash compact while its values have at most 64 bytes,
# so a customer with little traffic gets chunks of 6 ids; one with much gets larger ones, as it is not compact anyway.
# A chunk is stored whole with each id that comes to it, and busy customers are stored dozens of times a second: one of
# thousands of characters would be most of what a worker sends. Of these, a tenth of the room goes into the fields.
_SMALL: Final = 6 * DIGEST
_SMALL_CHUNKS: Final = 12
_LARGE: Final = 60 * DIGEST
_INDEX_FROM: Final = 8


class SeenIds:
    """The ids of one customer's events, in chunks by the day on which they came."""

    __slots__ = ("_day", "_full", "_index", "_name", "_number", "_oldest", "characters", "chunks", "touched")

    def __init__(self, chunks: dict[str, str] | None = None) -> None:
        """Take over what was stored.

        Args:
            chunks: name of the chunk (day, a dot, a number) to the digests in it, side by side.
        """
        self.chunks: dict[str, str] = chunks or {}
        self.touched: set[str] = set()
        #: How many characters the chunks have together.
        self.characters = sum([len(chunk) for chunk in self.chunks.values()])
        # The chunk that is being filled: its day, its number, its name, and the length at which it is full.
        self._day, self._number, self._name, self._full = -1, 0, "", 0
        # The day up to which all is forgotten; all digests once there are many.
        self._oldest = 0
        self._index: set[str] | None = None

    def __contains__(self, digest: str) -> bool:
        """Tell whether an id has been added and not been forgotten."""
        if self._index is not None:
            return digest in self._index
        for chunk in self.chunks.values():
            place = chunk.find(digest)
            while place >= 0:
                if place % DIGEST == 0:
                    return True
                # The end of one id and the start of the next look like a third.
                place = chunk.find(digest, place + 1)
        return False

    def add(self, digest: str, at: int) -> bool:
        """Remember an id.

        Args:
            digest: of the id.
            at: when it came, in microseconds: the evaluation time, or the time of the event if that is later.

        Returns:
            Whether it is new.
        """
        index = self._index
        if index is not None:
            if digest in index:
                return False
            index.add(digest)
        else:
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
        self.characters += DIGEST
        self.touched.add(self._name)
        if index is None and len(self.chunks) > _INDEX_FROM:
            self._index = set(self._digests())
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
        for name in [name for name in self.chunks if int(name.partition(".")[0]) < day]:
            self.characters -= len(self.chunks.pop(name))
            self.touched.add(name)
        self._index = None

    def entries(self) -> list[tuple[str, int]]:
        """List the digests, each with the number of the day on which it came."""
        return [
            (chunk[start : start + DIGEST], int(name.partition(".")[0]))
            for name, chunk in self.chunks.items()
            for start in range(0, len(chunk), DIGEST)
        ]

    def _digests(self) -> Iterator[str]:
        for chunk in self.chunks.values():
            for start in range(0, len(chunk), DIGEST):
                yield chunk[start : start + DIGEST]
