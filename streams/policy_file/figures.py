"""The part of a policy file that says which figures over all customers there are beyond the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scoring.rules.figure_rules import FigureRules

_SWITCHES: Final = ("by_day", "by_channel", "by_band")
# Of the oldest pane that is kept it is not known where its first session began.
_LEAST_KEPT: Final = 2
#: The keys of ``[kpi]`` that are read here.
FIGURE_KEYS: Final = _SWITCHES


def read_figures(table: Mapping[str, Any], kept: int, problems: list[str]) -> FigureRules:
    """Read which figures the policy wants.

    Args:
        table: the section ``[kpi]`` of the file.
        kept: for how long counts are kept, in panes.
        problems: every problem that is found is added to these.

    Returns:
        The rules.
    """
    switches = {key: table.get(key, False) for key in _SWITCHES}
    problems += [
        f"kpi.{key}: must be true or false, not {value!r}"
        for key, value in switches.items()
        if not isinstance(value, bool)
    ]
    if any(switches.values()) and kept < _LEAST_KEPT:
        problems.append("kpi: figures by the day need a window and a trend of two panes or more together")
    return FigureRules(**{key: value is True for key, value in switches.items()})
