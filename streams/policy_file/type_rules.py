"""The part of a policy file that says which events count as those of another type.

Rests on decision 94.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.mapping.conditions import Condition, parse_conditions
from scoring.mapping.paths import HERE, Path
from scoring.mapping.type_rules import PROPERTIES, TypeRule
from scoring.policy.policy import EventType

_KEYS = ("type", "as", "when", "unless")
#: Each may be asked for each event of a type.
MOST_RULES = 100


def read_type_rules(
    channel: str, table: Mapping[str, Any], types: tuple[EventType, ...], problems: list[str]
) -> tuple[TypeRule, ...]:
    """Read the rules of a channel.

    Args:
        channel: its name.
        table: of the channel.
        types: of the channel.
        problems: every problem that is found is added to these.

    Returns:
        The rules, in the order of the file.
    """
    where = f"channels.{channel}.types"
    tables = table.get("types", [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        problems.append(f"{where}: must be tables, [[{where}]], with {', '.join(_KEYS)}")
        return ()
    if len(tables) > MOST_RULES:
        problems.append(f"{where}: there are {len(tables)}; at most {MOST_RULES} are asked")
    reader = _Reader(f"channels.{channel}.weights", {kind.name: kind.code for kind in types}, problems)
    return tuple(reader.rule(f"{where}[{number}]", each) for number, each in enumerate(tables))


class _Reader:
    """Reads rules, noting each problem and going on without what has one."""

    def __init__(self, weights: str, codes: Mapping[str, str], problems: list[str]) -> None:
        self._weights, self._codes, self._problems = weights, codes, problems

    def rule(self, where: str, table: Mapping[str, Any]) -> TypeRule:
        for key in table:
            if key not in _KEYS:
                self._problems.append(f"{where}.{key}: unknown key; allowed here: {', '.join(_KEYS)}")
        kinds, name = table.get("type"), table.get("as")
        of = self._codes_of(f"{where}.type", kinds if isinstance(kinds, list) and kinds else [kinds])
        code = self._codes_of(f"{where}.as", [name])
        if set(of) & set(code):
            self._problems.append(f"{where}.as: {name!r} stands in type, too")
        if "when" not in table and "unless" not in table:
            self._problems.append(f"{where}.when: is missing; without a condition all events would be {name!r}")
        when, unless = (tuple(self._conditions(f"{where}.{key}", table.get(key))) for key in ("when", "unless"))
        return TypeRule(of, code[0] if code else "", when, unless)

    def _codes_of(self, where: str, names: list[object]) -> tuple[str, ...]:
        found = []
        for name in dict.fromkeys(map(str, names)):
            if name in self._codes and name in names:
                found.append(self._codes[name])
            elif names == [None]:
                self._problems.append(f"{where}: is missing; one of {', '.join(self._codes)}")
            else:
                self._problems.append(f"{where}: there is no weight for {name!r} in {self._weights}; 0 will do")
        return tuple(found)

    def _conditions(self, where: str, written: object) -> Iterator[Condition]:
        if written is None:
            return
        each_alone = [{key: value} for key, value in written.items()] if isinstance(written, dict) else []
        for each in each_alone or (written,):
            try:
                conditions = parse_conditions(each)
            except ValueError as error:
                self._problems.append(f"{where}: {error}")
                continue
            for condition in conditions:
                outside = [path.text for path in condition.paths if not _is_property(path)]
                self._problems += [
                    f"{where}: {path!r} is no path into the properties of an event, such as {PROPERTIES}.score"
                    for path in outside
                ]
                yield condition


def _is_property(path: Path) -> bool:
    return (
        path.origin == HERE and len(path.steps) > 1 and path.steps[0] == PROPERTIES and isinstance(path.steps[1], str)
    )
