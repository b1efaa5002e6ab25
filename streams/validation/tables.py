"""A report as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from streams.validation.report import MEASURES, Column, Report, Rule, days


def tables(report: Report) -> Iterator[Table]:
    """Write a report.

    Args:
        report: the figures.

    Yields:
        Ranking, bands and alerts, for each outcome.
    """
    for outcome, columns in report.by_outcome():
        yield _ranking(report, outcome, columns)
        yield _bands(outcome, columns)
    if report.rules:
        yield _alerts(report.rules)


def ranking_tables(report: Report) -> Iterator[Table]:
    """Write only how well is ranked.

    Args:
        report: the figures.

    Yields:
        A table for each outcome.
    """
    for outcome, columns in report.by_outcome():
        yield _ranking(report, outcome, columns)


def _ranking(report: Report, outcome: str, columns: Sequence[Column]) -> Table:
    where = f", ranked within each {report.within}" if report.within else ""
    table = _table(f"AUC for {outcome}{where}", "moment", "customers", outcome, *MEASURES)
    for column in columns:
        shares = [_number(column.auc[measure], 3) for measure in MEASURES]
        table.add_row(column.moment, f"{column.customers:,}", _share(column.happened, column.customers), *shares)
    return table


def _bands(outcome: str, columns: Sequence[Column]) -> Table:
    title = f"For what share of each band it came about: {outcome}; and the customers in the band"
    table = _table(title, "band", *(one.moment for one in columns))
    for index, share in enumerate(columns[0].bands):
        shares = [column.bands[index] for column in columns]
        cells = [f"{_share(one.happened, one.customers)} {one.customers:>5,}" for one in shares]
        if any(one.customers for one in shares):
            table.add_row(share.band, *cells)
    return table


def _alerts(rules: Sequence[Rule]) -> Table:
    headings = ("alerts", "precision", "recall", "false per 100", "days before, median", "middle half")
    table = _table("Alerts before the churn", "rule", *headings)
    for rule in rules:
        alarms = rule.alarms
        low, middle, high = (_number(days(alarms.lead(share)), 0) for share in (0.25, 0.5, 0.75))
        table.add_row(
            rule.name,
            f"{alarms.alerts:,}",
            _share(alarms.right, alarms.alerts),
            _share(alarms.told, alarms.churned),
            _number(alarms.false_per_hundred, 1),
            middle,
            f"{low} to {high}" if alarms.leads else "-",
        )
    return table


def _table(title: str, first: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"
