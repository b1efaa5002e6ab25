"""The options that `engagement validate` and `engagement policy fit` share: a history, and what to look at in it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from scoring.instants import SECOND
from streams.backtest.outcomes import holds_outcomes
from streams.backtest.plan import Plan
from streams.cli.parameters import DURATION, INSTANT
from streams.settings.policy_source import read_text
from streams.settings.settings import Settings

_DAYS = (30, 60, 90)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Look:
    """When to look at the customers, whom to compare with whom, and over which times; times in microseconds.

    After `silence` without an event a customer is silent (0: never); a churn within `horizon` is near to an alert. The
    customers are shared among so many `processes`.
    """

    plan: Plan
    within: str
    silence: int
    horizon: int
    processes: int


_OPTIONS = (
    click.argument("files", nargs=-1, required=True, type=_FILE, metavar="EVENTS... [OUTCOMES]"),
    click.option(
        "--day",
        "days",
        type=click.IntRange(min=1),
        multiple=True,
        metavar="N",
        help="Look N days after each customer's start; may be given several times. Default: 30, 60, 90.",
    ),
    click.option(
        "--at",
        "times",
        type=INSTANT,
        multiple=True,
        metavar="TIME",
        help="Look at TIME (RFC 3339, or a date); may be given several times.",
    ),
    click.option(
        "--within", default="", metavar="COLUMN", help="Compare only customers with the same value in this column."
    ),
    click.option(
        "--silent",
        type=DURATION,
        default=0,
        metavar="DURATION",
        help="Also ask: of the customers with an event within this time before a look, who has none within it after?",
    ),
    click.option(
        "--horizon",
        type=DURATION,
        default="56d",
        show_default=True,
        metavar="DURATION",
        help="Alerts at most so long before the churn are also reported on their own.",
    ),
    click.option(
        "--processes",
        type=click.IntRange(1, 256),
        default=1,
        metavar="N",
        help="Share the customers among N processes.",
    ),
)


def takes_history(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the files of a history and what to look at; it is called with `events`, `outcomes` and `look`.

    The last file is that of the outcomes if it is a CSV file with its headings; else `outcomes` is None.

    Args:
        command: to call.
    """

    @functools.wraps(command)
    def with_look(
        *,
        files: tuple[Path, ...],
        days: tuple[int, ...],
        times: tuple[int, ...],
        within: str,
        silent: float,
        horizon: float,
        processes: int,
        **values: Any,
    ) -> Any:
        events, outcomes = (files[:-1], files[-1]) if holds_outcomes(files[-1]) else (files, None)
        if not events:
            raise click.UsageError("name at least one file of events before that of the outcomes")
        chosen = days or (() if times else _DAYS)
        plan = Plan(tuple(sorted(set(chosen))), tuple(sorted(set(times))))
        look = Look(plan, within, round(silent * SECOND), round(horizon * SECOND), processes)
        return command(events=events, outcomes=outcomes, look=look, **values)

    wrapped: Callable[..., Any] = with_look
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def policy_text(settings: Settings) -> str:
    """Give the policy in force as text, which processes can be sent."""
    return read_text(settings.policy_path)
