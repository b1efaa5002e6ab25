"""How a comparison of two policies looks on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from scoring.instants import format_instant
from scoring.points import rounded, text
from scoring.policy.policy import BANDS, Policy
from streams.backtest.alert_comparison import ComparedAlerts, Raised
from streams.policies.band_moves import BandMoves, Move
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
        _print(_moves("largest moves", moves.largest))


def print_moved(moved: Sequence[Move], limit: int) -> None:
    """Print the customers who are in another band by the shadow policy.

    Args:
        moved: all of them.
        limit: how many are listed.
    """
    if moved and limit:
        _print(_moves("in another band", moved[:limit]))
    if len(moved) > limit:
        click.echo(f"and {len(moved) - limit:,} more; --json names all")


def print_ranking(areas: Mapping[str, float | None]) -> None:
    """Print how well the scores rank those who churned above the others.

    Args:
        areas: under the ROC curve, by version; None without a pair to compare.
    """
    table = _table("AUC of the scores of now", "")
    for version, area in areas.items():
        table.add_row(f"{printable(version)}  {'-' if area is None else f'{area:.3f}'}")
    _print(table)


def _moves(title: str, moves: Sequence[Move]) -> Table:
    table = _table(title, "", "score", "", "bands")
    for move in moves:
        change = signed(move.new_score - move.score)
        bands = f"{BANDS[move.band]} → {BANDS[move.new_band]}" if move.band != move.new_band else BANDS[move.band]
        table.add_row(printable(move.customer), text(move.score), f"→ {text(move.new_score)}", f"({change})", bands)
    return table


def moves_document(moves: BandMoves, listed: Iterable[Move], name: str = "moved") -> dict[str, Any]:
    """Write who would move between bands for machines.

    Args:
        moves: what was found.
        listed: the moves that are written, each with its customer.
        name: under which they are.
    """
    return {
        "customers": moves.customers,
        "dropping": moves.dropping,
        "rising": moves.rising,
        "bands": {
            old: {new: moves.matrix[i, j] for j, new in enumerate(BANDS) if moves.matrix[i, j]}
            for i, old in enumerate(BANDS)
        },
        name: [
            {
                "customer_id": move.customer,
                "score": rounded(move.score),
                "new_score": rounded(move.new_score),
                "band": BANDS[move.band],
                "new_band": BANDS[move.new_band],
            }
            for move in listed
        ],
    }


def alerts_document(alerts: ComparedAlerts) -> dict[str, Any]:
    """Write which alerts would come or go for machines.

    Args:
        alerts: under both policies.
    """
    moved = [
        {**_listed([before])[0], "new_occurred_at": format_instant(after.occurred_at)} for before, after in alerts.moved
    ]
    return {"same": _listed(alerts.same), "moved": moved, "come": _listed(alerts.come), "go": _listed(alerts.go)}


def _listed(alerts: Iterable[Raised]) -> list[dict[str, str]]:
    return [
        {"occurred_at": format_instant(alert.occurred_at), "customer_id": alert.customer, "kind": alert.kind}
        for alert in alerts
    ]


def print_alerts(alerts: ComparedAlerts, limit: int, *said: str) -> None:
    """Print which alerts would come or go.

    Args:
        alerts: under both policies.
        limit: how many that come or go are listed.
        said: lines between the counts and the lists.
    """
    counts = _table("alerts", "before", "after", "same", "other time", "would come", "would go")
    every = (alerts.same, [after for _, after in alerts.moved], alerts.come, alerts.go)
    came = {alert.kind for some in every for alert in some}
    for kind in (*_ALWAYS, *(kind for kind in _OTHERS if kind in came)):
        same, moved, come, go = (sum(alert.kind == kind for alert in some) for some in every)
        numbers = (same + moved + go, same + moved + come, same, moved, come, go)
        counts.add_row(kind, *[f"{number:,}" for number in numbers])
    _print(counts)
    for line in said:
        click.echo(line)
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
