"""Strange values: timestamps, texts, numbers and whole documents, drawn at random."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fuzz.json_grammar import DEEPEST

SECOND = 1_000_000
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Raw(str):
    """Text that goes into the JSON as it is."""

    __slots__ = ()


ODD_TEXTS = (
    "", " ", "\0", "\n", "a:b", "{a}", "\u202e", "\ufeff", "\u2028", "é", "漢字", "😀", "e\u0301", "\x7f", "\\", '"',
    "/",
    "NaN", "null", "\ud800", "\udc00\ud800", "a\ud83d", "__proto__", "engagement:customer:x", "_v", "0", "-1", "1e5",
)  # fmt: skip
ODD_NUMBERS = tuple(
    Raw(text)
    for text in (
        "0", "-0", "-0.0", "1", "-1", "1.0", "1e3", "1E+3", "1e-3", "0.1", "-1e-9", "1e308", "1.8e308", "1e-400",
        "1e999",
        "-1e999", "01", "1.", ".5", "+1", "-", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "9007199254740993",
        "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "18446744073709551616", "1" + "0" * 40, "9" * 400, "99999999999", "100000000000", "99999999999.999999",
    )
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.5, [], {}, [None], [[]], {"a": 1}, {"customer_id": "anna"}, ["anna"], "anna", "",
    "12",
)  # fmt: skip
_WRONG_TIMES = (
    "", "soon", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00Z", "2026-13-01T00:00:00Z",
    "2026-00-10T00:00:00Z", "2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
    "2026-01-01T25:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+00:60", "2026-01-01T00:00:00+000", "2026-01-01T00:00:00.Z", "2026-01-01T00:00,5Z",
    "2026-W01-1T00:00:00Z", "2026-001T00:00:00Z", "20260101T000000Z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ",
    "2026-01-01T00:00:00Z\n", "+002026-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
    "\uff12026-01-01T00:00:00Z", "2026-01-01T00:00:00\uff5a", "Thu, 01 Jan 2026 00:00:00 GMT", "1767225600", "NaN",
    "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00+00:01", "2026-01-01_00:00:00Z",
    "2026-01-01T00:00:00z+01:00", "2026-01-01T00:00:00Europe/Berlin", "2026-01-01T0:00:00Z",
)  # fmt: skip
_RIGHT_TIMES = (
    "1970-01-01T00:00:00Z", "1969-12-31T23:59:59-00:01", "2016-12-31T23:59:60Z", "2024-02-29T12:00:00z",
    "2000-02-29 00:00:00-00:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "2099-01-01T00:00:00Z",
    "2025-12-31T23:59:60.75+14:00", "2025-06-30t23:59:60.999999999999Z", "2025-12-01T00:00:00.1234567890123456789Z",
    "2025-12-31T23:59:59+0000", "2025-12-31T23:59:60,75-0530", "2025-12-31 23:59:59 +02", "2025-12-31T23:59Z",
)  # fmt: skip


def odd_text(dice: random.Random) -> str:
    """Draw a text: odd, long, or of the length at which a limit lies."""
    choice = dice.randrange(4)
    if choice == 0:
        return dice.choice(ODD_TEXTS)
    if choice == 1:
        return "".join(dice.choice(ODD_TEXTS) for _ in range(dice.randrange(5)))
    character = dice.choice(("x", "é", "漢", "😀", "\0", '"'))
    bytes_each = len(character.encode())
    length = dice.choice((63, 64, 65, 254, 255, 256, 257, 258, 1_000)) // bytes_each
    return character * length + "y" * dice.choice((0, 0, 1, 2, 3))


def timestamp(dice: random.Random, now: int, window: int) -> Any:
    """Draw a timestamp: right, wrong, or at a limit."""
    choice = dice.randrange(8)
    if choice == 0:
        return dice.choice(_WRONG_TIMES)
    if choice == 1:
        return dice.choice(_RIGHT_TIMES)
    if choice == 2:
        return dice.choice(ODD_NUMBERS)
    if choice == 3:
        return dice.choice(ODD_VALUES)
    limit = dice.choice((now, now + 5 * MINUTE, now - window, now - window // 2, 0, now + DAY))
    return written_time(dice, max(limit + dice.choice((-SECOND, -1000, -1, 0, 1, 1000, SECOND)), 0))


def written_time(dice: random.Random, time: int) -> Any:
    """Write a time (microseconds) in one of the ways that the contract allows."""
    choice = dice.randrange(6)
    if choice == 0:
        return time // SECOND
    if choice == 1:
        return time // 1000 if time >= 10**14 else time / SECOND
    if choice == 2:
        return time / SECOND
    if choice == 3:
        return time / 1000 if time >= 10**14 else time / SECOND
    offset = dice.choice((0, 0, 60, -330, 14 * 60, -23 * 60 - 59))
    moment = _EPOCH + timedelta(microseconds=time, minutes=offset)
    text = moment.replace(tzinfo=None).isoformat(dice.choice("T ") if choice == 4 else "T")
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    return text + (f"{sign}{minutes // 60:02}:{minutes % 60:02}" if offset or choice == 5 else "Z")


def nested(dice: random.Random) -> Raw:
    """Draw something nested, often about as deep as is allowed inside of an object."""
    depths = (1, 2, 3, 10, 30) if dice.random() < 0.7 else (DEEPEST - 2, DEEPEST - 1, DEEPEST, DEEPEST + 1, 3_000)
    depth = dice.choice(depths)
    opening, closing = dice.choice((("[", "]"), ('{"a":', "}"), ('[{"b":[', "]}]")))
    times = max(depth // opening.count("[") if opening.count("[") > 1 else depth, 1)
    inner = dice.choice(("1", "", '"x"', "null")) if opening == "[" else "1"
    return Raw(opening * times + inner + closing * (times - dice.choice((0, 0, 0, 1))))


def document(dice: random.Random) -> bytes | None:
    """Draw a value that is no event at all."""
    return dice.choice(
        (
            None, b"", b" ", b"\n", b"null", b"true", b"1", b'"text"', b"[]", b"[{}]", b"{}", b"{} {}", b"not json",
            b"{",
            b'{"', b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00" * 20, b"\x1f\x8b\x08\x00",
            b"Obj\x01", b"\x00\x00\x00\x00\x01avro", b"[" * 5_000, b"[" * 1_024 + b"]" * 1_024, b"'{}'", b"x" * 20_000,
            b"<event/>", b"customer_id=anna&type=open", "{}".encode("utf-16"), b"\xef\xbb\xbf{}", b"{}\x00", b"//\n{}",
        )
    )  # fmt: skip


def dump(value: Any, *, ascii_only: bool) -> str:
    """Write a value as JSON, raw text as it is."""
    return value if isinstance(value, Raw) else json.dumps(value, ensure_ascii=ascii_only)
