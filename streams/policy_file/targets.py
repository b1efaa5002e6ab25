"""`[targets.NAME]`: what figures over all customers are held against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import ConfigDict

from scoring.rules.measures import Measure
from scoring.rules.targets import FIGURES, Target
from streams.policy_file.table import Check, Table, container, given

#: Those of which the first must not be more than the second.
_ORDER: Final = (
    *(("at_least", "at_most"), ("warn_below", "at_least"), ("at_most", "warn_above")),
    *(("warn_below", "warn_above"), ("warn_below", "at_most"), ("at_least", "warn_above")),
)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


Bound = Annotated[float, Check(_number, schema={"type": "number"})] | None


class TargetTable(Table):
    """What a figure is held against; at least one of these."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    form: ClassVar[str] = "must be a table with one or more of at_least, at_most, warn_below, warn_above, benchmark"

    at_least: Bound = given(None, "a figure below it misses its target")
    at_most: Bound = given(None, "a figure above it misses its target")
    warn_below: Bound = given(None, "a figure below it is worth a warning")
    warn_above: Bound = given(None, "a figure above it is worth a warning")
    benchmark: Bound = given(None, "what the figure is shown beside")

    def target(self, where: str, figure: str, problems: list[str]) -> Target:
        """Make the target.

        Args:
            where: its place in the file.
            figure: what it is a target of.
            problems: what is wrong is added.
        """
        found: dict[str, Any] = {key: value for key, value in self if value is not None}
        if not self.model_fields_set:
            problems.append(f"{where}: {self.form}")
        problems += [
            f"{where}.{low}: is more than {high}"
            for low, high in _ORDER
            if low in found and high in found and found[low] > found[high]
        ]
        return Target(figure, **found)


Targets = Annotated[dict[str, TargetTable], container(dict, "must hold tables, such as [targets.retention]")]


def targets(tables: Mapping[str, TargetTable], measures: Sequence[Measure], problems: list[str]) -> tuple[Target, ...]:
    """Make the targets.

    Args:
        tables: by the names of figures and measures.
        measures: of the policy.
        problems: every problem that is found is added to these.

    Returns:
        The targets, in the order of the file.
    """
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
        found.append(table.target(where, name if name in FIGURES else f"measure:{name}", problems))
    return tuple(found)
