"""Files of events: JSON Lines, plain or gzip, read in step by the time of the events."""

from __future__ import annotations

import codecs
import gzip
import heapq
import io
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self, cast

import orjson

from scoring.events.event import MOST_AHEAD
from scoring.instants import parse_timestamp
from scoring.json_words import not_an_object
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from streams.backtest.json_values import numbered_values
from streams.errors import UnreadableEvents, why_unreadable
from streams.ingest.not_json import explained
from streams.ingest.profile_decoding import PROFILES
from streams.kafka.topics import MOST_RECORD_BYTES

_GZIP = b"\x1f\x8b"
_BUFFER = 1 << 18
#: The longest line that is sent: what brokers take unless they are told otherwise, less room for the key.
MOST_BYTES = MOST_RECORD_BYTES - 64 * 1024
#: How a file begins that is something else: from which byte on, with what, and what to say.
_OTHER_KINDS = (
    (0, b"PK\x03\x04", "is a zip archive: unpack it, or use gzip"),
    (0, b"BZh", "is compressed with bzip2: unpack it, or use gzip"),
    (0, b"\xfd7zXZ\0", "is compressed with xz: unpack it, or use gzip"),
    (0, b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it, or use gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it, or use gzip"),
    (257, b"ustar", "is a tar archive: unpack it"),
    (0, b"PAR1", "is a Parquet file: write its rows as JSON Lines"),
    (0, b"Obj\x01", "is an Avro file: write its records as JSON Lines"),
    (0, codecs.BOM_UTF16_LE, "is UTF-16: write it as UTF-8"),
    (0, codecs.BOM_UTF16_BE, "is UTF-16: write it as UTF-8"),
)
_LOOKED_AT = 512
_NEEDED = {"customer_id", "type", "timestamp"}
_SUFFIXES = (".gz", ".jsonl", ".ndjson", ".json")


def known_channels(policy: Policy) -> list[Channel]:
    """List what a line of a file may be of: the channels of a policy and, where it has them, profiles.

    Args:
        policy: any.
    """
    profiles = policy.profiles
    return [*policy.channels, *([Channel(PROFILES, profiles.topic, ())] if profiles is not None else [])]


class EventLine(NamedTuple):
    """One line of a file, and what it says of itself.

    `topic` is '' where it is no event or the channel is unknown, `problem` says why. `customer` is b'' where the line
    names none, `time` (microseconds) is that of the newest event up to this line in its file, 0 before the first; one
    in the future, which no worker lets in, does not count. `default` is the channel of the file's lines that name none.
    """

    file: Path
    number: int
    value: bytes
    topic: str
    customer: bytes
    time: int
    problem: str
    default: str = ""


class EventFiles:
    """Several files as one sequence of lines.

    One file keeps its order. Several are merged by the time of their events, as they would have come, each keeping
    its own order: a channel that ran ahead of the others would carry the stream clock off.
    """

    def __init__(self, paths: Sequence[Path], channels: Sequence[Channel], channel: str = "") -> None:
        """Open the files.

        Args:
            paths: of plain or gzipped JSON Lines; arrays of events, and events over several lines, are read, too.
            channels: of the policy; their names are those that a line may have as its `channel`.
            channel: that of every line, whatever the lines say; '' to go by the lines, then by the file's name.

        Raises:
            UnreadableEvents: if a file cannot be read, or `channel` is not in the policy.
        """
        self._topics = {known.name: known.topic for known in channels}
        self._channel = channel
        if channel:
            self._topic_of(channel)
        self.total_bytes = 0
        self._latest = time.time_ns() // 1_000 + MOST_AHEAD
        self._open: list[tuple[Path, BinaryIO]] = []
        self._exits = ExitStack()
        for path in paths:
            try:
                raw = self._exits.enter_context(path.open("rb"))
                self.total_bytes += path.stat().st_size
            except OSError as error:
                self._exits.close()
                raise UnreadableEvents([f"cannot read {path}: {why_unreadable(error)}"]) from error
            self._open.append((path, raw))

    def __enter__(self) -> Self:
        """Return the open files."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close the files."""
        self._exits.close()

    @property
    def read_bytes(self) -> int:
        """How far the files have been read, in bytes on disk."""
        return sum(raw.tell() for _, raw in self._open)

    def lines(self, *, timed: bool = False) -> Iterator[EventLine]:
        """Read the files once.

        Args:
            timed: whether the times of the events are wanted; several files are always read by them.

        Yields:
            The events, each with the number of the line on which it begins, and what is none.
        """
        timed = timed or len(self._open) > 1
        readers = [self._lines_of(path, raw, timed=timed) for path, raw in self._open]
        if len(readers) == 1:
            yield from readers[0]
        else:
            yield from heapq.merge(*readers, key=lambda line: line.time)

    def _lines_of(self, path: Path, raw: BinaryIO, *, timed: bool) -> Iterator[EventLine]:
        default = self._channel or channel_in_name(path, self._topics)
        resolve = self._resolver(default)
        newest = 0
        for number, value in numbered_values(_unpacked(path, raw)):
            event, problem = _decoded(value)
            topic = ""
            if event is not None:
                topic, problem = resolve(event)
                if topic and not _NEEDED & event.keys():
                    topic, problem = "", f"is no event: it has none of {', '.join(sorted(_NEEDED))}"
            if len(value) > MOST_BYTES:
                topic, problem = "", f"has {len(value):,} bytes; at most {MOST_BYTES:,} are sent"
            customer = b""
            if event is not None:
                named = event.get("customer_id")
                customer = named.encode() if type(named) is str else b""
                if timed and newest < (at := _time_of(event)) <= self._latest:
                    newest = at
            yield EventLine(path, number, value, topic, customer, newest, problem, default)

    def _resolver(self, default: str) -> Callable[[dict[str, object]], tuple[str, str]]:
        topics, forced = self._topics, bool(self._channel)
        known = f"the policy has {', '.join(topics)}"

        def resolve(event: dict[str, object]) -> tuple[str, str]:
            channel = default if forced else event.get("channel", default)
            topic = topics.get(channel, "") if type(channel) is str else ""
            if topic:
                return topic, ""
            return "", f"names no channel; {known}" if not channel else f"channel {channel!r} is unknown; {known}"

        return resolve

    def _topic_of(self, channel: str) -> str:
        if channel not in self._topics:
            raise UnreadableEvents([f"channel {channel!r} is unknown; the policy has {', '.join(self._topics)}"])
        return self._topics[channel]


def channel_in_name(path: Path, channels: Iterable[str]) -> str:
    """Find the channel that a file is named after.

    Args:
        path: such as ``email.jsonl.gz`` or ``2026-11-email.jsonl``.
        channels: known names.

    Returns:
        The channel whose name is that of the file without its suffixes, or the last part of it after ``-`` or ``.``;
        '' if there is none.
    """
    name = path.name.lower()
    while name.endswith(_SUFFIXES):
        name = name.rpartition(".")[0]
    known = set(channels)
    for candidate in (name, name.rpartition("-")[2], name.rpartition(".")[2]):
        if candidate in known:
            return candidate
    return ""


def _unpacked(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    start = _start_of(raw)
    try:
        if start.startswith(_GZIP):
            # GzipFile reads lines in Python; a buffer over it does in C.
            unpacked = io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=raw)), _BUFFER)
            _refuse_other_than_text(path, _start_of(unpacked))
            yield from unpacked
        else:
            _refuse_other_than_text(path, start)
            for line in raw:  # noqa: UP028 - `yield from` would close the file when the reader stops early
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableEvents([f"{path} is damaged: {error}"]) from error
    except OSError as error:
        raise UnreadableEvents([f"cannot read {path}: {why_unreadable(error)}"]) from error


def _start_of(file: BinaryIO) -> bytes:
    return file.peek(_LOOKED_AT) if isinstance(file, io.BufferedReader) else b""


def refuse_other_kinds(path: Path, start: bytes) -> None:
    """Refuse what holds no lines that can be read, by how it begins.

    Args:
        path: of the file, for the message.
        start: its first bytes.

    Raises:
        UnreadableEvents: with what the file is.
    """
    for place, mark, what in _OTHER_KINDS:
        if start.startswith(mark, place):
            raise UnreadableEvents([f"{path} {what}; nothing of it has been read"])


def _refuse_other_than_text(path: Path, start: bytes) -> None:
    refuse_other_kinds(path, start)
    if b"\0" in start[:2]:
        raise UnreadableEvents(
            [f"{path} is binary, or UTF-16; JSON Lines in UTF-8 are wanted; nothing of it has been read"]
        )


def _decoded(value: bytes) -> tuple[dict[str, object] | None, str]:
    """Decode an event; None and why where it is none."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return None, f"is not a JSON object: {explained(value, error)}"
    if type(event) is not dict:
        return None, f"is not a JSON object: {not_an_object(event)}"
    return event, ""


def _time_of(event: dict[str, object]) -> int:
    try:
        return parse_timestamp(event.get("timestamp"))
    except ValueError:
        return 0
