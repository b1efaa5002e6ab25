"""The JSON values of a file: one a line, or over several lines, or in an array."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from itertools import chain

import orjson

from streams.errors import UnreadableEvents

_BLANK = b" \t\r\n"
_BETWEEN = " \t\r\n,[]"
#: Of a file in which a value is not a line, and which is so read as a whole.
_MOST_BYTES = 1 << 30

Numbered = tuple[int, bytes]


def numbered_values(lines: Iterator[bytes]) -> Iterator[Numbered]:
    """Take a file apart.

    Args:
        lines: of the file, with their ends.

    Yields:
        The number of the line on which a value begins, and its bytes; what is no value comes as it stands.

    Raises:
        UnreadableEvents: if a file that has to be read as a whole is too large for that.
    """
    numbered = enumerate(lines, 1)
    head = _next(numbered)
    head += _next(numbered) if head and _goes_on(head[0][1]) else []
    starts = [value.lstrip(_BLANK)[:1] for _, value in head]
    if starts[:1] == [b"["] or (len(head) > 1 and starts[1] != b"{"):
        yield from _spread(head[0][0], _whole(chain(head, numbered)))
    else:
        yield from ((number, line.rstrip(b"\r\n")) for number, line in chain(head, numbered) if line.strip(_BLANK))


def _next(numbered: Iterator[Numbered]) -> list[Numbered]:
    """Take the next line that is not blank, without a byte order mark; none at the end."""
    for number, line in numbered:
        value = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if value.strip(_BLANK):
            return [(number, value)]
    return []


def _goes_on(line: bytes) -> bool:
    """Return whether a line begins an object and does not end it."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return line.lstrip(_BLANK).startswith(b"{") and "unexpected end" in error.msg
    return False


def _whole(numbered: Iterator[Numbered]) -> str:
    lines: list[bytes] = []
    size, last = 0, 0
    for number, line in numbered:
        size += len(line)
        if size > _MOST_BYTES:
            raise UnreadableEvents(
                ["an array of events, or events over several lines, may take 1 GiB: write JSON Lines instead"]
            )
        # Blank lines before the second value have been passed over, and count.
        lines.append(b"\n" * (number - last - 1) + line if last else line)
        last = number
    return b"".join(lines).decode("utf-8", "surrogateescape")


def _spread(line: int, text: str) -> Iterator[Numbered]:
    """Give the values of a text, those of arrays each on its own; from one that is broken on, go by the lines."""
    decoder = json.JSONDecoder()
    at = 0
    while (start := _passed(text, at)) < len(text):
        line += text.count("\n", at, start)
        try:
            end = decoder.raw_decode(text, start)[1]
        except (ValueError, RecursionError):
            break
        yield line, text[start:end].encode("utf-8", "surrogateescape")
        line += text.count("\n", start, end)
        at = end
    for number, rest in enumerate(text[start:].split("\n"), line):
        if value := rest.strip(_BETWEEN if rest.strip(_BETWEEN)[:1] == "{" else " \t\r\n"):
            yield number, value.encode("utf-8", "surrogateescape")


def _passed(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BETWEEN:
        at += 1
    return at
