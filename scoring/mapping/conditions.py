"""Conditions: what must hold of values in a record or an event.

The sources of a policy choose by them what they read, its channels which type an event counts as.

Rests on decisions 26 and 94.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, TypeAlias

from scoring.mapping.paths import Path, parse_path

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
