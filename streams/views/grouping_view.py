"""Events by the value of a property, for machines and as a person wants to read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from scoring.rules.groupings import Grouping, GroupingDay, join_days
from streams.views.tables import plain_table
from streams.views.wording import printable

_SHOWN = 10
#: What is counted of each grouping, by day.
Groupings = Mapping[Grouping, Mapping[int, GroupingDay]]


def grouping_documents(groupings: Groupings, first: int, last: int) -> dict[str, Any]:
    """Write for machines what is counted of groupings in a period.

    Args:
        groupings: of the policy.
        first: number of the first day.
        last: number of the last day.

    Returns:
        By the name of the grouping: the values with the most events first, how many events may be missing of one, and
        how many one may have that is not among them.
    """
    return {grouping.name: _document(grouping, _period(days, first, last)) for grouping, days in groupings.items()}


def _period(days: Mapping[int, GroupingDay], first: int, last: int) -> GroupingDay:
    return join_days([counted for day, counted in days.items() if first <= day <= last])


def _document(grouping: Grouping, counted: GroupingDay) -> dict[str, Any]:
    values = _largest_first(counted)
    listed, others = values[: grouping.largest], values[grouping.largest :]
    return {
        "missing_at_most": counted.missing,
        "unlisted_at_most": counted.missing + (sum(counted.counts[others[0]].values()) if others else 0),
        "totals": {name: counted.totals.get(code, 0) for code, name in grouping.types},
        "values": [
            {"value": value, **{name: counted.counts[value].get(code, 0) for code, name in grouping.types}}
            for value in listed
        ],
    }


def _largest_first(counted: GroupingDay) -> list[str]:
    counts = counted.counts
    return sorted(counts, key=lambda value: (-sum(counts[value].values()), value))


def grouping_table(grouping: Grouping, days: Mapping[int, GroupingDay], first: int, last: int) -> Table:
    """Write for a person what is counted of a grouping in a period.

    Args:
        grouping: of the policy.
        days: what is counted, by day.
        first: number of the first day.
        last: number of the last day.
    """
    counted = _period(days, first, last)
    table = plain_table()
    table.add_column(grouping.name, overflow="fold")
    for _, name in grouping.types:
        table.add_column(name, justify="right")
    for value in _largest_first(counted)[: min(_SHOWN, grouping.largest)]:
        table.add_row(printable(value), *[f"{counted.counts[value].get(code, 0):,}" for code, _ in grouping.types])
    others = len(counted.counts) - min(_SHOWN, grouping.largest)
    words = f"all, with {others:,} others" if others > 0 else "all"
    if counted.missing:
        words += f"; a count may miss up to {counted.missing:,}"
    table.add_row(words, *[f"{counted.totals.get(code, 0):,}" for code, _ in grouping.types])
    return table
