"""`[funnels.NAME]`: steps that customers take one after the other.

Rests on decision 120.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from scoring.instants import DAY, format_duration
from scoring.policy.channels import Channel
from scoring.rules.funnels import MOST_STEPS, Funnel
from streams.policy_file.channels import types_by_name
from streams.policy_file.sections import Window
from streams.policy_file.table import Check, Table, container, needed
from streams.policy_file.words import DURATION_SCHEMA, check_name, duration, listed, named

MOST_FUNNELS: Final = 20
_LEAST_STEPS: Final = 2
_TYPE: Final = {"type": "string", "minLength": 1}
_STEPS: Final = {
    "type": "array",
    "items": {"anyOf": [_TYPE, {"type": "array", "items": _TYPE, "minItems": 1}]},
    "minItems": _LEAST_STEPS,
    "maxItems": MOST_STEPS,
}


def _steps(value: object) -> list[list[str]]:
    found = [listed(step) for step in value] if isinstance(value, list) else []
    if not _LEAST_STEPS <= len(found) <= MOST_STEPS or not all(found):
        raise ValueError(f"must be {_LEAST_STEPS} to {MOST_STEPS} steps, each a type or a list of types")
    return found


def _within(value: Any) -> int:
    found = duration(value)
    if not found:
        raise ValueError("must be more than 0")
    return found


class FunnelTable(Table):
    """Steps that customers take one after the other."""

    steps: Annotated[list[list[str]], Check(_steps, (), _STEPS)] = needed(
        "the steps in their order, each a type such as web.cart or a list of types"
    )
    within: Annotated[int, Check(_within, 0, DURATION_SCHEMA)] = needed(
        "the time for all steps: whole panes, at most the window"
    )


Funnels = Annotated[
    dict[str, FunnelTable], container(dict, "must hold tables, such as [funnels.checkout]"), named(MOST_FUNNELS)
]


def funnels(
    tables: Mapping[str, FunnelTable], window: Window, channels: Sequence[Channel], problems: list[str]
) -> tuple[Funnel, ...]:
    """Make the funnels.

    Args:
        tables: by the names of the funnels.
        window: of the policy.
        channels: of the policy.
        problems: every problem that is found is added to these.

    Returns:
        The funnels, in the order of the file.
    """
    if len(tables) > MOST_FUNNELS:
        problems.append(f"funnels: there may be at most {MOST_FUNNELS}")
    if tables and (not window.pane or DAY % window.pane or window.length < DAY):
        problems.append("funnels: are counted by day; they need panes that divide a day, and a window of 1d or more")
    known = types_by_name(channels)
    pane = max(window.pane, 1)
    # Until the first pane of a day is kept no more, who began in the last one has to have had the time.
    most = min(window.length, window.length + -(-window.trend // pane) * pane - DAY + pane)
    found = []
    for name, table in tables.items():
        where = f"funnels.{name}"
        check_name(where, "a funnel's name", name, problems)
        names = [kind for step in table.steps for kind in step]
        problems += [
            f"{where}.steps: there is no weight for {kind!r}; a type is written CHANNEL.TYPE, and 0 will do"
            for kind in dict.fromkeys(names)
            if kind not in known
        ]
        twice: Any = dict.fromkeys([kind for kind in names if names.count(kind) > 1])
        problems += [f"{where}.steps: {kind!r} stands in two steps" for kind in twice]
        if table.within % pane or table.within > most:
            problems.append(
                f"{where}.within: must be a whole number of panes of {format_duration(pane)}, at most "
                f"{format_duration(most)}: the window, and what window and trend have beyond a day"
            )
        steps = tuple([tuple(sorted([known[kind].code for kind in step if kind in known])) for step in table.steps])
        labels = tuple([" or ".join(step) for step in table.steps])
        found.append(Funnel(name, steps, table.within // pane, labels))
    return tuple(found)
