"""`[channels.NAME.points]`: points for a number that events carry, such as an amount.

Rests on decision 95.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Final

from scoring.points import to_millionths
from scoring.policy.channels import EventType
from scoring.rules.details import MOST_VALUE, SUM, amount_of
from streams.policy_file.table import Check, Table, container, given, needed
from streams.policy_file.words import Points, Property

_EXAMPLE: Final = '{ property = "amount", points = 2, per = 10 }'
#: Without a cap; no sum comes so far.
_NO_CAP: Final = MOST_VALUE**3

Types = tuple[EventType, ...]


def _positive(value: object) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_VALUE:
        return to_millionths(value)
    raise ValueError(f"{value!r} is not a number of more than 0 and at most {MOST_VALUE:,}")


Positive = Annotated[int, Check(_positive, schema={"type": "number", "exclusiveMinimum": 0, "maximum": MOST_VALUE})]


class NumberTable(Table):
    """Points for a number that the events of a type carry."""

    form: ClassVar[str] = f"must be a table such as {_EXAMPLE}"

    property: Property = needed("name in the properties of the events")
    points: Points = needed("points for so much of it; below 0 they take away")
    per: Positive = given(1, "how much of it these points are for")
    cap: Positive | None = given(None, "how much of it counts in one pane")


Numbers = Annotated[dict[str, NumberTable], container(dict, f"must be a table such as {{ purchase = {_EXAMPLE} }}")]


def numbers(channel: str, rules: Mapping[str, NumberTable], types: Types, problems: list[str]) -> tuple[Types, Types]:
    """Make the numbers for which a channel gives points.

    Args:
        channel: its name.
        rules: by the type of the events.
        types: of the channel.
        problems: every problem that is found is added to these.

    Returns:
        The types, with the amounts that are read from their events; and the numbers, each as a type of its own.
    """
    known = {kind.name: kind for kind in types}
    problems += [
        f"channels.{channel}.points.{name}: there is no weight for this type in channels.{channel}.weights; 0 will do"
        for name in rules
        if name not in known
    ]
    asked = {name: amount_of(channel, name, rules[name].property, SUM) for name in rules if name in known}
    found = [
        EventType(
            asked[name].code,
            known[name].channel,
            f"{name}.{rules[name].property}",
            rules[name].points,
            rules[name].cap or _NO_CAP,
            per=rules[name].per,
        )
        for name in asked
    ]
    with_amounts = [replace(kind, amounts=(asked[kind.name],)) if kind.name in asked else kind for kind in types]
    return tuple(with_amounts), tuple(found)
