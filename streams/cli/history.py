"""The options that `engagement validate` and `engagement policy fit` share: a history, and what to look at in it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from scoring.builtin import BUILTIN_POLICY
from streams.cli.parameters import DURATION, INSTANT
from streams.settings import Settings
from streams.validation.plan import Plan

_DAYS = (30, 60, 90)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Look:
    """When to look at the customers, whom to compare with whom, and after how many seconds one is silent (0: never)."""

    plan: Plan
    within: str
    silent: float


_OPTIONS = (
    click.argument("events", nargs=-1, required=True, type=_FILE),
    click.argument("outcomes", type=_FILE),
    click.option(
        "--day",
        "days",
        type=click.IntRange(min=1),
        multiple=True,
        metavar="N",
        help="Look so many days after each customer's start; may be given several times. Default: 30, 60 and 90.",
    ),
    click.option(
        "--at",
        "times",
        type=INSTANT,
        multiple=True,
        metavar="TIME",
        help="Look at this time (RFC 3339, or a date); may be given several times.",
    ),
    click.option("--within", default="", metavar="COLUMN", help="Compare only customers who are alike in this column."),
    click.option(
        "--silent",
        type=DURATION,
        default=0,
        metavar="DURATION",
        help="Ask also who falls silent for so long, of those active in the same time before.",
    ),
)


def takes_history(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the files of a history and what to look at; it is called with `events`, `outcomes` and `look`.

    Args:
        command: to call.
    """

    @functools.wraps(command)
    def with_look(*, days: tuple[int, ...], times: tuple[int, ...], within: str, silent: float, **values: Any) -> Any:
        chosen = days or (() if times else _DAYS)
        plan = Plan(tuple(sorted(set(chosen))), tuple(sorted(set(times))))
        return command(look=Look(plan, within, silent), **values)

    wrapped: Callable[..., Any] = with_look
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def policy_text(settings: Settings) -> str:
    """Give the policy in force as text, which processes can be sent."""
    return Path(settings.policy_path).read_text(encoding="utf-8") if settings.policy_path else BUILTIN_POLICY
