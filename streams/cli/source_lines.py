"""Files of records of a foreign shape: one record a line, its value alone or with its key and headers."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from scoring.instants import MILLISECOND, parse_timestamp
from streams.backtest.event_files import refuse_other_kinds
from streams.cli.refusal import Refusal
from streams.errors import why_unreadable

_GZIP = b"\x1f\x8b"
_LOOKED_AT = 512


class WrittenRecord(NamedTuple):
    """A Kafka record as a line of a file tells it; `timestamp` is in milliseconds, None where it is not told."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int | None = None


def read_lines(path: Path) -> Iterator[tuple[int, WrittenRecord]]:
    """Read a file.

    Args:
        path: of plain or gzipped lines. A line that is a JSON object with `headers` and with `value` or `value_base64`
            stands for the Kafka record, and may have its `key` and `timestamp`; any other line is the value.

    Yields:
        The number of each line that is not blank, counted from 0, and its record.

    Raises:
        Refusal: if the file cannot be read.
        UnreadableEvents: if it is an archive, or anything else that has no lines.
    """
    try:
        with path.open("rb") as raw:
            start = raw.peek(_LOOKED_AT)
            refuse_other_kinds(path, start)
            packed = start.startswith(_GZIP)
            with gzip.GzipFile(fileobj=raw) if packed else raw as lines:
                for number, line in enumerate(lines):
                    value = line.rstrip(b"\r\n")
                    if value and not value.isspace():
                        yield number, parse_line(value, f"{path}, line {number}")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refusal(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise Refusal(f"cannot read {path}: {why_unreadable(error)}") from error


def parse_line(line: bytes, where: str) -> WrittenRecord:
    """Read one line.

    Args:
        line: of a file.
        where: it stands, for the message.

    Raises:
        Refusal: if it stands for a Kafka record, and does not say it as it should.
    """
    try:
        written = orjson.loads(line)
    except orjson.JSONDecodeError:
        return WrittenRecord(None, line)
    if not isinstance(written, dict) or "headers" not in written or not written.keys() & {"value", "value_base64"}:
        return WrittenRecord(None, line)
    try:
        return WrittenRecord(
            _bytes(written.get("key")), _value(written), tuple(_headers(written["headers"])), _time(written)
        )
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Refusal(f"{where}: is no Kafka record: {error}") from error


def _value(written: dict[str, Any]) -> bytes | None:
    packed = written.get("value_base64")
    return _bytes(written.get("value")) if packed is None else base64.b64decode(packed, validate=True)


def _bytes(written: Any) -> bytes | None:
    if written is None:
        return None
    return written.encode() if isinstance(written, str) else orjson.dumps(written)


def _headers(written: Any) -> Iterator[tuple[str, bytes]]:
    for name, content in (written or {}).items() if isinstance(written, dict | None) else written:
        found = _bytes(content)
        if found is not None:
            yield str(name), found


def _time(written: dict[str, Any]) -> int | None:
    told = written.get("timestamp")
    return None if told is None else parse_timestamp(told) // MILLISECOND
