"""Which events count as those of another type, as a person wants to read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from scoring.mapping.conditions import Condition
from scoring.mapping.paths import Path
from scoring.mapping.type_rules import TypeRule
from scoring.policy.policy import Policy


def type_facts(policy: Policy) -> dict[str, str]:
    """Explain the rules of a policy, in the order in which they are asked.

    Args:
        policy: any.

    Returns:
        Lines by their heading, one for each channel with rules.
    """
    return {
        f"types {channel.name}": "; ".join(_rule(policy, rule) for rule in channel.type_rules)
        for channel in policy.channels
        if channel.type_rules
    }


def _rule(policy: Policy, rule: TypeRule) -> str:
    kinds = " or ".join(policy.types[code].name for code in rule.of)
    when, unless = _conditions(rule.when, " and "), _conditions(rule.unless, " or ")
    told = f"{kinds} as {policy.types[rule.code].name}"
    return told + (f" when {when}" if when else "") + (f" unless {unless}" if unless else "")


def _conditions(conditions: Iterable[Condition], between: str) -> str:
    return between.join(_condition(each) for each in conditions)


def _condition(condition: Condition) -> str:
    words = []
    for field in fields(condition):
        asked = getattr(condition, field.name)
        if field.name == "path" or asked is None:
            continue
        if field.name == "values":
            words.append("is " + " or ".join(_written(value) for value in asked))
        else:
            words.append(f"{field.name.replace('_', ' ')} {asked.text if isinstance(asked, Path) else _written(asked)}")
    return f"{condition.path.text} {' and '.join(words)}"


def _written(value: str | float | bool) -> str:  # noqa: FBT001 - a value out of a policy file
    return str(value).lower() if isinstance(value, bool) else str(value)
