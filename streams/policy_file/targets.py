"""`[targets.NAME]`: what figures over all customers are held against."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import ConfigDict

from scoring.policy.channels import Channel
from scoring.policy.policy import BANDS
from scoring.rules.figure_rules import FigureRules
from scoring.rules.measures import RATE, REGULARITY, SESSION_FORMS, SUMMED, Measure
from scoring.rules.regularity import REGULARITIES
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
    """The target of a figure; at least one of these."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    form: ClassVar[str] = "must be a table with one or more of at_least, at_most, warn_below, warn_above, benchmark"

    at_least: Bound = given(None, "a figure below it misses its target")
    at_most: Bound = given(None, "a figure above it misses its target")
    warn_below: Bound = given(None, "a figure below it is worth a warning")
    warn_above: Bound = given(None, "a figure above it is worth a warning")
    benchmark: Bound = given(None, "a number to show beside the figure")

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


def published_names(
    measures: Sequence[Measure], channels: Sequence[Channel], figures: FigureRules, spans: Iterable[str]
) -> dict[str, str]:
    """Name the figures over all customers that are one number each.

    Args:
        measures: of the policy.
        channels: of the policy.
        figures: what is counted.
        spans: the names of the active customers of a channel.

    Returns:
        What stands in the policy file, with the name under which the figure is published.
    """
    found = {name: name for name in FIGURES}
    made = (*SUMMED, *SESSION_FORMS) if figures.by_day else SUMMED
    combined = [measure.name for measure in measures if measure.form in made and measure.is_number]
    found |= {name: f"measure:{name}" for name in combined}
    if figures.by_day:
        regular = [
            f"{measure.name}:{each}" for measure in measures if measure.form == REGULARITY for each in REGULARITIES
        ]
        found |= {name: f"measure:{name}" for name in regular}
    if figures.by_channel:
        own = [f"channel:{channel.name}:{name}" for channel in channels for name in ("points", *spans)]
        found |= {name: name for name in own}
    if figures.by_band:
        summed = [measure for measure in measures if measure.form in SUMMED and measure.form != RATE]
        told = [f"band:{band}:{measure.name}" for band in BANDS for measure in summed]
        found |= {name: name for name in told}
    for funnel in figures.funnels:
        steps = [f"funnel:{funnel.name}:{step}" for step in range(1, len(funnel.steps) + 1)]
        found |= {name: name for name in (*steps, *[f"{step}:share" for step in steps[1:]])}
    return found


def targets(
    tables: Mapping[str, TargetTable], names: Mapping[str, str], measures: Sequence[Measure], problems: list[str]
) -> tuple[Target, ...]:
    """Make the targets.

    Args:
        tables: by the names of figures and measures.
        names: as `published_names` gives them.
        measures: of the policy.
        problems: every problem that is found is added to these.

    Returns:
        The targets, in the order of the file.
    """
    declared = {measure.name: measure for measure in measures}
    found = []
    for name, table in tables.items():
        where = f"targets.{name}"
        if name in FIGURES and name in declared:
            problems.append(f"{where}: is the name of a figure and of a measure; rename the measure")
        elif name in declared and name not in names:
            problems.append(f"{where}: {_why_not(declared[name])}")
        elif name not in names:
            problems.append(
                f"{where}: there is neither a figure nor a measure of this name; there are {', '.join(names)}"
            )
        found.append(table.target(where, names.get(name, name), problems))
    return tuple(found)


def _why_not(measure: Measure) -> str:
    """Say why a measure has no figure over all customers that is one number."""
    if not measure.is_number:
        return "the measure is a word, and has no bounds"
    without = " without kpi.by_day" if measure.form in SESSION_FORMS else ", only of each"
    return f"the measure has no value of all customers combined{without}"
