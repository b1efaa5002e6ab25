"""JSON as RFC 8259 writes it, read without recursion and without the parser that the product uses."""

from __future__ import annotations

import math
import re
from typing import Any

#: Arrays and objects that may stand inside each other.
DEEPEST = 1024
_SPACE = re.compile(r"[ \t\n\r]*")
_BLANKS = frozenset(" \t\n\r")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NAMES = {"true": True, "false": False, "null": None}
_WIDEST_WHOLE = range(-(2**63), 2**64)


class NotJSONError(Exception):
    """The text is not JSON."""


class TooDeepError(Exception):
    """The text is nested too deep to be read."""


def parse(text: str, deepest: int = DEEPEST) -> Any:
    """Read a text; of two members with one name the later counts.

    Args:
        text: the whole of it.
        deepest: how many arrays and objects may stand inside each other.

    Returns:
        What it says; whole numbers are `int` as far as 64 bits hold them, and `float` otherwise.

    Raises:
        NotJSONError: if it is not JSON, or holds half a surrogate pair or a number beyond all floats.
        TooDeepError: if it is nested deeper than that before anything else is wrong with it.
    """
    return _Reader(text, deepest).read()


class _Reader:
    def __init__(self, text: str, deepest: int) -> None:
        self._text = text
        self._deepest = deepest
        self._at = 0
        # Open arrays and objects; for an object the name of the member that is being read.
        self._open: list[tuple[Any, str]] = []

    def read(self) -> Any:
        while True:
            value = self._begin()
            if value is _OPENED:
                continue
            while True:
                if not self._open:
                    self._skip()
                    self._expect(self._at == len(self._text))
                    return value
                container, name = self._open[-1]
                if isinstance(container, list):
                    container.append(value)
                else:
                    container[name] = value
                self._skip()
                mark = self._mark()
                if mark == ",":
                    if isinstance(container, dict):
                        self._open[-1] = (container, self._name())
                    break
                self._expect(mark == ("]" if isinstance(container, list) else "}"))
                value = self._open.pop()[0]

    def _begin(self) -> Any:
        """Read a scalar or an empty container, or enter one that is not empty."""
        self._skip()
        start = self._text[self._at : self._at + 1]
        if start in ("[", "{"):
            if len(self._open) == self._deepest:
                raise TooDeepError
            self._at += 1
            self._skip()
            if self._text[self._at : self._at + 1] == {"[": "]", "{": "}"}[start]:
                self._at += 1
                return [] if start == "[" else {}
            self._open.append(([], "") if start == "[" else ({}, self._name()))
            return _OPENED
        return self._string() if start == '"' else self._number_or_name()

    def _name(self) -> str:
        self._skip()
        name = self._string()
        self._skip()
        self._expect(self._mark() == ":")
        return name

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        self._expect(found is not None)
        assert found is not None
        self._at = found.end()
        raw = found[1]
        if "\\" in raw:
            raw = _ESCAPE.sub(_unescaped, raw)
            try:
                # Two halves of a pair make one character; a half alone makes none.
                raw = raw.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                raise NotJSONError from None
        return raw

    def _number_or_name(self) -> Any:
        found = _NUMBER.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
            whole = int(found[0]) if not found[1] and not found[2] and len(found[0]) < 30 else None
            if whole is not None and whole in _WIDEST_WHOLE:
                return whole
            self._expect(math.isfinite(float(found[0])))
            return float(found[0])
        for name, value in _NAMES.items():
            if self._text.startswith(name, self._at):
                self._at += len(name)
                return value
        raise NotJSONError

    def _mark(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _skip(self) -> None:
        if self._text[self._at : self._at + 1] in _BLANKS:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()

    def _expect(self, right: bool) -> None:  # noqa: FBT001 - reads as an assertion
        if not right:
            raise NotJSONError


_OPENED = object()


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _ESCAPED.get(found[2], found[2])
