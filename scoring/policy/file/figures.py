"""The part of a policy file that says which figures over all customers there are beyond the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scoring.rules.figure_rules import FigureRules

_SWITCHES: Final = ("by_day", "by_channel", "by_band")
#: The keys of ``[kpi]`` that are read here.
FIGURE_KEYS: Final = _SWITCHES


def read_figures(table: Mapping[str, Any], problems: list[str]) -> FigureRules:
    """Read which figures the policy wants.

    Args:
        table: the section ``[kpi]`` of the file.
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
    return FigureRules(**{key: value is True for key, value in switches.items()})
