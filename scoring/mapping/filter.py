"""Whether conditions hold of a record or an event: each compiled once, then tested for every one.

Rests on decisions 26 and 94.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from scoring.mapping.conditions import Condition, Scalar
from scoring.mapping.getters import Levels, as_text, compile_path

#: What a condition comes to: it holds, it does not, or the value is of a kind for which it never could.
HOLDS: Final = 1
FAILS: Final = 0
MISFIT: Final = -1


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
    return lambda found: any(_equal(found, value) for value in values)


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
    return any(_equal(each, inside) for each in found)


def _equal(found: Any, value: Scalar) -> bool:
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
