"""Type rules: which events count as those of another type, by their properties.

Rests on decision 94.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from scoring.mapping.conditions import Condition
from scoring.mapping.filter import HOLDS, MISFIT, Filter
from scoring.mapping.paths import HERE, Path

#: With what each path of a rule begins: of an event nothing else is the same in all shapes.
PROPERTIES: Final = "properties"


@dataclass(frozen=True, slots=True)
class TypeRule:
    """Events of some types count as those of another, by the codes of the types, if the conditions allow it.

    All of `when` must hold and none of `unless`.
    """

    of: tuple[str, ...]
    code: str
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()


def marked(of: str, name: str, code: str) -> TypeRule:
    """Make the rule for events that a property marks by being true.

    Args:
        of: the code of their type.
        name: of the property.
        code: of the type as which they count.
    """
    path = Path(HERE, (PROPERTIES, name), f"{PROPERTIES}.{name}")
    return TypeRule((of,), code, (Condition(path, (True,)),))


class TypeRules:
    """Finds the type as which an event counts: that of the first rule that takes it, else its own."""

    def __init__(self, rules: Iterable[TypeRule]) -> None:
        """Compile the rules of a channel, in the order of the policy."""
        self._by_code: dict[str, list[tuple[Filter, str]]] = {}
        self.ignored = 0
        #: The names of the properties that the rules look at.
        self.properties: set[str] = set()
        for rule in rules:
            paths = [path for each in (*rule.when, *rule.unless) for path in each.paths]
            self.properties.update([path.steps[1] for path in paths if isinstance(path.steps[1], str)])
            compiled = Filter(_inside(rule.when), _inside(rule.unless), 0)
            for code in rule.of:
                self._by_code.setdefault(code, []).append((compiled, rule.code))

    def __bool__(self) -> bool:
        """Return whether there are any rules."""
        return bool(self._by_code)

    def code_of(self, code: str, properties: object) -> str:
        """Find the type as which an event counts.

        An event of whose properties one is of a kind for which a rule could never hold is counted in `ignored`, once,
        if no rule takes it.

        Args:
            code: of its own type.
            properties: of the event, as JSON decodes them.

        Returns:
            The code of the other type, or its own.
        """
        rules = self._by_code.get(code)
        if rules is None:
            return code
        levels = (None, None, properties)
        misfits = False
        for conditions, other in rules:
            verdict = conditions.verdict(levels)
            if verdict == HOLDS:
                return other
            if verdict == MISFIT:
                misfits = True
        self.ignored += misfits
        return code


def _inside(conditions: Iterable[Condition]) -> list[Condition]:
    """Have the paths start within the properties, which is all of an event that the rules are given."""
    return [
        replace(each, path=_within(each.path), same_as=None if each.same_as is None else _within(each.same_as))
        for each in conditions
    ]


def _within(path: Path) -> Path:
    return replace(path, steps=path.steps[1:])
