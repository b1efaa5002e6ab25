"""Paths: where in a record a value stands, written as TOML writes dotted keys.

Rests on decision 26.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

MOST_STEPS: Final = 32
#: The places in which values are looked up, from the outside in: the Kafka record, what its value decodes to, the event
#: in it, then the element of each array around and the element itself.
KAFKA: Final = 0
RECORD: Final = 1
EVENT: Final = 2
#: Where a path starts: at the element (or the event), at the record, at an element around, in the Kafka record.
HERE: Final = "@"
ROOT: Final = "$"
AROUND: Final = "^"
KEY: Final = "@key"
TIMESTAMP: Final = "@timestamp"
HEADER: Final = "@header"
#: Stands in the steps of `each` for every element of an array; no index is negative.
EVERY: Final = -1

_BARE = re.compile(r"[^.\[\]\"'{}\s]+(?: +[^.\[\]\"'{}\s]+)*")
_END = re.compile(r"\s*\]")
_BASIC = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LITERAL = re.compile(r"'([^']*)'")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_INDEX = re.compile(r"\d{1,9}", re.ASCII)
_SOUGHT = re.compile(r"\s*([^.\[\]\"'{}=\s]+)\s*")


@dataclass(frozen=True, slots=True)
class Find:
    """A step into the first element of an array in which a path leads to a value that reads as the wanted text."""

    steps: tuple[str | int | Find, ...]
    wanted: str


Step: TypeAlias = str | int | Find


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value stands.

    `origin` is one of the above; `up` is how many elements further out an `AROUND` starts. `name` is that of a header.
    `text` is the path as it was written.
    """

    origin: str
    steps: tuple[Step, ...]
    text: str
    up: int = 0
    name: str = ""

    def level(self, depth: int) -> int:
        """Return in which place it starts.

        Args:
            depth: how many arrays the element is in; 0 where the event is no element.
        """
        if self.origin == HERE:
            return EVENT + depth
        if self.origin == ROOT:
            return RECORD
        if self.origin == AROUND:
            return max(EVENT + depth - self.up, RECORD)
        return KAFKA


def parse_path(text: str) -> Path:
    """Read a path.

    Args:
        text: such as ``data.customer.id``, ``properties."a.b"``, ``contacts[0]``, ``answers[field.ref=nps].number``,
            ``$.id``, ``^.id``, ``@``, ``@key``, ``@timestamp`` or ``@header.NAME``.

    Returns:
        The path.

    Raises:
        ValueError: with what is wrong with it.

    Example:
        >>> parse_path('items[2]."a.b"').steps
        ('items', 2, 'a.b')
    """
    first, dot, rest = text.partition(".")
    if first in (KEY, TIMESTAMP):
        if dot:
            raise ValueError(f"{text!r}: nothing may follow {first}")
        return Path(first, (), text)
    if first == HEADER:
        if not rest:
            raise ValueError(f"{text!r}: the name of a header must follow, such as @header.ce_type")
        quoted = _BASIC.fullmatch(rest) or _LITERAL.fullmatch(rest)
        return Path(HEADER, (), text, name=_unescaped(quoted[1], text) if quoted else rest)
    origin, up, rest = _origin(text)
    steps = _steps(rest, text) if rest or text not in (HERE, ROOT, AROUND) else []
    if EVERY in steps:
        raise ValueError(f"{text!r}: [] is for `each` alone; here an index such as [0] or a search such as [id=5]")
    return Path(origin, tuple(steps), text, up)


def parse_each(text: str) -> tuple[tuple[Step, ...], ...]:
    """Read where the elements are.

    Args:
        text: such as ``[]``, ``events[]`` or ``entry[].changes[]``.

    Returns:
        The steps to each array, from the outer one to the inner one.

    Raises:
        ValueError: with what is wrong with it.
    """
    rest = text[1:].removeprefix(".") if text.startswith(("$.", "$[", "@.", "@[")) else text
    steps = _steps(rest, text)
    if steps[-1] != EVERY:
        raise ValueError(f"{text!r}: must end in [], such as events[]")
    arrays: list[tuple[Step, ...]] = []
    way: list[Step] = []
    for step in steps:
        if step == EVERY:
            arrays.append(tuple(way))
            way = []
        else:
            way.append(step)
    return tuple(arrays)


def _origin(text: str) -> tuple[str, int, str]:
    """Return where a path starts, and what is left of its text."""
    if text in (HERE, ROOT) or text.startswith(("@.", "@[", "$.", "$[")):
        return text[0], 0, text[1:].removeprefix(".")
    if text.startswith("@"):
        raise ValueError(f"{text!r}: of the Kafka record there are @key, @timestamp and @header.NAME")
    up, rest = 0, text
    while rest == "^" or rest.startswith(("^.", "^[")):
        up, rest = up + 1, rest[1:].removeprefix(".")
    return (AROUND, up, rest) if up else (HERE, 0, text)


def _steps(text: str, whole: str) -> list[Step]:
    steps: list[Step] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            step, at = _bracket(text, at, whole)
        else:
            if steps:
                if text[at] != ".":
                    raise ValueError(f"{whole!r}: a dot is missing before {text[at:]!r}")
                at += 1
            step, at = _key(text, at, whole)
        steps.append(step)
    if not steps:
        raise ValueError(f"{whole!r}: a path is not empty; the element itself is @, the record $")
    if len(steps) > MOST_STEPS:
        raise ValueError(f"{whole[:40]!r}...: has {len(steps)} steps; at most {MOST_STEPS} are followed")
    return steps


def _key(text: str, at: int, whole: str) -> tuple[str, int]:
    for shape in (_BASIC, _LITERAL):
        if match := shape.match(text, at):
            return (_unescaped(match[1], whole) if shape is _BASIC else match[1]), match.end()
    match = _BARE.match(text, at)
    if match is None:
        raise ValueError(f"{whole!r}: a name is missing; names with dots, brackets or quotes are put in quotes")
    return match[0], match.end()


def _bracket(text: str, at: int, whole: str) -> tuple[Step, int]:
    if text.startswith("[]", at):
        return EVERY, at + 2
    if (match := _INDEX.match(text, at + 1)) and text.startswith("]", match.end()):
        return int(match[0]), match.end() + 1
    way, at = _search(text, at + 1, whole)
    for shape in (_BASIC, _LITERAL):
        if (match := shape.match(text, at)) and (end := _END.match(text, match.end())):
            wanted = _unescaped(match[1], whole) if shape is _BASIC else match[1]
            return Find(way, wanted), end.end()
    close = text.find("]", at)
    if close < 0:
        raise ValueError(f"{whole!r}: a bracket is not closed")
    return Find(way, text[at:close].strip()), close + 1


def _search(text: str, at: int, whole: str) -> tuple[tuple[Step, ...], int]:
    """Read the path of a search, up to behind its equals sign."""
    way: list[Step] = []
    while True:
        match = _SOUGHT.match(text, at)
        step, at = (match[1], match.end()) if match else _key(text, at, whole)
        way.append(step)
        if text.startswith("=", at):
            at += 1
            return tuple(way), at + len(text[at:]) - len(text[at:].lstrip())
        if not text.startswith(".", at):
            raise ValueError(f"{whole!r}: in brackets stands a number, such as [0], or a search, such as [id=5]")
        at += 1


def _unescaped(text: str, whole: str) -> str:
    def meant(match: re.Match[str]) -> str:
        if match[1][0] in "uU":
            return chr(int(match[1][1:], 16))
        if match[1] not in _ESCAPES:
            raise ValueError(f"{whole!r}: \\{match[1]} means nothing")
        return _ESCAPES[match[1]]

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", meant, text)
