"""The part of a policy file that gives points for a number that events tell, such as an amount.

Rests on decision 95.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from scoring.points import POINT, to_millionths
from scoring.policy.policy import EventType
from scoring.rules.details import MOST_VALUE, SUM, amount_of

_KEYS: Final = ("property", "points", "per", "cap")
_EXAMPLE: Final = '{ property = "amount", points = 2, per = 10 }'
#: Without a cap; no sum comes so far.
_NO_CAP: Final = MOST_VALUE**3

Types = tuple[EventType, ...]


def read_numbers(
    channel: str,
    table: Mapping[str, Any],
    types: Types,
    points: Callable[[str, object], int],
    problems: list[str],
) -> tuple[Types, Types]:
    """Read for which numbers a channel gives points.

    Args:
        channel: its name.
        table: of the channel.
        types: of the channel.
        points: reads points in millionths, noting what is wrong with them.
        problems: every problem that is found is added to these.

    Returns:
        The types, with the amounts that their events have to tell; and the numbers, each as a type of its own.
    """
    where = f"channels.{channel}.points"
    rules = table.get("points", {})
    if not isinstance(rules, dict):
        problems.append(f"{where}: must be a table such as {{ purchase = {_EXAMPLE} }}")
        return types, ()
    known = {kind.name: kind for kind in types}
    asked, numbers = {}, []
    for name, rule in rules.items():
        here = f"{where}.{name}"
        if name not in known:
            problems.append(f"{here}: there is no weight for this type in channels.{channel}.weights; 0 will do")
        elif not isinstance(rule, dict):
            problems.append(f"{here}: must be a table such as {_EXAMPLE}")
        else:
            written = _property(here, rule, problems)
            amount = asked[name] = amount_of(channel, name, written, SUM)
            number = EventType(amount.code, known[name].channel, f"{name}.{written}", 0)
            numbers.append(
                replace(
                    number,
                    weight=points(f"{here}.points", rule.get("points")),
                    per=_positive(f"{here}.per", rule.get("per", 1), problems),
                    cap=_positive(f"{here}.cap", rule["cap"], problems) if "cap" in rule else _NO_CAP,
                )
            )
    with_amounts = [replace(kind, amounts=(asked[kind.name],)) if kind.name in asked else kind for kind in types]
    return tuple(with_amounts), tuple(numbers)


def _property(where: str, rule: Mapping[str, Any], problems: list[str]) -> str:
    problems += [f"{where}.{key}: unknown key; allowed here: {', '.join(_KEYS)}" for key in rule if key not in _KEYS]
    written = rule.get("property")
    if not isinstance(written, str) or not written:
        problems.append(f"{where}.property: must be the name of a property")
    return str(written)


def _positive(where: str, value: object, problems: list[str]) -> int:
    """Read a number in millionths."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_VALUE:
        try:
            return to_millionths(value)
        except ValueError as error:
            problems.append(f"{where}: {error}")
            return POINT
    problems.append(f"{where}: {value!r} is not a number of more than 0 and at most {MOST_VALUE:,}")
    return POINT
