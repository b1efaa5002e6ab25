"""Figures over all customers as a person wants to read them, and the same for machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scoring.figures.kpi import DayFigures, Period, Sums
from scoring.figures.measure_figures import MeasureFigure
from scoring.instants import DAY, format_instant
from scoring.policy.policy import BANDS
from streams.views.day_view import measures_document
from streams.views.tables import plain_table
from streams.views.wording import counted

_NEW = "new"
#: A policy without any.
NO_MEASURES: Mapping[str, MeasureFigure] = {}
NO_SEGMENTS: Mapping[str, int] = {}
NOTHING_BY_DAY: Iterable[Mapping[str, Any]] = ()
_SHOWN = 10


def kpi_document(
    sums: Sums,
    first: int,
    last: int,
    measures: Mapping[str, MeasureFigure] | None = NO_MEASURES,
    by_day: Iterable[Mapping[str, Any]] = NOTHING_BY_DAY,
    goings: Sums | None = None,
) -> dict[str, Any]:
    """Write figures for machines.

    Args:
        sums: over all customers, spells included.
        first: number of the first day.
        last: number of the last day.
        measures: as of that day, by name; None where they are told no more.
        by_day: what the policy wants of each day, beside what there always is.
        goings: over all customers, who comes and goes by the policy's rule; None where it has none.

    Returns:
        What the JSON holds; shares in percent, None where there is nothing to take a share of.
    """
    period = (goings or sums).period(first, last)
    flows = [
        {"from": _band(before), "to": BANDS[after], "customers": count}
        for (before, after), count in sorted(sums.flows(first, last).items(), key=_largest_first)
        if count
    ]
    return {
        "from": _date(first),
        "to": _date(last),
        "customers_at_start": period.at_start,
        "customers_at_end": period.at_end,
        "acquired": period.acquired,
        "lost": period.lost,
        "retention": _rounded(period.retention),
        "churn": _rounded(period.churn),
        "flows": flows,
        "measures": measures_document(measures),
        "days": [
            {**_day_document(figures, moves), **wanted}
            for figures, moves, wanted in zip(
                sums.figures(first, last), (goings or sums).figures(first, last), by_day or repeat({}), strict=False
            )
        ],
    }


def _day_document(figures: DayFigures, moves: DayFigures) -> dict[str, Any]:
    engaged, responsive, disengaged = figures.engagement_index
    return {
        "day": _date(figures.day),
        "daily_active": figures.daily,
        "weekly_active": figures.weekly,
        "monthly_active": figures.monthly,
        "stickiness": _rounded(figures.stickiness),
        "returning_share": _rounded(figures.returning_share),
        "active_days": _rounded(figures.frequency),
        "new": moves.new,
        "returned": moves.returned,
        "lost": moves.lost,
        "engaged_share": _rounded(engaged),
        "responsive_share": _rounded(responsive),
        "disengaged_share": _rounded(disengaged),
        "bands": dict(zip(BANDS, figures.bands, strict=True)),
    }


def kpi_text(
    sums: Sums,
    first: int,
    last: int,
    measures: Mapping[str, MeasureFigure] | None = NO_MEASURES,
    segments: Mapping[str, int] = NO_SEGMENTS,
    goings: Sums | None = None,
) -> RenderableType:
    """Write figures for a terminal.

    Args:
        sums: over all customers, spells included.
        first: number of the first day.
        last: number of the last day.
        measures: as of that day, by name; None where they are told no more.
        segments: how many customers are in each by now.
        goings: see `kpi_document`.

    Returns:
        The figures of the period and of its last day, and a line for each day.
    """
    days, moves = sums.figures(first, last), (goings or sums).figures(first, last)
    lines = Table.grid(padding=(0, 2))
    told = [*_lines(days[-1], (goings or sums).period(first, last), sums), *_measure_lines(measures)]
    if segments:
        told.append(("segments", _in_segments(segments)))
    for name, words in told:
        lines.add_row(name, words)
    table = plain_table()
    table.add_column("day")
    for name in ("active", "in 7 days", "in 30 days", "stickiness", "new", "back", "lost"):
        table.add_column(name, justify="right")
    for each, moved in zip(days, moves, strict=True):
        numbers = (each.daily, each.weekly, each.monthly)
        changes = (moved.new, moved.returned, moved.lost)
        table.add_row(
            _date(each.day),
            *[f"{number:,}" for number in numbers],
            _percent(each.stickiness),
            *[f"{number:,}" if number else "" for number in changes],
        )
    return Group(Text(f"{_date(first)} to {_date(last)}, {counted(last - first + 1, 'day')}"), lines, Text(), table)


def _lines(day: DayFigures, period: Period, sums: Sums) -> list[tuple[str, str]]:
    engaged, responsive, disengaged = day.engagement_index
    often = f"{day.frequency:.1f}" if day.frequency is not None else "-"
    flows = sorted(sums.flows(period.first, period.last).items(), key=_largest_first)
    moved = [f"{_band(before)} → {BANDS[after]} {count:,}" for (before, after), count in flows if count]
    return [
        ("customers", f"{period.at_start:,} at the start, {period.at_end:,} at the end"),
        ("", f"{period.acquired:,} acquired, {period.lost:,} lost"),
        ("retention", f"{_percent(period.retention)}, churn {_percent(period.churn)}"),
        ("active", f"{day.daily:,} on the last day, {day.weekly:,} in 7 days, {day.monthly:,} in 30 days"),
        ("stickiness", f"{_percent(day.stickiness)}, on {often} of 30 days"),
        ("returning", f"{_percent(day.returning_share)} had been active before the 30 days"),
        ("engagement", f"engaged {_percent(engaged)}, responsive {_percent(responsive)}"),
        ("", f"disengaged {_percent(disengaged)}"),
        ("bands", ", ".join(f"{band} {count:,}" for band, count in zip(BANDS, day.bands, strict=True))),
        ("moved", ", ".join(moved) or "nobody"),
    ]


def _measure_lines(measures: Mapping[str, MeasureFigure] | None) -> Iterator[tuple[str, str]]:
    if measures is None:
        yield "measures", "are told no more of that day"
        return
    for name, figure in measures.items():
        words = figure.value or "-"
        if figure.customers and figure.events is not None:
            words += f" % of {counted(figure.customers, 'customer')}, {figure.events} % by events"
        elif figure.customers:
            words += f" in all, {figure.average} for each of {counted(figure.customers, 'customer')}"
        elif figure.regular is not None:
            words = ", ".join(f"{name} {count:,}" for name, count in figure.regular.items())
        yield name, words


def _in_segments(segments: Mapping[str, int]) -> str:
    """Name the segments with the most customers; the rest together."""
    by_size = sorted(segments, key=lambda name: (-segments[name], name))
    words = [f"{name} {segments[name]:,}" for name in by_size[:_SHOWN]]
    if len(by_size) > _SHOWN:
        words.append(f"{sum(segments[name] for name in by_size[_SHOWN:]):,} in {len(by_size) - _SHOWN:,} others")
    return ", ".join(words)


def _largest_first(entry: tuple[tuple[int | None, int], int]) -> tuple[int, str, int]:
    (before, after), count = entry
    return -count, _band(before), after


def _band(band: int | None) -> str:
    return _NEW if band is None else BANDS[band]


def _date(day: int) -> str:
    return format_instant(day * DAY)[:10]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"
