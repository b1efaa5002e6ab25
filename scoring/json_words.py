"""What a value is, in the words of JSON: for people who send events and have never seen this program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from scoring.instants import DAY, HOUR, MINUTE, SECOND, format_instant

_LONGEST: Final = 40
# From the year 2001 to the year 2286: the digits of a time in microseconds or nanoseconds.
_MICROSECONDS: Final = range(10**15, 10**16)
_NANOSECONDS: Final = range(10**18, 10**19)
_WRITABLE: Final = 253_402_300_800 * SECOND


def described(value: object) -> str:
    """Say what a value is.

    Args:
        value: as JSON decodes.

    Returns:
        Such as ``the number 7``, ``the string "abc"``, ``an array``, ``true``.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "the string " + (json.dumps(value, ensure_ascii=False) if len(value) <= _LONGEST else _shortened(value))
    if isinstance(value, int | float):
        written = str(value)
        return f"the number {written}" if len(written) <= _LONGEST else f"a number of {len(written)} characters"
    return "an object" if isinstance(value, dict) else "an array"


def _shortened(text: str) -> str:
    return f"{json.dumps(text[:_LONGEST], ensure_ascii=False)[:-1]}..."


def not_an_object(value: object) -> str:
    """Say why a value that is no object is refused.

    Args:
        value: as JSON decodes.
    """
    hint = ""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        hint = ": it has been encoded as JSON twice"
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        hint = ": send each of its objects as a record of its own"
    return f"the value is {described(value)}, and a JSON object is wanted{hint}"


def wanted(value: Mapping[str, object], name: str) -> str:
    """Say why a field that has to be a string is refused.

    Args:
        value: the object.
        name: of the field.
    """
    if name not in value:
        alike = [each for each in value if each.replace("-", "").replace("_", "").lower() == name.replace("_", "")]
        hint = f"; there is {described(alike[0])[len('the string ') :]}" if alike else ""
        return f"there is no {name}, and a string is wanted{hint}"
    hint = " with at least one character" if value[name] == "" else ""
    return f"{name} is {described(value[name])}, and a string{hint} is wanted"


def why_no_time(value: Mapping[str, object], why: str) -> str:
    """Say why a timestamp is refused that is none.

    Args:
        value: the object.
        why: what is wrong with it.
    """
    if "timestamp" not in value:
        return "there is no timestamp, and an RFC 3339 string or a number of Unix seconds or milliseconds is wanted"
    written = value["timestamp"]
    if isinstance(written, str):
        if written.strip().replace(".", "", 1).isdecimal():
            return f"timestamp is {described(written)}: a number of Unix seconds or milliseconds stands without quotes"
        return f"timestamp {why}" if written else 'timestamp is "", and a time is wanted'
    return f"timestamp is {described(written)}: {why}"


def why_ahead(value: Mapping[str, object], time: int, now: int) -> str:
    """Say why a timestamp is refused that is too far ahead.

    Args:
        value: the object.
        time: as it was read, in microseconds.
        now: of the clock by which it was judged.
    """
    written = value.get("timestamp")
    if isinstance(written, int | float):
        for unit, digits, divided in (("micro", _MICROSECONDS, 10**3), ("nano", _NANOSECONDS, 10**6)):
            if int(written) in digits:
                return (
                    f"timestamp is {described(written)}, which looks like {unit}seconds; Unix seconds or milliseconds "
                    f"are wanted, so divide by {divided:,}"
                )
    if time >= _WRITABLE:
        return f"timestamp is {described(written)}, which is after the year 9999; at most 5 minutes ahead are allowed"
    ahead = time - now
    unit, length = next(
        (each for each in (("days", DAY), ("hours", HOUR)) if ahead >= 2 * each[1]), ("minutes", MINUTE)
    )
    return (
        f"timestamp is {described(written)}, which is {format_instant(time)}: {ahead // length:,} {unit} ahead of the "
        "worker's clock; at most 5 minutes are allowed"
    )
