"""Times as foreign systems write them; the unit is always told, never guessed."""

from __future__ import annotations

import math
import re
from datetime import UTC as OF_UTC
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from scoring.instants import MILLISECOND, SECOND, parse_timestamp

AUTO: Final = "auto"
UTC: Final = "utc"
_UNITS: Final = {"s": SECOND, "ms": MILLISECOND, "us": 1}
TIME_FORMATS: Final = (AUTO, *_UNITS, UTC)

_DIGITS = re.compile(r"\s*(\d{1,20}(?:\.\d{1,20})?)\s*", re.ASCII)
_WITHOUT_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?", re.ASCII)
_SPACE_BEFORE_OFFSET = re.compile(r"(.*\d) ([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_OFFSET_WITHOUT_COLON = re.compile(r"(.*\d[+-]\d\d)(\d\d)", re.ASCII)
# Beyond the year 9999, which no text could say.
_LATEST: Final = 253_402_300_800 * SECOND


def parse_time(value: Any, time_format: str) -> int:
    """Read the time of an event.

    Args:
        value: out of a record.
        time_format: ``auto`` for an RFC 3339 text with an offset, or a number of seconds or milliseconds; ``s``,
            ``ms`` or ``us`` for a number of them, also as digits in a text; ``utc`` as ``auto``, but a text without
            an offset is UTC.

    Returns:
        Microseconds since 1970 UTC.

    Raises:
        ValueError: if it is anything else; the message repeats a text, but no other value.

    Example:
        >>> parse_time("2026-11-06 00:02:14.841", "utc") == parse_time(1793923334841, "ms")
        True
    """
    if type(value) is str and time_format in (AUTO, UTC):
        # Nearly all texts are as they should be, and the other ways are slow.
        try:
            return parse_timestamp(value)
        except ValueError:
            return _read_text(value, time_format)
    unit = _UNITS.get(time_format)
    if unit is not None and type(value) is int:
        return _counted(value, unit, time_format)
    if isinstance(value, datetime):  # a binary encoding has told the unit itself
        value, time_format = (value if value.tzinfo else value.replace(tzinfo=OF_UTC)).isoformat(), AUTO
        unit = None
    if unit is not None:
        return _counted(value, unit, time_format)
    if type(value) is str:
        return parse_timestamp(value)
    if type(value) is bool:
        raise ValueError("not a time")
    return parse_timestamp(value)


def _read_text(value: str, time_format: str) -> int:
    text = value.strip()
    try:
        return parse_timestamp(_with_offset(text, time_format))
    except ValueError as error:
        hint = ""
        if _DIGITS.fullmatch(text):
            hint = '; a number in a text takes time_format = "s", "ms" or "us"'
        elif _WITHOUT_OFFSET.fullmatch(text):
            hint = f'; if it is UTC, time_format = "{UTC}" reads it'
        raise ValueError(f"{error}{hint}") from None


def _with_offset(text: str, time_format: str) -> str:
    if time_format == UTC and _WITHOUT_OFFSET.fullmatch(text):
        return text + "Z"
    if match := _SPACE_BEFORE_OFFSET.fullmatch(text):
        text = match[1] + match[2]
    if ":" in text and (match := _OFFSET_WITHOUT_COLON.fullmatch(text)):
        text = f"{match[1]}:{match[2]}"
    return text


def _counted(value: Any, unit: int, time_format: str) -> int:
    if type(value) is int:
        # In two steps: compiled, a product of numbers of half a word is fast.
        time = value // 1_000 * (unit * 1_000) + value % 1_000 * unit
    elif type(value) is float and math.isfinite(value):
        time = round(value * unit)
    elif type(value) is str and (match := _DIGITS.fullmatch(value)):
        time = round(Decimal(match[1]) * unit)
    else:
        raise ValueError(f"{_repeated(value)}not a number of {time_format}")
    if not 0 <= time < _LATEST:
        raise ValueError(f"{_repeated(value)}before 1970 or after the year 9999, read as {time_format}")
    return time


def _repeated(value: Any) -> str:
    return f"{value[:40]!r} is " if type(value) is str else ""
