"""The part of a policy file that says which figures over all customers there are beyond the usual ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from scoring.instants import SECOND
from scoring.policy.policy import Channel
from scoring.rules.figure_rules import CountedPanes, FigureRules

_SWITCHES: Final = ("by_day", "by_channel", "by_band")
#: The keys of ``[kpi]`` that are read here.
FIGURE_KEYS: Final = _SWITCHES


def read_figures(
    table: Mapping[str, Any], counted: CountedPanes, channels: Iterable[Channel], problems: list[str]
) -> FigureRules:
    """Read which figures the policy wants.

    Args:
        table: the section ``[kpi]`` of the file.
        counted: the panes of the policy.
        channels: of the policy.
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
    if switches["by_day"] is True:
        for channel in channels:
            pause = max([rule.pause for _, rule in channel.sessions], default=0) * SECOND
            # Where a session of the oldest panes began is not known.
            if counted.kept <= -(-pause // counted.pane):
                problems.append(
                    f"kpi.by_day: the window and the trend must be longer than channels.{channel.name}.sessions"
                )
    return FigureRules(**{key: value is True for key, value in switches.items()})
