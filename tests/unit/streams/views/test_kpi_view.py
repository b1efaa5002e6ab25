"""Figures over all customers on the screen."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date

import click
import pytest
from rich.console import Console

from scoring.customer.activity_sums import named
from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureFigure
from streams.cli.parameters import CALENDAR_DAY
from streams.views.kpi_view import NO_MEASURES, kpi_document, kpi_text
from tests.property.test_activity import made_of

FIRST = (date(2026, 10, 1) - date(1970, 1, 1)).days


def printed(sums: Sums, first: int, last: int, measures: Mapping[str, MeasureFigure] | None = NO_MEASURES) -> list[str]:
    """Print for a terminal without colours."""
    output = io.StringIO()
    Console(file=output, width=120, color_system=None).print(kpi_text(sums, first, last, measures))
    return [" ".join(line.split()) for line in output.getvalue().splitlines()]


def test_the_screen_tells_the_period_and_each_day() -> None:
    fields: dict[str, int] = {f"f{FIRST}.-1": 3, f"f{FIRST + 1}.12": 1}
    for days in ([0], [0, 40], [35, 40]):
        for field, count in named(made_of([FIRST + day for day in days]).gains).items():
            fields[field] = fields.get(field, 0) + count
    lines = printed(Sums(fields), FIRST + 1, FIRST + 41)
    assert lines[:11] == [
        "2026-10-02 to 2026-11-11, 41 days",
        "customers 2 at the start, 2 at the end",
        "2 acquired, 2 lost",
        "retention 0.0 %, churn 100.0 %",
        "active 0 on the last day, 2 in 7 days, 2 in 30 days",
        "stickiness 0.0 %, on 1.5 of 30 days",
        "returning 50.0 % had been active before the 30 days",
        "engagement engaged 0.0 %, responsive 33.3 %",
        "disengaged 66.7 %",
        "bands at_risk 0, disengaged 2, engaged 1, highly_engaged 0, power 0",
        "moved disengaged → engaged 1",
    ]
    assert lines[12] == "day active in 7 days in 30 days stickiness new back lost"
    assert lines[12 + 40] == "2026-11-10 2 2 2 100.0 % 1"
    assert len(lines) == 12 + 42


def test_measures_stand_below_the_figures_and_are_missing_where_they_are_told_no_more() -> None:
    sums = Sums({f"d{FIRST}": 1})
    measures = {
        "nps": MeasureFigure("40"),
        "csat": MeasureFigure(""),
        "lifetime_value": MeasureFigure("1800", "900", 2),
        "refunds": MeasureFigure("", "", 0),
        "clicked": MeasureFigure("10", "", 10, "150"),
    }
    assert printed(sums, FIRST, FIRST, measures)[11:17] == [
        "nps 40",
        "csat -",
        "lifetime_value 1800 in all, 900 for each of 2 customers",
        "refunds -",
        "clicked 10 % of 10 customers, 150 % by events",
        "",
    ]
    assert printed(sums, FIRST, FIRST, None)[11:13] == ["measures are told no more of that day", ""]
    assert kpi_document(sums, FIRST, FIRST, measures)["measures"] == {
        "nps": {"value": 40.0},
        "csat": {"value": None},
        "lifetime_value": {"value": 1800.0, "average": 900.0, "customers": 2},
        "refunds": {"value": None, "average": None, "customers": 0},
        "clicked": {"value": 10.0, "events": 150.0, "customers": 10},
    }
    assert kpi_document(sums, FIRST, FIRST, None)["measures"] is None
    assert kpi_document(sums, FIRST, FIRST)["measures"] == {}


def test_the_largest_segments_are_named() -> None:
    some = {f"s{number}": 1_000 * number for number in range(1, 13)}
    output = io.StringIO()
    Console(file=output, width=200, color_system=None).print(
        kpi_text(Sums({f"d{FIRST}": 1}), FIRST, FIRST, segments=some)
    )
    [line] = [line for line in output.getvalue().splitlines() if line.startswith("segments")]
    assert line.split()[1:3] == ["s12", "12,000,"]
    assert line.strip().endswith("s3 3,000, 3,000 in 2 others")


def test_a_day_is_read_and_anything_else_refused() -> None:
    assert CALENDAR_DAY.convert("2026-10-01", None, None) == FIRST
    for text in ("yesterday", "2026-10-32", "2026-10"):
        with pytest.raises(click.BadParameter, match="is not a day such as"):
            CALENDAR_DAY.convert(text, None, None)
