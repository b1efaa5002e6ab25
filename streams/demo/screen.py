"""The live screen, 80 by 24, and the lines that stand for it where there is no terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scoring.policy.policy import BANDS
from streams.demo.board import SHOWN_ALERTS, Board, CustomerRow
from streams.views.alert_line import reasons_in_words
from streams.views.customer_view import BAND_STYLES

_BAR_CELLS = 16
_FULL_SCORE = 120.0


def screen(board: Board, seconds: float | None) -> RenderableType:
    """Draw the board.

    Args:
        board: as it stands.
        seconds: after which the demonstration ends; None for by Ctrl-C.

    Returns:
        For rich, 22 lines.
    """
    upper = Table.grid(expand=True)
    upper.add_column(ratio=1)
    upper.add_column(ratio=1)
    upper.add_row(
        Panel(_bands(board), title="customers by band, from Redis", height=10),
        Panel(_customer_rows(board), title="some of them", height=10),
    )
    return Group(
        _headline(board, seconds),
        upper,
        Panel(_alerts(board), title="alerts, from Kafka: churn-risk-alerts", height=SHOWN_ALERTS + 2),
        _footer(board),
    )


def status_line(board: Board) -> str:
    """Write the board as one line.

    Args:
        board: as it stands.

    Returns:
        Text without colours.
    """
    bands = "  ".join(f"{band} {board.bands.get(band, 0)}" for band in BANDS)
    return (
        f"{board.elapsed:3.0f} s  {board.sent:,} events {board.rate:,.0f}/s  {bands}  "
        f"churn risk {board.by_event + board.by_silence}  recovered {board.recovered}  "
        f"dead letters {board.dead_letters}"
    )


def _headline(board: Board, seconds: float | None) -> Text:
    until = f" of {seconds:g}" if seconds is not None else ""
    ending = "" if seconds is not None else "   Ctrl-C ends it"
    return Text.assemble(
        (f" {board.rate:,.0f} events/s", "bold"),
        f"  {board.sent:,} sent   {board.elapsed:.0f}{until} s",
        "   30 days are 15 s here",
        (ending, "dim"),
    )


def _bands(board: Board) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    most = max([*board.bands.values(), 1])
    for band in reversed(BANDS):
        count = board.bands.get(band, 0)
        table.add_row(Text(band, style=BAND_STYLES[band]), Text(f"{count:>4}"), _bar(count / most, BAND_STYLES[band]))
    table.add_row()
    table.add_row("scored", Text(f"{board.scored:>4}"))
    return table


def _customer_rows(board: Board) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for customer, row in board.rows.items():
        if row is None:
            table.add_row(Text(customer), Text("   -", style="dim"))
            continue
        style = BAND_STYLES.get(row.band, "")
        table.add_row(
            Text(customer, overflow="ellipsis", no_wrap=True),
            Text(f"{row.score:>4.0f}"),
            _arrow(row),
            _bar(max(row.score, 0) / _FULL_SCORE, style),
        )
    return table


def _arrow(row: CustomerRow) -> Text:
    if row.trend > 0:
        return Text("▲", style="green")
    return Text("▼", style="red") if row.trend < 0 else Text(" ")


def _bar(share: float, style: str) -> Text:
    cells = min(round(share * _BAR_CELLS), _BAR_CELLS)
    return Text("█" * cells, style=style)


def _alerts(board: Board) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    for _ in range(4):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for alert in board.alerts:
        table.add_row(*_alert_cells(alert))
    return table


def _alert_cells(alert: Mapping[str, Any]) -> tuple[Text, ...]:
    dropped = alert["kind"] == "churn_risk"
    style = BAND_STYLES[alert["band"]]
    return (
        Text(alert["occurred_at"][11:19], style="dim"),
        Text("▼ churn risk" if dropped else "▲ recovered", style=style),
        Text(alert["customer_id"], style="bold"),
        Text(f"{alert['previous_score']:g} → {alert['score']:g}"),
        Text(reasons_in_words(alert["reasons"]), style="dim"),
    )


def _footer(board: Board) -> Text:
    return Text.assemble(
        " dropped ",
        (str(board.by_silence), "bold"),
        " by silence, ",
        (str(board.by_event), "bold"),
        " by an event · recovered ",
        (str(board.recovered), "bold"),
        " · dead letters ",
        (str(board.dead_letters), "bold"),
        f" of {board.bad}",
        no_wrap=True,
        overflow="ellipsis",
    )
