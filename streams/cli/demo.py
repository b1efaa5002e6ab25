"""`engagement demo`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.live import Live

from scoring.policy.policy import BANDS
from streams.cli.parameters import DURATION
from streams.cli.refusal import Refusal
from streams.demo.board import Board
from streams.demo.run import run
from streams.demo.screen import screen, status_line
from streams.demo.stack import Stack
from streams.embedded import EmbeddedServerError
from streams.views.wording import counted

_LINE_SECONDS = 2.0


@click.command()
@click.option(
    "--for",
    "seconds",
    type=DURATION,
    metavar="DURATION",
    help="End by itself after so long, such as 30s; else at Ctrl-C.",
)
def demo(seconds: float | None) -> None:
    """Show everything at work, with made-up customers.

    Starts a Kafka broker, a Redis server and the real worker, all on this machine and in memory, sends a few hundred
    events a second, and shows scores and alerts as they come. A month is 15 seconds long here, so customers rise, go
    quiet, drop and come back while you watch.

    Example: engagement demo --for 30s
    """
    console = Console(highlight=False)
    try:
        with Stack() as stack:
            try:
                with _announcements(console) as announce:
                    stack.start(announce)
            except KeyboardInterrupt:
                # Later Ctrl-C ends what runs; here there is nothing to show yet, and nothing has failed.
                click.echo("stopped before the worker was ready")
                return
            board = Board()
            with _display(console, board, seconds) as draw:
                asyncio.run(run(stack, board, seconds, draw))
            status = stack.worker_status
    except EmbeddedServerError as error:
        raise Refusal(str(error)) from error
    for line in summary(board, status):
        click.echo(line)
    if status != 0:
        raise Refusal(f"the worker ended with status {status}")
    if not board.scored:
        raise Refusal("no event was scored")


def summary(board: Board, worker_status: int | None) -> list[str]:
    """Say what happened.

    Args:
        board: as it stood in the end.
        worker_status: the worker's exit status.

    Returns:
        Lines of text.
    """
    bands = ", ".join(f"{board.bands.get(band, 0)} {band}" for band in BANDS)
    drops = board.by_silence + board.by_event
    return [
        f"{board.elapsed:.0f} s: {counted(board.sent, 'event')} sent, {board.bad} of them bad on purpose",
        f"customers     {board.scored} scored: {bands}",
        f"alerts        {drops} churn risk ({board.by_silence} by silence, {board.by_event} by an event)",
        f"              {board.recovered} recovered",
        f"dead letters  {board.dead_letters}",
        f"worker        ended with status {worker_status}",
    ]


@contextmanager
def _announcements(console: Console) -> Iterator[Callable[[str], None]]:
    if not console.is_terminal:
        yield click.echo
        return
    with console.status("") as spinner:
        yield spinner.update


@contextmanager
def _display(console: Console, board: Board, seconds: float | None) -> Iterator[Callable[[], None]]:
    if not console.is_terminal:
        yield _StatusLines(board)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda: live.update(screen(board, seconds), refresh=True)


class _StatusLines:
    """A line every two seconds."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._next = time.monotonic() + _LINE_SECONDS

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next += _LINE_SECONDS
            click.echo(status_line(self._board))
