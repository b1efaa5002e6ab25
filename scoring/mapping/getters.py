"""Getters: paths, compiled to what looks a value up.

Rests on decisions 26, 85 and 149.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from scoring.mapping.paths import EVENT, HEADER, KAFKA, KEY, RECORD, ROOT, TIMESTAMP, Find, Path, Step

#: What stands at each place, from the Kafka record inwards.
Levels: TypeAlias = tuple[Any, ...]


class Getter:
    """Looks a value up in the places of a record."""

    def get(self, levels: Levels) -> Any:
        """Give the value; None where there is nothing.

        Args:
            levels: the places.
        """
        raise NotImplementedError


class Lookup:
    """Goes some steps from a value inwards."""

    def __init__(self, steps: Sequence[Step]) -> None:
        """Keep the steps.

        Args:
            steps: none for the value itself.
        """
        self._steps = tuple(steps)

    def of(self, value: Any) -> Any:
        """Give the value at the end; None where a step leads nowhere.

        Args:
            value: where the first step starts.
        """
        return _at_end(value, self._steps)


def compile_path(path: Path, depth: int) -> Getter:
    """Make what looks a value up.

    Args:
        path: where it stands.
        depth: how many arrays the element is in.
    """
    if path.origin == KEY:
        return _RecordKey()
    if path.origin == TIMESTAMP:
        return _RecordTime()
    if path.origin == HEADER:
        return _Header(path.name)
    if path.origin == ROOT:
        return _OfRecord(path.steps)
    level = path.level(depth)
    if len(path.steps) == 1 and isinstance(path.steps[0], str):
        return _Field(level, path.steps[0])
    return _Way(level, path.steps)


class _Field(Getter):
    """Most paths are the name of a field."""

    def __init__(self, level: int, name: str) -> None:
        self._level, self._name = level, name

    def get(self, levels: Levels) -> Any:
        value = levels[self._level]
        return value.get(self._name) if type(value) is dict else None


class _Way(Getter):
    def __init__(self, level: int, steps: Sequence[Step]) -> None:
        self._level, self._steps = level, tuple(steps)

    def get(self, levels: Levels) -> Any:
        return _at_end(levels[self._level], self._steps)


class _OfRecord(Getter):
    """The record is the envelope where there is one; what is not there may be in the event that was inside."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)

    def get(self, levels: Levels) -> Any:
        value = _at_end(levels[RECORD], self._steps)
        return _at_end(levels[EVENT], self._steps) if value is None else value


class _RecordKey(Getter):
    def get(self, levels: Levels) -> Any:
        return _text(levels[KAFKA].key)


class _RecordTime(Getter):
    def get(self, levels: Levels) -> Any:
        return levels[KAFKA].timestamp


class _Header(Getter):
    def __init__(self, name: str) -> None:
        self._name, self._lower = name, name.lower()

    def get(self, levels: Levels) -> Any:
        # Of several headers of one name the last one holds, as for Kafka's own clients. A header that came over HTTP
        # may have lost its capitals on the way; one with the very name goes first.
        headers: Any = levels[KAFKA].headers
        pairs = tuple(headers.items()) if isinstance(headers, Mapping) else headers
        found = None
        for key, value in pairs:
            if key == self._name:
                found = value
        if found is None:
            for key, value in pairs:
                if key.lower() == self._lower:
                    found = value
        return _text(found)


def _at_end(value: Any, steps: tuple[Step, ...]) -> Any:
    for step in steps:
        if isinstance(step, str):
            if type(value) is not dict:
                return None
            value = value.get(step)
        elif type(value) is not list:
            return None
        elif isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            value = _found(value, step)
        if value is None:
            return None
    return value


def _found(elements: list[Any], find: Find) -> Any:
    for element in elements:
        value = _at_end(element, find.steps)
        if value is not None and as_text(value) == find.wanted:
            return element
    return None


def as_text(value: object) -> str | None:
    """Write a scalar as JSON writes it, but text as it is.

    Args:
        value: of a record.

    Returns:
        The text; None where it is an object or an array. A point in time, which binary encodings have, is ISO 8601.
    """
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return value.isoformat() if isinstance(value, datetime) else None


def _text(value: object) -> str | None:
    if isinstance(value, bytes | bytearray | memoryview):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return None
    return value if isinstance(value, str) else None
