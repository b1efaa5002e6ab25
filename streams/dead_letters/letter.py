"""One dead letter as it stands in its topic, and the record that it once was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scoring.instants import MILLISECOND
from streams.records import PARTS, number_in

#: Header of a replayed record: how often it has been replayed, in decimal digits.
REPLAYS = "dlq.replays"
_ADDED = ("dlq.reason", "dlq.detail", "dlq.topic", "dlq.partition", "dlq.offset")

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: its place in the topic of dead letters, why it is there, and the original record.

    `time` is when it was dead-lettered, in microseconds. `headers` are those of the original, without the mark of a
    replay; `replays` says how often it has been replayed already. `parts` are those that are bad where others count.
    """

    partition: int
    offset: int
    time: int
    reason: str
    detail: str
    topic: str
    source_partition: int
    source_offset: int
    replays: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    parts: str = ""

    @property
    def place(self) -> str:
        """The name under which a person finds it: partition and offset in the topic of dead letters."""
        return f"{self.partition}:{self.offset}"

    @property
    def size(self) -> int:
        """Bytes of the original record, without its headers."""
        return len(self.key or b"") + len(self.value or b"")

    @property
    def marked_headers(self) -> list[tuple[str, bytes | None]]:
        """The headers with which it is sent again: the original ones, and how often it has been replayed by then."""
        parts = [(PARTS, self.parts.encode())] if self.parts else []
        return [*self.headers, *parts, (REPLAYS, str(self.replays + 1).encode())]


def read_letter(record: Any) -> Letter | None:
    """Read a record of the topic of dead letters.

    The worker adds its five headers behind those that the record had. So of each name the last one is taken, and one
    of the same name that a producer set stays with the original.

    Args:
        record: aiokafka's consumer record.

    Returns:
        The letter; None if the record has not been written by a worker.
    """
    headers = list(record.headers)
    added: dict[str, str] = {}
    for name in _ADDED:
        content = _take_last(headers, name)
        if content is None:
            return None
        added[name] = content.decode(errors="replace")
    partition, offset = number_in(added["dlq.partition"]), number_in(added["dlq.offset"])
    if partition is None or offset is None:
        return None
    marked = _take_last(headers, REPLAYS)
    replays = number_in((marked or b"").decode(errors="replace")) or 0
    # Behind the worker's other headers, where some parts of the record count; that of a replay goes with its mark.
    parts = _take_last(headers, PARTS) if record.headers[-1][0] == PARTS else None
    if marked is not None:
        _take_last(headers, PARTS)
    return Letter(
        partition=record.partition,
        offset=record.offset,
        time=record.timestamp * MILLISECOND,
        reason=added["dlq.reason"],
        detail=added["dlq.detail"],
        topic=added["dlq.topic"],
        source_partition=partition,
        source_offset=offset,
        replays=replays,
        key=record.key,
        value=record.value,
        headers=tuple(headers),
        parts=(parts or b"").decode(errors="replace"),
    )


def _take_last(headers: list[tuple[str, bytes | None]], name: str) -> bytes | None:
    for at in range(len(headers) - 1, -1, -1):
        if headers[at][0] == name:
            return headers.pop(at)[1]
    return None


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters are meant: by reason, by source topic, by the time of the dead letter (microseconds)."""

    reasons: Sequence[str] = ()
    topics: Sequence[str] = ()
    since: int = 0
    until: int | None = None

    def takes(self, letter: Letter) -> bool:
        """Return whether a letter is meant.

        Args:
            letter: any.
        """
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.topic in self.topics)
            and self.since <= letter.time
            and (self.until is None or letter.time < self.until)
        )
