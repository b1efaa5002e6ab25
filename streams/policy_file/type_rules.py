"""`[[channels.NAME.types]]`: which events count as those of another type.

Rests on decision 94.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from scoring.mapping.conditions import Condition
from scoring.mapping.paths import HERE, Path
from scoring.mapping.type_rules import PROPERTIES, TypeRule
from streams.policy_file.table import Table, given, needed, tables
from streams.policy_file.words import Names, conditions, text

#: Each may be asked for each event of a type.
MOST_RULES: Final = 100


def _outside(condition: Condition) -> Iterator[str]:
    for path in condition.paths:
        if not _is_property(path):
            yield f"{path.text!r} is no path into the properties of an event, such as {PROPERTIES}.score"


def _is_property(path: Path) -> bool:
    return (
        path.origin == HERE and len(path.steps) > 1 and path.steps[0] == PROPERTIES and isinstance(path.steps[1], str)
    )


Conditions = Annotated[tuple[Condition, ...], conditions(_outside)] | None


class TypeRuleTable(Table):
    """A rule by which events of some types count as those of another."""

    type: Names = needed("the type of the events, or a list of types; each has a weight")
    as_: Annotated[str, text(None, lambda value: f"{value!r} is not the name of a type", "")] = needed(
        "the type that they count as, which has a weight", "as"
    )
    when: Conditions = given(None, "what must hold of their properties")
    unless: Conditions = given(None, "what must not hold of their properties")

    def rule(self, where: str, weights: str, codes: Mapping[str, str], problems: list[str]) -> TypeRule:
        """Make the rule.

        Args:
            where: its place in the file.
            weights: the place of the weights of its channel.
            codes: of the types of its channel, by their names.
            problems: what is wrong is added.
        """
        for key, names in (("type", self.type), ("as", [self.as_])):
            problems += [
                f"{where}.{key}: there is no weight for {name!r} in {weights}; 0 will do"
                for name in names
                if name not in codes
            ]
        if self.as_ in self.type:
            problems.append(f"{where}.as: {self.as_!r} stands in type, too")
        if self.when is None and self.unless is None:
            problems.append(f"{where}.when: is missing; without a condition all events would be of the other type")
        of = tuple([codes[name] for name in self.type if name in codes])
        return TypeRule(of, codes.get(self.as_, ""), self.when or (), self.unless or ())


TypeRules = Annotated[list[TypeRuleTable], tables("type, as, when, unless")]


def type_rules(
    where: str, rules: list[TypeRuleTable], codes: Mapping[str, str], problems: list[str]
) -> tuple[TypeRule, ...]:
    """Make the rules of a channel.

    Args:
        where: the place of the channel in the file.
        rules: as written.
        codes: of its types, by their names.
        problems: what is wrong is added.
    """
    if len(rules) > MOST_RULES:
        problems.append(f"{where}.types: there are {len(rules)}; at most {MOST_RULES} are asked")
    weights = f"{where}.weights"
    return tuple([rule.rule(f"{where}.types[{number}]", weights, codes, problems) for number, rule in enumerate(rules)])
