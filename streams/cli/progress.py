"""The progress of work on a log: a bar on a terminal, a line every two seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 2.0

ShowOffsets = Callable[[int, int, int], None]


@contextmanager
def open_offset_progress(things: str) -> Iterator[ShowOffsets]:
    """Open the display that fits where stderr goes; stdout stays free for the result.

    Args:
        things: what is counted, in the plural.

    Yields:
        Shows how far it is: offsets passed, offsets in all, things so far.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(things)
        return
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[count]:,} {task.description}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(things, total=None, count=0)
        yield lambda passed, total, count: progress.update(task, completed=passed, total=total or 1, count=count)


def _lines(things: str) -> ShowOffsets:
    begun = time.monotonic()
    last = [begun]

    def show(passed: int, total: int, count: int) -> None:
        if time.monotonic() - last[0] >= _LINE_SECONDS:
            last[0] = time.monotonic()
            click.echo(f"{passed / (total or 1):4.0%}  {count:,} {things}", err=True)

    return show
