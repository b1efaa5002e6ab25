"""Conditions: what must hold of values in a record or an event.

The sources of a policy choose by them what they read, its channels which type an event counts as.

Rests on decisions 26 and 94.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from scoring.mapping.getters import Levels, as_text, compile_path
from scoring.mapping.paths import Path, parse_path

#: What a condition comes to: it holds, it does not, or the value is of a kind for which it never could.
HOLDS: Final = 1
FAILS: Final = 0
MISFIT: Final = -1

Scalar: TypeAlias = str | int | float | bool
#: What a condition may ask for, in a table.
WORDS: Final = ("equals", "one_of", "at_least", "at_most", "starts_with", "contains", "present", "same_as")
_BOUNDS: Final = ("at_least", "at_most")
_ALIKE: Final = 0.85
_NO_VALUE = f"must be a text, a number, true, false, a list of them, or a table with {', '.join(WORDS)}"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of the value at a path; a None asks for nothing.

    It is one of `values`, has a value or has none as `present` says, is the same as that at `same_as`, is a number
    within the bounds, which belong to it, is a text that begins with `starts_with`, and is a text or an array with
    `contains` in it.
    """

    path: Path
    values: tuple[Scalar, ...] | None = None
    present: bool | None = None
    same_as: Path | None = None
    at_least: float | None = None
    at_most: float | None = None
    starts_with: str | None = None
    contains: Scalar | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths that it looks at."""
        return (self.path,) if self.same_as is None else (self.path, self.same_as)


def parse_conditions(written: object) -> tuple[Condition, ...]:
    """Read a table of conditions.

    Args:
        written: paths with a value, a list of values, or a table of `WORDS` such as ``{ at_least = 9 }``. A path may be
            a key in quotes or a dotted key, which TOML makes tables in tables of.

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
        # Only the first part of a dotted key may be such a path: what stands beside a longer one is about its value.
        whole = sum(isinstance(step, str) for step in path.steps) > 1
        conditions += [_condition(found, value) for found, value in _flat(path, wanted, whole=whole)]
    return tuple(conditions)


def _flat(path: Path, wanted: object, *, whole: bool = False) -> Iterator[tuple[Path, object]]:
    """Follow tables in tables, as a dotted key makes them; to a path that is `whole` no key leads on."""
    if not isinstance(wanted, Mapping) or (wanted and wanted.keys() <= set(WORDS)):
        yield path, wanted
        return
    if not wanted:
        raise ValueError(f"{path.text}: {_NO_VALUE}")
    strange = [key for key in wanted if key not in WORDS]
    for key in strange:
        if meant := get_close_matches(key, WORDS, n=1, cutoff=_ALIKE):
            raise ValueError(f"{path.text}: {key!r} is probably {meant[0]}; else quote the whole path")
    if whole or len(strange) < len(wanted):
        raise ValueError(f"{path.text}: {strange[0]!r} is none of {', '.join(WORDS)}; else quote the whole path")
    for key, value in wanted.items():
        # The first part of a dotted key may be where the path starts.
        yield from _flat(Path(path.origin, (*path.steps, key), f"{path.text}.{key}", path.up, path.name), value)


def _condition(path: Path, wanted: object) -> Condition:
    if not isinstance(wanted, Mapping):
        return Condition(path, _values(path, wanted))
    if "equals" in wanted and "one_of" in wanted:
        raise ValueError(f"{path.text}: equals and one_of exclude each other")
    values = None
    if "one_of" in wanted:
        values = _values(path, wanted["one_of"], one=False)
    elif "equals" in wanted:
        values = _values(path, [wanted["equals"]])
    present, same, start = (wanted.get(word) for word in ("present", "same_as", "starts_with"))
    if present is not None and not isinstance(present, bool):
        raise ValueError(f"{path.text}: present must be true or false")
    if same is not None and not isinstance(same, str):
        raise ValueError(f"{path.text}: same_as must be a path")
    if start is not None and (not isinstance(start, str) or not start):
        raise ValueError(f"{path.text}: starts_with must be a text")
    low, high = (_bound(path, word, wanted.get(word)) for word in _BOUNDS)
    if low is not None and high is not None and low > high:
        raise ValueError(f"{path.text}: at_least is more than at_most")
    inside = wanted.get("contains")
    if inside is not None and (not isinstance(inside, str | int | float | bool) or inside == ""):
        raise ValueError(f"{path.text}: contains must be a text, a number, true or false")
    return Condition(path, values, present, None if same is None else parse_path(same), low, high, start, inside)


def _values(path: Path, wanted: object, *, one: bool = True) -> tuple[Scalar, ...]:
    written = wanted if isinstance(wanted, list) else [wanted] if one else []
    values = tuple([value for value in written if isinstance(value, str | int | float | bool)])
    if len(values) < len(written):
        raise ValueError(f"{path.text}: {_NO_VALUE}")
    if not one and not values:
        raise ValueError(f"{path.text}: one_of must be a list of texts, numbers, true or false")
    return values


def _bound(path: Path, word: str, wanted: object) -> float | None:
    if wanted is None:
        return None
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and math.isfinite(wanted):
        return wanted
    raise ValueError(f"{path.text}: {word} must be a number")


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


class Filter:
    """Tests the conditions under which something is read: all of `when`, none of `unless`."""

    def __init__(self, when: Iterable[Condition], unless: Iterable[Condition], depth: int) -> None:
        """Compile.

        Args:
            when: must hold.
            unless: must not hold.
            depth: how many arrays the element is in.
        """
        self._tests = [
            (condition.path.text, wanted, _Test(condition, depth))
            for conditions, wanted in ((when, True), (unless, False))
            for condition in conditions
        ]

    def left_out(self, levels: Levels) -> str:
        """Return which condition leaves it out, by its path; '' if none does.

        Args:
            levels: the places.
        """
        for name, wanted, test in self._tests:
            if (test.verdict(levels) == HOLDS) != wanted:
                return name
        return ""

    def verdict(self, levels: Levels) -> int:
        """Return what all conditions together come to: `HOLDS`, or the verdict of the first that leaves it out.

        Args:
            levels: the places.
        """
        for _, wanted, test in self._tests:
            verdict = test.verdict(levels)
            if (verdict == HOLDS) != wanted:
                return verdict if wanted else FAILS
        return HOLDS


class _Test:
    """One condition, compiled."""

    def __init__(self, condition: Condition, depth: int) -> None:
        self._path = compile_path(condition.path, depth)
        # Most conditions ask for one of some texts and for nothing else.
        values = condition.values or ()
        texts = [value for value in values if isinstance(value, str)]
        plain = texts and len(texts) == len(values) and condition == Condition(condition.path, condition.values)
        self._texts = frozenset(texts) if plain else None
        self._present = condition.present
        self._other = None if condition.same_as is None else compile_path(condition.same_as, depth)
        self._checks = _checks(condition)

    def verdict(self, levels: Levels) -> int:
        found = self._path.get(levels)
        if self._texts is not None and type(found) is str:
            return HOLDS if found in self._texts else FAILS
        has_value = found is not None and found != ""
        if self._present is not None and has_value != self._present:
            return FAILS
        if self._other is not None and not (has_value and _same(found, self._other.get(levels))):
            return FAILS
        for check in self._checks:
            if found is None:
                return FAILS
            verdict = check.verdict(found)
            if verdict != HOLDS:
                return verdict
        return HOLDS


class _Check:
    """One thing that is asked of a value: of which kinds it must be, and what holds of one of these."""

    def __init__(self, kinds: frozenset[str], holds: Callable[[Any], bool]) -> None:
        self._kinds, self._holds = kinds, holds

    def verdict(self, found: Any) -> int:
        if _kind(found) not in self._kinds:
            return MISFIT
        return HOLDS if self._holds(found) else FAILS


_TEXT, _NUMBER, _BOOLEAN, _ARRAY, _OTHER = "text", "number", "boolean", "array", "other"


def _kind(value: object) -> str:
    if isinstance(value, str):
        return _TEXT
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, int | float):
        return _NUMBER
    return _ARRAY if isinstance(value, list) else _OTHER


def _checks(condition: Condition) -> list[_Check]:
    checks = []
    if condition.values is not None:
        kinds = frozenset([_kind(value) for value in condition.values])
        checks.append(_Check(kinds, _one_of(condition.values)))
    if condition.at_least is not None:
        checks.append(_Check(frozenset([_NUMBER]), _from(condition.at_least)))
    if condition.at_most is not None:
        checks.append(_Check(frozenset([_NUMBER]), _up_to(condition.at_most)))
    if condition.starts_with is not None:
        checks.append(_Check(frozenset([_TEXT]), _beginning(condition.starts_with)))
    if condition.contains is not None:
        checks.append(_Check(frozenset([_TEXT, _ARRAY]), _with(condition.contains)))
    return checks


def _one_of(values: tuple[Scalar, ...]) -> Callable[[Any], bool]:
    return lambda found: any(equal(found, value) for value in values)


def _from(bound: float) -> Callable[[Any], bool]:
    return lambda found: bool(found >= bound)


def _up_to(bound: float) -> Callable[[Any], bool]:
    return lambda found: bool(found <= bound)


def _beginning(start: str) -> Callable[[Any], bool]:
    return lambda found: bool(found.startswith(start))


def _with(inside: Scalar) -> Callable[[Any], bool]:
    return lambda found: _contains(found, inside)


def _contains(found: Any, inside: Scalar) -> bool:
    if isinstance(found, str):
        return isinstance(inside, str) and inside in found
    return any(equal(each, inside) for each in found)


def equal(found: Any, value: Scalar) -> bool:
    """Return whether a value is the one that a condition names: of the same kind, as true is not 1.

    Args:
        found: in a record.
        value: in the policy.
    """
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    return bool(found == value)


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are the same; an id may be text here and a number there."""
    if other is None:
        return False
    text = as_text(one)
    return bool(one == other) if text is None else text == as_text(other)
