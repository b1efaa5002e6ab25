"""A report as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from scoring.backtest.alarms import lead
from scoring.instants import format_duration
from streams.backtest.report import MEASURES, BacktestReport, Column
from streams.backtest.rules import Rule


def tables(report: BacktestReport) -> Iterator[Table]:
    """Write a report.

    Args:
        report: the figures.

    Yields:
        Ranking, bands and alerts, for each outcome.
    """
    for outcome, columns in report.by_outcome():
        yield _ranking(report, outcome, columns)
        yield _bands(outcome, columns)
    yield from _alerts(report)


def _ranking(report: BacktestReport, outcome: str, columns: Sequence[Column]) -> Table:
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


def _alerts(report: BacktestReport) -> Iterator[Table]:
    headings = "per 100 a month", "customers alerted", "on the busiest 1 % of days", "active again within the horizon"
    table = _table("Alerts", "rule", *headings)
    for rule in report.rules:
        alarms = rule.alarms
        rates = _number(alarms.per_100_a_month, 1), f"{alarms.alerted:,}"
        table.add_row(rule.title, *rates, _percent(alarms.busiest_1_percent), _percent(alarms.back_within))
    yield table
    if report.labelled:
        yield from rule_tables(report.rules)
        yield _tenure(report.rules[0])


def rule_tables(rules: Sequence[Rule]) -> Iterator[Table]:
    """Write what the alerts of rules were worth, where it is known who churned.

    Args:
        rules: to be compared.

    Yields:
        Alerts before the churn and, where the days of the churn are known, those within the horizon.
    """
    yield _before_churn(rules)
    if rules[0].alarms.dated:
        yield _within(rules)


def _before_churn(rules: Sequence[Rule]) -> Table:
    headings = (
        "alerts",
        "precision",
        "by lot",
        "recall",
        "false per 100",
        "alerted, churned",
        "days before: first",
        "last",
    )
    table = _table("Alerts before the churn", "rule", *headings)
    for rule in rules:
        alarms = rule.alarms
        table.add_row(
            rule.title,
            f"{alarms.hits.alerts:,}",
            *map(_percent, (alarms.hits.precision, alarms.hits.by_lot, alarms.recall)),
            _number(alarms.false_per_100, 1),
            _percent(alarms.alerted_churned_share),
            *(_number(lead(leads), 0) for leads in (alarms.leads_first, alarms.leads_last)),
        )
    return table


def _within(rules: Sequence[Rule]) -> Table:
    horizon = format_duration(rules[0].alarms.horizon)
    table = _table(f"Alerts within {horizon} before the churn", "rule", "precision", "by lot", "recall")
    for rule in rules:
        alarms = rule.alarms
        table.add_row(rule.title, *map(_percent, (alarms.within.precision, alarms.within.by_lot, alarms.recall_within)))
    return table


def _tenure(rule: Rule) -> Table:
    table = _table(f"By the days since the first event: {rule.title}", "from day", "alerts", "precision", "by lot")
    for days, hits in rule.alarms.by_tenure.items():
        table.add_row(str(days), f"{hits.alerts:,}", _percent(hits.precision), _percent(hits.by_lot))
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


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
