"""What remembered events counted, so that one of two copies can be taken back when their customers become one.

Kept only where the policy says that ids are linked: it takes more than twice as much room as the memory of the ids
alone.

Rests on decision 16.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Container
from typing import Final

from scoring.customer.seen import DIGEST
from scoring.instants import DAY
from scoring.rules.details import Detail

#: Before the digest of an object; no code of an amount begins so.
_OBJECT: Final = "="
_CODE: Final = 4
_TIME: Final = 10
# As for the ids themselves: chunks that Redis keeps compact, and larger ones for who has much traffic.
_SMALL: Final = 64
_SMALL_CHUNKS: Final = 12
_LARGE: Final = 1_500

#: Time (microseconds), code of the type, detail.
Counted = tuple[int, str, Detail | None]


class CountedEvents:
    """The events of one customer that had an id, in chunks by the day on which they came.

    A chunk is its entries, separated by commas; an entry is the digest of the id, the code of the type, the time, and
    after semicolons the amounts and the object.
    """

    __slots__ = ("_day", "_number", "_oldest", "characters", "chunks", "touched")

    def __init__(self, chunks: dict[str, str] | None = None) -> None:
        """Take over what was stored.

        Args:
            chunks: name of the chunk (day, a dot, a number) to its entries.
        """
        self.chunks: dict[str, str] = {} if chunks is None else chunks
        self.touched: set[str] = set()
        #: How many characters the chunks have together.
        self.characters = sum([len(chunk) for chunk in self.chunks.values()])
        self._day, self._number = -1, 0
        # The day up to which all is forgotten.
        self._oldest = 0

    def add(self, digest: str, event: Counted, at: int) -> None:
        """Remember an event.

        Args:
            digest: of its id, which is new.
            event: as it was counted.
            at: when it came, in microseconds, as the memory of ids has it.
        """
        self._append(digest + _write(event), at // DAY)

    def take_over(self, other: CountedEvents, left_out: Container[str]) -> None:
        """Remember what was remembered elsewhere.

        Args:
            other: of another customer.
            left_out: digests that are remembered here already.
        """
        for name, chunk in other.chunks.items():
            day = int(name.partition(".")[0])
            for entry in chunk.split(","):
                if entry[:DIGEST] not in left_out:
                    self._append(entry, day)

    def find(self, digests: Container[str]) -> list[Counted]:
        """Give the events with some ids.

        Args:
            digests: of the ids.
        """
        entries = [entry for chunk in self.chunks.values() for entry in chunk.split(",")]
        return [_read(entry[DIGEST:]) for entry in entries if entry[:DIGEST] in digests]

    def unreadable_chunk(self) -> str:
        """Name a chunk that cannot have been written so; '' if there is none."""
        for name, chunk in self.chunks.items():
            try:
                int(name.partition(".")[0])
                for entry in chunk.split(","):
                    _read(entry[DIGEST:])
            except (ValueError, IndexError):
                return name
        return ""

    def forget(self, before: int) -> None:
        """Drop what came before a time, by whole days, as the memory of ids does.

        Args:
            before: microseconds.
        """
        day = before // DAY
        if day <= self._oldest:
            return
        self._oldest = day
        for name in [name for name in self.chunks if int(name.partition(".")[0]) < day]:
            self.characters -= len(self.chunks.pop(name))
            self.touched.add(name)

    def _append(self, entry: str, day: int) -> None:
        if day != self._day:
            self._day, self._number = day, 0
        while True:
            name = f"{day}.{self._number}"
            chunk = self.chunks.get(name)
            longer = entry if chunk is None else f"{chunk},{entry}"
            if chunk is None or len(longer) <= (_SMALL if self._number < _SMALL_CHUNKS else _LARGE):
                break
            self._number += 1
        self.characters += len(longer) - (0 if chunk is None else len(chunk))
        self.chunks[name] = longer
        self.touched.add(name)


def _write(event: Counted) -> str:
    time, code, detail = event
    word = code + b2a_base64(time.to_bytes(7, "big"))[:_TIME].decode()
    if detail is None:
        return word
    word += "".join([f";{name}{amount}" for name, amount in detail.amounts])
    return f"{word};{_OBJECT}{detail.object}" if detail.object else word


def _read(entry: str) -> Counted:
    word, *details = entry.split(";")
    time = int.from_bytes(a2b_base64(word[_CODE:] + "=="), "big")
    if not details:
        return time, word[:_CODE], None
    about = details.pop()[1:] if details[-1][0] == _OBJECT else ""
    amounts = tuple([(name[:_CODE], int(name[_CODE:])) for name in details])
    return time, word[:_CODE], Detail(amounts, about)
