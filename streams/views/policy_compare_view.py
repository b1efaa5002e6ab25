"""How a comparison of two policies looks on the screen."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from scoring.points import text
from scoring.policy.policy import BANDS, Policy
from streams.backtest.alert_comparison import Alerts, Raised
from streams.policies.band_moves import BandMoves
from streams.views.tables import plain_table
from streams.views.wording import counted, moment, printable, signed

_ALWAYS = ("churn_risk", "recovered")
_OTHERS = ("disengaging_soon", "absent", "returned")


def print_moves(old: Policy, new: Policy, moves: BandMoves) -> None:
    """Print who would move between bands.

    Args:
        old: one policy.
        new: the other.
        moves: what was found.
    """
    matrix = _table(f"{old.version} \\ {new.version}", *BANDS)
    for i, band in enumerate(BANDS):
        matrix.add_row(band, *[f"{moves.matrix[i, j]:,}" if moves.matrix[i, j] else "·" for j in range(len(BANDS))])
    _print(matrix)
    stay = sum(count for (before, after), count in moves.matrix.items() if before == after)
    click.echo(
        f"{counted(moves.customers, 'customer')}: {stay:,} stay in their band, {moves.dropping:,} would drop below "
        f"engaged, {moves.rising:,} would rise to it"
    )
    if moves.largest:
        largest = _table("largest moves", "", "score", "", "bands")
        for move in moves.largest:
            change = signed(move.new_score - move.score)
            bands = f"{BANDS[move.band]} → {BANDS[move.new_band]}" if move.band != move.new_band else BANDS[move.band]
            largest.add_row(
                printable(move.customer), text(move.score), f"→ {text(move.new_score)}", f"({change})", bands
            )
        _print(largest)


def print_alerts(alerts: Alerts, limit: int, *, customers: int, bad: int) -> None:
    """Print which alerts would come or go.

    Args:
        alerts: under both policies.
        limit: how many that come or go are listed.
        customers: in the history.
        bad: lines of it that are no events.
    """
    counts = _table("alerts", "before", "after", "same", "other time", "would come", "would go")
    every = (alerts.same, [after for _, after in alerts.moved], alerts.come, alerts.go)
    came = {alert.kind for some in every for alert in some}
    for kind in (*_ALWAYS, *(kind for kind in _OTHERS if kind in came)):
        same, moved, come, go = (sum(alert.kind == kind for alert in some) for some in every)
        numbers = (same + moved + go, same + moved + come, same, moved, come, go)
        counts.add_row(kind, *[f"{number:,}" for number in numbers])
    _print(counts)
    click.echo(f"{counted(customers, 'customer')} in the history")
    if bad:
        click.echo(f"{counted(bad, 'line')} left out, as a worker would make dead letters of them")
    for title, some in (("would come", alerts.come), ("would go", alerts.go)):
        _print_some(title, some, limit)


def _print_some(title: str, alerts: Sequence[Raised], limit: int) -> None:
    if not alerts or not limit:
        return
    click.echo(f"{title}, the latest first:")
    for alert in alerts[: -limit - 1 : -1]:
        click.echo(f"  {moment(alert.occurred_at)}  {alert.kind:16}  {printable(alert.customer)}")
    if len(alerts) > limit:
        click.echo(f"  and {len(alerts) - limit:,} more; --json names all")


def _table(first: str, *others: str) -> Table:
    table = plain_table()
    table.add_column(first)
    for other in others:
        table.add_column(other, justify="right")
    return table


def _print(table: Table) -> None:
    Console(markup=False, highlight=False).print(table)
