"""`engagement policy fit`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from streams.backtest.outcomes import check_met, read_outcomes
from streams.backtest.replaying import replay, survey
from streams.backtest.report import make_report
from streams.backtest.tables import tables
from streams.cli.history_options import Look, policy_text, takes_history
from streams.cli.options import takes_settings
from streams.cli.parameters import BUDGET
from streams.cli.progress import open_offset_progress
from streams.cli.refusal import Refusal
from streams.errors import ExtraMissing
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.views.tables import plain_table

if TYPE_CHECKING:
    from streams.backtest.fitting.proposal import Proposal

_LINE_SECONDS = 2.0


@click.command()
@takes_history
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the policy there."
)
@click.option("--name", "version", default="fitted-1", metavar="VERSION", help="The new policy's version.")
@click.option("--keep-window", "keep", flag_value="window", default="", help="Fit weights and caps only.")
@click.option("--keep-weights", "keep", flag_value="weights", help="Fit the alerts only (with --alerts).")
@click.option(
    "--alerts",
    "budget",
    type=BUDGET,
    metavar="BUDGET",
    help="Fit the alerts, too, so that all of them together keep to a budget such as '10 per 100 a month'.",
)
@takes_settings("policy")
def fit(
    settings: Settings,
    events: tuple[Path, ...],
    outcomes: Path | None,
    look: Look,
    *,
    output: Path | None,
    version: str,
    keep: str,
    budget: float | None,
) -> None:
    """Propose weights, caps and half-life from history.

    EVENTS and OUTCOMES are those of validate. Everything else, and which weights are positive and which negative, is
    taken from the policy in force; the weight of a type that it does not name, or gives 0, may have either sign. The
    lower bound of `engaged` is put where it best parts those who left from those who stayed. The customers of OUTCOMES
    are learned from: keep some aside, and look at those with validate.

    With --alerts, the alerts are fitted to a budget as well. Drops get a part of it or none, and a cooldown, and their
    bound follows; absences get the rest, and their margin follows. Of all such choices, and shares of the longest
    absence, the one is taken whose alerts are right the most often within --horizon, judged on customers that the
    choice was not made from. The share stays, and drops get nothing, unless that is better by more than its error.
    Where no choice is better than customers drawn by lot, none is made.

    The policy goes to stdout, the report on it to stderr.

    Example: engagement policy fit events.jsonl.gz outcomes.csv --day 30 --day 60 --output fitted.toml
    """
    try:
        from streams.backtest.fitting.budget import BudgetFit, with_alerts  # noqa: PLC0415 - an extra
        from streams.backtest.fitting.proposal import TrainingData, propose  # noqa: PLC0415
    except ImportError as error:
        raise ExtraMissing("validate", "fitting a policy") from error
    if keep == "weights" and budget is None:
        raise click.UsageError("--keep-weights leaves nothing to fit without --alerts")
    base, silence = settings.policy, look.silence
    if output is not None and not os.access(output.absolute().parent, os.W_OK):
        raise click.BadParameter(f"there is no folder {output.parent} that can be written to", param_hint="--output")
    if outcomes is None:
        raise Refusal("the last file must hold the outcomes: a CSV file with the headings customer_id and churned")
    customers = read_outcomes(outcomes, look.within)
    with open_offset_progress("events read") as show:
        found = survey(events, base, show)
    strangers = (name for name in found.first_events if name not in customers)
    check_met(outcomes, customers, customers.keys() & found.first_events.keys(), strangers)
    moments = look.plan.moments(customers, found.first_events)
    console = Console(stderr=True, markup=False, highlight=False)
    text = policy_text(settings)
    if keep != "weights":
        with open_offset_progress("events counted") as show:
            history = TrainingData(events, found, customers, moments, silence)
            proposal = propose(history, text, version, keep_window=keep == "window", show=show, tell=_tries())
        console.print(_contributions(proposal), *_facts(proposal), sep="\n")
        text = proposal.text
    with open_offset_progress("events replayed") as show:
        replayed = replay(events, text, moments, show, look.processes, trails=budget is not None)
    policy, titles = parse_policy(text), look.plan.titles
    if budget is not None:
        before, fitted = policy, BudgetFit(policy, customers, replayed, look.horizon, budget).fit()
        text = with_alerts(text, version, fitted, budget)
        policy = parse_policy(text)
        # Absences are found on the active days, by whichever rule; drops and bands are as they were replayed.
        if replace(policy, version=before.version, absence=before.absence) != before:
            with open_offset_progress("events replayed") as show:
                replayed = replay(events, text, moments, show, look.processes)
    report = make_report(policy, customers, titles, replayed, within=look.within, silence=silence, horizon=look.horizon)
    console.print("The same customers, with the policy as written:", *tables(report), sep="\n")
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"written: {output}", err=True)


def _tries() -> Callable[[int], None]:
    following = [time.monotonic() + _LINE_SECONDS]

    def tell(number: int) -> None:
        if time.monotonic() >= following[0]:
            following[0] = time.monotonic() + _LINE_SECONDS
            click.echo(f"{number} choices of window, half-life and caps tried", err=True)

    return tell


def _contributions(proposal: Proposal) -> Table:
    table = plain_table()
    table.add_column("type")
    for heading in ("fitted", "points", "at most in a pane", "of the differences"):
        table.add_column(heading, justify="right")
    for one in sorted(proposal.types, key=lambda one: -one.share):
        cap = str(one.cap) if one.cap and one.weight else ""
        table.add_row(one.kind.name, f"{one.fitted:.3f}", f"{one.weight:g}", cap, f"{one.share:.1%}")
    return table


def _facts(proposal: Proposal) -> list[str]:
    facts = [
        f"{proposal.questions:,} times it was asked who would leave",
        f"AUC of customers not learned from: {_mean(proposal.auc)}",
        f"AUC of everybody: {_mean(proposal.fitted)}; with rounded weights {_mean(proposal.rounded)}",
    ]
    if proposal.left_out:
        facts.append(f"too rare to learn from: {', '.join(proposal.left_out)}")
    return facts


def _mean(aucs: Sequence[float | None]) -> str:
    known = [auc for auc in aucs if auc is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"
