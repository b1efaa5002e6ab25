"""Events by the value of a property, for machines and as a person wants to read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from scoring.rules.groups import GroupDay, Grouping, join_days
from streams.views.tables import plain_table
from streams.views.wording import printable

_SHOWN = 10
#: What is counted of each group, by day.
Groups = Mapping[Grouping, Mapping[int, GroupDay]]


def group_documents(groups: Groups, first: int, last: int) -> dict[str, Any]:
    """Write for machines what is counted of groups in a period.

    Args:
        groups: of the policy.
        first: number of the first day.
        last: number of the last day.

    Returns:
        By the name of the group: the values with the most events first.
    """
    return {group.name: _document(group, _period(days, first, last)) for group, days in groups.items()}


def _period(days: Mapping[int, GroupDay], first: int, last: int) -> GroupDay:
    return join_days([counted for day, counted in days.items() if first <= day <= last])


def _document(group: Grouping, counted: GroupDay) -> dict[str, Any]:
    return {
        "missing_at_most": counted.missing,
        "totals": {name: counted.totals.get(code, 0) for code, name in group.types},
        "values": [
            {"value": value, **{name: counted.counts[value].get(code, 0) for code, name in group.types}}
            for value in _largest(group, counted)
        ],
    }


def _largest(group: Grouping, counted: GroupDay) -> list[str]:
    counts = counted.counts
    return sorted(counts, key=lambda value: (-sum(counts[value].values()), value))[: group.largest]


def group_table(group: Grouping, days: Mapping[int, GroupDay], first: int, last: int) -> Table:
    """Write for a person what is counted of a group in a period.

    Args:
        group: of the policy.
        days: what is counted, by day.
        first: number of the first day.
        last: number of the last day.
    """
    counted = _period(days, first, last)
    table = plain_table()
    table.add_column(group.name, overflow="fold")
    for _, name in group.types:
        table.add_column(name, justify="right")
    values = _largest(group, counted)
    for value in values[:_SHOWN]:
        table.add_row(printable(value), *[f"{counted.counts[value].get(code, 0):,}" for code, _ in group.types])
    others = len(counted.counts) - _SHOWN
    words = f"all, with {others:,} others" if others > 0 else "all"
    if counted.missing:
        words += f"; a count may miss up to {counted.missing:,}"
    table.add_row(words, *[f"{counted.totals.get(code, 0):,}" for code, _ in group.types])
    return table
