"""What may stand for a key of a policy file: lengths of time, points, names of topics, and what else tables share.

Rests on decision 109.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from scoring.instants import parse_duration
from scoring.mapping.conditions import Condition, parse_conditions
from scoring.points import POINT, to_millionths
from streams.policy_file.table import DEFAULT, Check, container

MOST_POINTS: Final = 1_000_000
_TOPIC: Final = r"[A-Za-z0-9._-]{1,249}"
NAME: Final = r"[a-z][a-z0-9_]{0,31}"
DURATION_SCHEMA: Final = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*$", "examples": ["30d"]}
_TEXT: Final = {"type": "string", "minLength": 1}
_OF_TYPES: Final = "must be a table such as {{ open = {}, click = {} }}"


def duration(value: Any, allowed: str = "a duration such as 30d, 24h, 15m, 10s or 500ms") -> int:
    """Read a length of time, in microseconds.

    Args:
        value: as written.
        allowed: what it is not, if it is none.
    """
    try:
        return parse_duration(value)
    except (ValueError, TypeError):
        raise ValueError(f"{value!r} is not {allowed}") from None


def points(value: object) -> int:
    """Read a number in millionths.

    Args:
        value: as written.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    if abs(value) > MOST_POINTS:
        raise ValueError(f"{value!r} is outside -{MOST_POINTS} to {MOST_POINTS}")
    return to_millionths(value)


def points_within(least: float, most: float, allowed: str) -> Check:
    """Check a number that has bounds.

    Args:
        least: that it may be.
        most: that it may be.
        allowed: the message where it is outside of these.
    """

    def read(value: object) -> int:
        found = points(value)
        if not least * POINT <= found <= most * POINT:
            raise ValueError(allowed)
        return found

    return Check(read, schema={"type": "number", "minimum": least, "maximum": most})


def whole(least: int, most: int | None, allowed: str, stand_in: object = DEFAULT) -> Check:
    """Check a whole number.

    Args:
        least: that it may be.
        most: that it may be, None for no bound.
        allowed: what it is not, if it is none.
        stand_in: see `Check`.
    """

    def read(value: object) -> int:
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not least <= value <= (value if most is None else most)
        ):
            raise ValueError(f"{value!r} is not {allowed}")
        return value

    bounds = {"minimum": least} if most is None else {"minimum": least, "maximum": most}
    return Check(read, stand_in, {"type": "integer", **bounds})


def one_of(allowed: Sequence[str], message: str = "", stand_in: object = DEFAULT) -> Check:
    """Check one of several words.

    Args:
        allowed: the words.
        message: where it is none of them; without, they are listed.
        stand_in: see `Check`.
    """

    def read(value: object) -> object:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(
                f"{message}, not {value!r}" if message else f"{value!r} is not one of {', '.join(allowed)}"
            )
        return value

    return Check(read, stand_in, {"enum": list(allowed)})


def text(most: int | None, message: Callable[[object], str], stand_in: object = DEFAULT) -> Check:
    """Check a text that is not empty.

    Args:
        most: how many characters it may have.
        message: the message about another value.
        stand_in: see `Check`.
    """

    def read(value: object) -> object:
        if isinstance(value, str) and value and (most is None or len(value) <= most):
            return value
        raise ValueError(message(value))

    return Check(read, stand_in, _TEXT if most is None else {**_TEXT, "maxLength": most})


def named(most: int | None = None) -> Any:
    """Say what the tables by name may be called; an annotation of these.

    Args:
        most: how many there may be, None for no limit.
    """
    limit = {} if most is None else {"maxProperties": most}
    return Field(json_schema_extra={"propertyNames": {"pattern": f"^{NAME}$"}, **limit})


def check_name(where: str, what: str, name: str, problems: list[str]) -> bool:
    """Return whether a table may be called so.

    Args:
        where: its place in the file.
        what: such as "a funnel's name".
        name: its own.
        problems: what is wrong is added.
    """
    is_name = re.fullmatch(NAME, name) is not None
    if not is_name:
        problems.append(f"{where}: {what} is 1 to 32 characters out of a-z 0-9 _, a letter first")
    return is_name


def _topic(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(_TOPIC, value):
        return value
    raise ValueError(f"{value!r} is not a topic name (letters, digits, '.', '_', '-')")


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


Duration = Annotated[int, Check(duration, schema=DURATION_SCHEMA)]
Points = Annotated[int, Check(points, 0, {"type": "number", "minimum": -MOST_POINTS, "maximum": MOST_POINTS})]
Flag = Annotated[bool, Check(_flag, schema={"type": "boolean"})]
Topic = Annotated[str, Check(_topic, schema={"type": "string", "pattern": f"^{_TOPIC}$"})]
Property = Annotated[str, text(None, lambda _: "must be the name of a property", "")]
Weights = Annotated[dict[str, Points], container(dict, _OF_TYPES.format(1, 5))]
Caps = Annotated[
    dict[str, Annotated[int, whole(1, None, "a whole number of 1 or more", 1)]], container(dict, _OF_TYPES.format(1, 5))
]


def _names(value: object) -> list[str]:
    if found := listed(value):
        return found
    raise ValueError(f"{value!r} is neither a type nor a list of types")


#: One type, or a list of types.
Names = Annotated[
    list[str],
    Check(_names, (), {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]


def conditions(check: Callable[[Condition], Iterator[str]] = lambda _: iter(())) -> Check:
    """Check a table of conditions.

    Args:
        check: finds what else is wrong with one.
    """

    def read(value: object) -> tuple[Condition, ...]:
        each_alone = [{path: wanted} for path, wanted in value.items()] if isinstance(value, dict) else []
        found: list[Condition] = []
        problems: list[str] = []
        for each in each_alone or (value,):
            try:
                found += parse_conditions(each)
            except ValueError as error:
                problems.append(str(error))
        problems += [problem for condition in found for problem in check(condition)]
        if problems:
            raise ValueError("\n".join(problems))
        return tuple(found)

    return Check(read, (), {"type": "object", "minProperties": 1})


def listed(value: object) -> list[str]:
    """Read a name, or a list of names; each once, and nothing where it is something else.

    Args:
        value: as written.
    """
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return list(dict.fromkeys(value))
    return []
