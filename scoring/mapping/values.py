"""Values: what of a record is the customer, the type, the time, an id or a property.

Rests on decision 26.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from scoring.mapping.getters import Getter, Levels, as_text, compile_path
from scoring.mapping.paths import Path, parse_path

Parsed = TypeVar("Parsed")

NUMBER: Final = "number"
BOOLEAN: Final = "boolean"

_BRACED = re.compile(r"\{((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^{}\"'])*)\}")
_NUMBER = re.compile(r"[+-]?(\d+(?P<rest>\.\d*)?|(?P<half>\.\d+))(?P<power>[eE][+-]?\d+)?", re.ASCII)
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for every record: a text, a number or a truth value."""

    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Template:
    """A text put together of values: `parts` are literal texts and paths in turn, a literal first and last."""

    parts: tuple[str | Path, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Converted:
    """A value that is text in the record and a number or a truth value here."""

    value: Value
    way: str


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several values that is neither null nor an empty text."""

    values: tuple[Value, ...]


Value: TypeAlias = Path | Constant | Template | Converted | FirstOf


def parse_value(written: object) -> Value:
    """Read a value as a policy file writes it.

    Args:
        written: a path or a template, a list of values, ``{ is = "nps" }``, or ``{ path = "total", as = "number" }``.

    Returns:
        The value.

    Raises:
        ValueError: with what is wrong with it.
    """
    if isinstance(written, str):
        return _template(written) if "{" in written else parse_path(written)
    if isinstance(written, list):
        if not written:
            raise ValueError("an empty list has no value")
        return FirstOf(parse_all(parse_value, written))
    if isinstance(written, Mapping):
        return _table(written)
    raise ValueError(f'{written!r} is not a value: a path, a list of values, or a constant such as {{ is = "nps" }}')


def parse_all(parse: Callable[[Any], Parsed], written: Iterable[object]) -> tuple[Parsed, ...]:
    """Read several things.

    Args:
        parse: reads one; raises ValueError where it cannot.
        written: each as it is written.

    Raises:
        ValueError: with the problems of all of them, each on a line.
    """
    found: list[Parsed] = []
    problems: list[str] = []
    for each in written:
        try:
            found.append(parse(each))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(found)


def _table(written: Mapping[str, object]) -> Value:
    if written.keys() == {"is"}:
        constant = written["is"]
        if not isinstance(constant, str | int | float | bool):
            raise ValueError(f"is = {constant!r}: must be a text, a number, true or false")
        return Constant(constant)
    if "path" not in written or not written.keys() <= {"path", "as"}:
        keys = ", ".join(written) or "nothing"
        raise ValueError(f"a table here has either `is`, or `path` and perhaps `as`; this one has {keys}")
    value = parse_value(written["path"])
    if "as" not in written:
        return value
    if written["as"] not in (NUMBER, BOOLEAN):
        raise ValueError(f'as = {written["as"]!r}: must be "{NUMBER}" or "{BOOLEAN}"')
    return Converted(value, str(written["as"]))


def _template(text: str) -> Template:
    parts: list[str | Path] = []
    at = 0
    for match in _BRACED.finditer(text):
        parts += [text[at : match.start()], match[1].strip()]
        at = match.end()
    parts.append(text[at:])
    parts[1::2] = parse_all(parse_path, parts[1::2])
    if any("{" in part or "}" in part for part in parts if isinstance(part, str)) or len(parts) == 1:
        raise ValueError(f"{text!r}: a brace is not closed")
    return Template(tuple(parts), text)


def compile_value(value: Value, depth: int) -> Getter:
    """Make what looks a value up.

    Args:
        value: what is wanted.
        depth: how many arrays the element is in.
    """
    if isinstance(value, Path):
        return compile_path(value, depth)
    if isinstance(value, Constant):
        return _Constant(value.value)
    if isinstance(value, Template):
        return _Template(value, depth)
    if isinstance(value, Converted):
        return _Converted(value, depth)
    return _FirstOf(value, depth)


def paths_of(value: Value) -> Iterator[Path]:
    """Give the paths that a value is looked up by.

    Args:
        value: any.
    """
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Template):
        yield from (part for part in value.parts if isinstance(part, Path))
    elif isinstance(value, Converted):
        yield from paths_of(value.value)
    elif isinstance(value, FirstOf):
        for each in value.values:
            yield from paths_of(each)


class _Constant(Getter):
    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self, levels: Levels) -> Any:  # noqa: ARG002 - the same for all
        return self._value


class _FirstOf(Getter):
    def __init__(self, value: FirstOf, depth: int) -> None:
        self._values = [compile_value(each, depth) for each in value.values]

    def get(self, levels: Levels) -> Any:
        for value in self._values:
            found = value.get(levels)
            if found is not None and found != "":
                return found
        return None


class _Template(Getter):
    """Fills a template; a part that is missing goes with the separator before it, the first with the one behind it."""

    def __init__(self, template: Template, depth: int) -> None:
        literals = [part for part in template.parts if isinstance(part, str)]
        paths = [part for part in template.parts if isinstance(part, Path)]
        self._before, self._behind = literals[0], literals[-1]
        separators = ["", *literals[1:-1]]
        self._parts = [
            (separator, compile_path(path, depth)) for separator, path in zip(separators, paths, strict=True)
        ]

    def get(self, levels: Levels) -> Any:
        filled = ""
        for separator, value in self._parts:
            found = value.get(levels)
            if found is None or found == "":
                continue
            text = found if type(found) is str else as_text(found)
            if text is None:  # an object or an array
                continue
            filled = f"{filled}{separator}{text}" if filled else text
        return self._before + filled + self._behind if filled else None


class _Converted(Getter):
    def __init__(self, value: Converted, depth: int) -> None:
        self._value = compile_value(value.value, depth)
        self._number = value.way == NUMBER

    def get(self, levels: Levels) -> Any:
        found = self._value.get(levels)
        if found is None:
            return None
        return _as_number(found) if self._number else _as_boolean(found)


def _as_number(value: Any) -> int | float | None:
    if type(value) is int or type(value) is float:
        return value
    match = _NUMBER.fullmatch(value.strip()) if type(value) is str else None
    if match is None:
        return None
    whole = match["rest"] is None and match["half"] is None and match["power"] is None
    number = int(match[0]) if whole and len(match[0]) < 20 else float(match[0])  # noqa: PLR2004 - 64 bits, as in JSON
    return None if number in (float("inf"), float("-inf")) else number


def _as_boolean(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    text = as_text(value)
    return None if text is None else _BOOLEANS.get(text.strip().lower())
