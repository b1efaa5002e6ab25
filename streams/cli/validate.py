"""`engagement validate`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
import orjson
from rich.console import Console

from scoring.backtest.observations import Customer
from streams.backtest.outcomes import check_met, read_outcomes
from streams.backtest.plots import draw_plots
from streams.backtest.replaying import replay, survey
from streams.backtest.report import BacktestReport, as_document, make_report, warnings_of
from streams.backtest.tables import tables
from streams.cli.history_options import Look, policy_text, takes_history
from streams.cli.options import takes_settings
from streams.cli.progress import open_offset_progress
from streams.cli.refusal import Refusal
from streams.settings.settings import Settings
from streams.views.wording import counted


@click.command()
@takes_history
@click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Draw plots into this folder, as SVG.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_settings("policy")
def validate(
    settings: Settings,
    events: tuple[Path, ...],
    outcomes: Path | None,
    look: Look,
    *,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Backtest: how well did scores and alerts predict churn?

    Replays a history through the scoring core and compares score, bands and alerts with what happened. EVENTS are
    files as for replay, ordered by time. OUTCOMES is a CSV file with a customer_id in each line and, as far as known,
    churned (yes or no), churned_at, start (from which the days count; else the first event) and until (when nothing
    more was expected of the customer).

    Beside the score stand the days since the last event (recency) and the number of events in the window, plain and
    fading by the policy's half-life. Beside the alerts stand as many drawn by lot among the customers of the same
    stratum on the same days, one alert for everybody, and silence. Without OUTCOMES the alerts are only counted. If
    the policy has no segments, each stratum of --within has a clock of its own for absences.

    Example: engagement validate events.jsonl.gz outcomes.csv --policy policy.toml --day 30 --day 60
    """
    plan, policy = look.plan, settings.policy
    customers = read_outcomes(outcomes, look.within) if outcomes is not None else {}
    if outcomes is not None and not look.silence and all(customer.churned is None for customer in customers.values()):
        raise Refusal(f"{outcomes} says of nobody whether they churned; --silent asks the events instead")
    first: dict[str, int] = {}
    if outcomes is None or (plan.days and any(customer.start is None for customer in customers.values())):
        with open_offset_progress("events read") as show:
            first = survey(events, policy, show).first_events
    if outcomes is None:
        customers = {name: Customer(name) for name in first}
    with open_offset_progress("events replayed") as show:
        moments = plan.moments(customers, first)
        replayed = replay(events, policy_text(settings), moments, show, look.processes)
    if outcomes is not None:
        check_met(outcomes, customers, replayed.met, replayed.strangers)
        if absent := len(customers) - len(replayed.met):
            click.echo(f"{counted(absent, 'customer')} of {outcomes} without any event", err=True)
    report = make_report(
        policy, customers, plan.titles, replayed, within=look.within, silence=look.silence, horizon=look.horizon
    )
    drawn = draw_plots(report, plots) if plots else []
    if as_json:
        click.echo(orjson.dumps(as_document(report)))
    else:
        _print(report, drawn)
    for warning in warnings_of(report):
        click.echo(f"warning: {warning}", err=True)


def _print(report: BacktestReport, drawn: Sequence[Path]) -> None:
    console = Console(markup=False, highlight=False)
    console.print(
        f"{counted(report.customers, 'customer')}, {counted(report.events, 'event')}, policy {report.policy}",
        *tables(report),
        sep="\n",
    )
    told = {"bad": report.bad, "too old to score": report.outdated, "later than the clock allowed": report.late}
    for what, number in told.items():
        if number:
            click.echo(f"{counted(number, 'event')} {what}", err=True)
    for path in drawn:
        click.echo(os.fspath(path))
