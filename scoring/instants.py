"""Points in time and lengths of time, as whole microseconds.

Rests on decisions 1, 78 and 130.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

MILLISECOND: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
#: Later than any time.
NEVER: Final = 1 << 62

_LONGEST: Final = 36_525 * DAY
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {"ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*", re.ASCII)
_SHAPE: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ][0-2]\d:[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-][0-2]\d:[0-5]\d)", re.ASCII
)
# What is as clear and is written, too: seconds left out (Java), a comma before the fraction, offsets without a colon or
# minutes (PHP, Java, PostgreSQL), a space before them (Ruby).
_SPELLED_OTHERWISE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:([Zz])| ?([+-]\d\d)(?::?(\d\d))?)", re.ASCII
)

# A number this large cannot be seconds (it would be the year 5138) and is read as milliseconds (from 1973 on).
_MILLISECONDS_FROM: Final = 1e11
# Beyond it (the year 2096 in milliseconds) numbers are rare enough for the slow way.
_LATEST_PLAIN: Final = 4e12
_MILLISECONDS: Final = 1e3
_HALF: Final = 0.5
# Characters of 2026-11-21T09:30:00Z, and of that with milliseconds or microseconds, as `format_instant` writes them.
_TO_THE_SECOND: Final = 20
_WITH_FRACTION: Final = (24, 27)
_MICROSECONDS: Final = 1e6
_NO_TIME: Final = "neither an RFC 3339 string nor a finite number of Unix seconds or milliseconds"
_TWO_DIGITS: Final = tuple([f"{number:02}" for number in range(60)])
_READ: Final = datetime.fromisoformat


def boundary_after(time: int, pane: int) -> int:
    """Return the first pane boundary after a time.

    Args:
        time: microseconds.
        pane: its length, in microseconds.
    """
    return (time // pane + 1) * pane


def parse_duration(text: str) -> int:
    """Read a length of time.

    Args:
        text: a number and a unit out of ms, s, m, h, d, w, such as ``30d`` or ``1.5h``.

    Returns:
        Microseconds, zero or more.

    Raises:
        ValueError: if the text is anything else.

    Example:
        >>> parse_duration("24h") == DAY
        True
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        message = f"{text!r} is not a duration such as 30d, 24h, 15m, 10s or 500ms"
        raise ValueError(message)
    length = float(match[1]) * _UNITS[match[2]]
    if length > _LONGEST:
        message = f"{text[:20]!r} is longer than a hundred years"
        raise ValueError(message)
    return round(length)


def format_duration(length: int) -> str:
    """Write a length of time in its largest whole unit.

    Args:
        length: microseconds, zero or more.

    Returns:
        Text that `parse_duration` reads back, such as ``30d``.
    """
    for unit in ("d", "h", "m", "s"):
        if length and length % _UNITS[unit] == 0:
            return f"{length // _UNITS[unit]}{unit}"
    return f"{length / MILLISECOND:g}ms" if length else "0s"


def parse_timestamp(value: object) -> int:
    """Read the time of an event.

    Args:
        value: an RFC 3339 string (an offset is required; some other spellings of ISO 8601 are taken, too), or a number
            of Unix seconds or milliseconds.

    Returns:
        Microseconds since 1970 UTC.

    Raises:
        ValueError: if it is neither, not finite, or before 1970; the message repeats a string, but no other value.

    Example:
        >>> parse_timestamp("1970-01-01T00:00:01Z"), parse_timestamp(1), parse_timestamp(1_700_000_000_000)
        (1000000, 1000000, 1700000000000000)
    """
    if isinstance(value, str):
        return _parse_rfc3339(value)
    if type(value) is int:
        return _from_1970(value * (MILLISECOND if value >= _MILLISECONDS_FROM else SECOND))
    if isinstance(value, float):
        return _from_number(value)
    raise ValueError(_NO_TIME)


def _from_number(value: float) -> int:
    if 0.0 <= value < _LATEST_PLAIN:
        # As `round` does it, without its call: half to even.
        exact = value * (_MILLISECONDS if value >= _MILLISECONDS_FROM else _MICROSECONDS)
        whole = int(exact)
        rest = exact - whole
        return whole + 1 if rest > _HALF or (rest == _HALF and whole % 2) else whole
    if math.isfinite(value):
        time = value * (MILLISECOND if value >= _MILLISECONDS_FROM else SECOND)
        if math.isfinite(time):
            return _from_1970(round(time))
    raise ValueError(_NO_TIME)


def _parse_rfc3339(text: str) -> int:
    if _is_plain(text):
        try:
            time = _since_epoch(text)
        except ValueError:
            time = -1
        if time >= 0:
            return time
        # The slow way says why, or takes it all the same.
    if _SHAPE.fullmatch(text) is None:
        spelled = _respelled(text)
        if _SHAPE.fullmatch(spelled) is None:
            message = f"{text[:40]!r} is not an RFC 3339 time with an offset, such as 2026-11-21T09:30:00Z"
            raise ValueError(message)
        text = spelled
    # RFC 3339 allows a leap second, datetime does not: it is counted as the second before.
    text = text.upper()
    try:
        time = _since_epoch(f"{text[:17]}59{text[19:]}" if text[17:19] == "60" else text)
    except ValueError:
        message = f"{text[:40]!r} has a day, an hour or an offset that there is not"
        raise ValueError(message) from None
    if time < 0:
        message = f"{text[:40]!r} is before 1970"
        raise ValueError(message)
    return time


def _is_plain(text: str) -> bool:
    """Return whether it is written as nearly all systems write it, if only numbers stand between the marks."""
    length = len(text)
    if length != _TO_THE_SECOND and (length not in _WITH_FRACTION or text[19] != "."):
        return False
    if text[-1] != "Z" or text[10] != "T":
        return False
    return text[4] == "-" and text[7] == "-" and text[13] == ":" and text[16] == ":"


def _since_epoch(text: str) -> int:
    elapsed = _READ(text) - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * SECOND + elapsed.microseconds


def _respelled(text: str) -> str:
    """Write a time as RFC 3339 has it; '' for what is none."""
    match = _SPELLED_OTHERWISE.fullmatch(text)
    if match is None:
        return ""
    day, minute, second, fraction, utc, hours, minutes = match.groups()
    decimals = f".{fraction}" if fraction else ""
    offset = "Z" if utc else f"{hours}:{minutes or '00'}"
    return f"{day}T{minute}:{second or '00'}{decimals}{offset}"


def _from_1970(time: int) -> int:
    if time < 0:
        message = "before 1970"
        raise ValueError(message)
    return time


def format_instant(time: int) -> str:
    """Write a point in time as RFC 3339 UTC.

    Args:
        time: microseconds since 1970 UTC, before the year 10000.

    Returns:
        Such as ``2026-11-21T09:30:00Z``; with a fraction only where there is one.
    """
    second = time // SECOND
    minute = second // 60
    text = _format_minute(minute) + _TWO_DIGITS[second - 60 * minute]
    fraction = time - second * SECOND
    # Digits behind a one are padded without a format, which is slow.
    return f"{text}.{str(SECOND + fraction)[1:]}Z" if fraction else text + "Z"


@lru_cache(maxsize=4096)
def _format_minute(minute: int) -> str:
    # Times come in great numbers and close together, and datetime is slow.
    return (_EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:")
