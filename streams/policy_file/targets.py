"""The part of a policy file that says what figures over all customers are held against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoring.rules.measures import Measure
from scoring.rules.targets import FIGURES, Target

_KEYS: Final = ("at_least", "at_most", "warn_below", "warn_above", "benchmark")
#: Those of which the first must not be more than the second.
_ORDER: Final = (
    *(("at_least", "at_most"), ("warn_below", "at_least"), ("at_most", "warn_above")),
    *(("warn_below", "warn_above"), ("warn_below", "at_most"), ("at_least", "warn_above")),
)


def read_targets(document: Mapping[str, Any], measures: Sequence[Measure], problems: list[str]) -> tuple[Target, ...]:
    """Read the targets.

    Args:
        document: of the file.
        measures: of the policy.
        problems: every problem that is found is added to these.

    Returns:
        The targets, in the order of the file.
    """
    tables = document.get("targets", {})
    if not isinstance(tables, dict):
        problems.append("targets: must hold tables, such as [targets.retention]")
        return ()
    names = {measure.name: measure.is_number for measure in measures}
    found = []
    for name, table in tables.items():
        where = f"targets.{name}"
        if name in FIGURES and name in names:
            problems.append(f"{where}: is the name of a figure and of a measure; rename the measure")
        elif name not in FIGURES and name not in names:
            known = ", ".join((*FIGURES, *names))
            problems.append(f"{where}: there is neither a figure nor a measure of this name; there are {known}")
        elif not names.get(name, True):
            problems.append(f"{where}: the measure is a word, and has no bounds")
        numbers = _numbers(where, table, problems)
        found.append(Target(name if name in FIGURES else f"measure:{name}", **numbers))
    return tuple(found)


def _numbers(where: str, table: object, problems: list[str]) -> dict[str, float]:
    if not isinstance(table, dict) or not table:
        problems.append(f"{where}: must be a table with one or more of {', '.join(_KEYS)}")
        return {}
    found = {}
    for key, value in table.items():
        if key not in _KEYS:
            problems.append(f"{where}.{key}: unknown key; allowed here: {', '.join(_KEYS)}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            problems.append(f"{where}.{key}: {value!r} is not a number")
        else:
            found[key] = float(value)
    problems += [
        f"{where}.{low}: is more than {high}"
        for low, high in _ORDER
        if low in found and high in found and found[low] > found[high]
    ]
    return found
