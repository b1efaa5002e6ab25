"""Conditions: which records and elements a source reads, and which it leaves out.

Rests on decision 26.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.mapping.getters import Levels, as_text, compile_path
from scoring.mapping.paths import Path, parse_path

_WORDS = ("present", "same_as")
_NO_VALUE = "must be a text, a number, true, false, a list of them, { present = true } or { same_as = PATH }"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of the value at a path.

    It is one of `values` where there are any, has a value or has none as `present` says, and is the same as that at
    `same_as`; a None asks for nothing.
    """

    path: Path
    values: tuple[str | int | float | bool, ...] | None = None
    present: bool | None = None
    same_as: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths that it looks at."""
        return (self.path,) if self.same_as is None else (self.path, self.same_as)


def parse_conditions(written: object) -> tuple[Condition, ...]:
    """Read a table of conditions.

    Args:
        written: paths with a value, a list of values, ``{ present = true }`` or ``{ same_as = "^.id" }``. A path may
            be a key in quotes or a dotted key, which TOML makes tables in tables of.

    Returns:
        The conditions.

    Raises:
        ValueError: with what is wrong with the first that is wrong.
    """
    if not isinstance(written, Mapping) or not written:
        raise ValueError('must be a table of paths and values, such as { op = ["c", "r"] }')
    conditions = []
    for key, wanted in written.items():
        path = parse_path(key)
        conditions += [_condition(found, value) for found, value in _flat(path, wanted)]
    return tuple(conditions)


def _flat(path: Path, wanted: object) -> Iterator[tuple[Path, object]]:
    """Follow tables in tables, as a dotted key makes them."""
    if not isinstance(wanted, Mapping) or (wanted and wanted.keys() <= set(_WORDS)):
        yield path, wanted
        return
    if not wanted:
        raise ValueError(f"{path.text}: {_NO_VALUE}")
    for key, value in wanted.items():
        # The first part of a dotted key may be where the path starts.
        yield from _flat(Path(path.origin, (*path.steps, key), f"{path.text}.{key}", path.up, path.name), value)


def _condition(path: Path, wanted: object) -> Condition:
    if isinstance(wanted, Mapping):
        present, same = wanted.get("present"), wanted.get("same_as")
        if present is not None and not isinstance(present, bool):
            raise ValueError(f"{path.text}: present must be true or false")
        if same is not None and not isinstance(same, str):
            raise ValueError(f"{path.text}: same_as must be a path")
        return Condition(path, None, present, None if same is None else parse_path(same))
    written = wanted if isinstance(wanted, list) else [wanted]
    values = tuple([value for value in written if isinstance(value, str | int | float | bool)])
    if len(values) < len(written):
        raise ValueError(f"{path.text}: {_NO_VALUE}")
    return Condition(path, values)


def any_of(alternatives: Sequence[tuple[Condition, ...]]) -> Condition | None:
    """Give a condition without which none of several alternatives holds, so that they need not be tested.

    Args:
        alternatives: the conditions of each.

    Returns:
        That the value at one path is one of all the values that the alternatives begin with; None if they do not.
    """
    firsts = [conditions[0] for conditions in alternatives if conditions and conditions[0].values is not None]
    if not firsts or len(firsts) < len(alternatives) or len({first.path for first in firsts}) > 1:
        return None
    return Condition(firsts[0].path, tuple([value for first in firsts for value in first.values or ()]))


class Test:
    """Tests a condition that must hold, or must not."""

    def __init__(self, condition: Condition, depth: int, *, wanted: bool) -> None:
        """Compile.

        Args:
            condition: what is tested.
            depth: how many arrays the element is in.
            wanted: whether it must hold.
        """
        self.name = condition.path.text
        self._wanted = wanted
        self._path = compile_path(condition.path, depth)
        self._values = condition.values
        self._texts = frozenset([value for value in condition.values or () if isinstance(value, str)])
        self._present = condition.present
        self._other = None if condition.same_as is None else compile_path(condition.same_as, depth)

    def passes(self, levels: Levels) -> bool:
        """Tell whether it is as it must be.

        Args:
            levels: the places.
        """
        return self._holds(levels) == self._wanted

    def _holds(self, levels: Levels) -> bool:
        found = self._path.get(levels)
        if self._values is not None:
            return found in self._texts if type(found) is str else found is not None and self._is_one(found)
        has_value = found is not None and found != ""
        if self._present is not None and has_value != self._present:
            return False
        return self._other is None or (has_value and _same(found, self._other.get(levels)))

    def _is_one(self, found: Any) -> bool:
        return any(equal(found, value) for value in self._values or ())


def equal(found: Any, value: str | float | bool) -> bool:  # noqa: FBT001 - a value out of a policy file
    """Tell whether a value is the one that a condition names: of the same kind, as true is not 1.

    Args:
        found: in a record.
        value: in the policy.
    """
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    return bool(found == value)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same; an id may be text here and a number there."""
    if other is None:
        return False
    text = as_text(one)
    return bool(one == other) if text is None else text == as_text(other)
