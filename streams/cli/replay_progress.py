"""The progress of a replay: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 2.0


class ReplayProgress(Protocol):
    """Shows how far a replay has come."""

    def show(self, read_bytes: int, events: int) -> None:
        """Take note of how far it is: bytes read from the files, events delivered."""


@contextmanager
def open_progress(total_bytes: int) -> Iterator[ReplayProgress]:
    """Open the display that fits where stderr goes; stdout stays free for the result.

    Args:
        total_bytes: of the files.

    Yields:
        The display.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ProgressLines(total_bytes)
        return
    with Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        yield _Bar(progress, total_bytes)


class _Bar:
    def __init__(self, progress: Progress, total_bytes: int) -> None:
        self._progress = progress
        self._rate = _Rate()
        self._task: TaskID = progress.add_task("", total=total_bytes, events=0, rate=0.0)

    def show(self, read_bytes: int, events: int) -> None:
        self._progress.update(self._task, completed=read_bytes, events=events, rate=self._rate.of(events))


class ProgressLines:
    """A line every two seconds."""

    def __init__(self, total_bytes: int) -> None:
        """Begin.

        Args:
            total_bytes: of the files.
        """
        self._total_bytes = total_bytes
        self._rate = _Rate()
        self._next = time.monotonic() + _LINE_SECONDS

    def show(self, read_bytes: int, events: int) -> None:
        """Write a line if it is time for one.

        Args:
            read_bytes: of the files.
            events: delivered.
        """
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LINE_SECONDS
        share = read_bytes / self._total_bytes if self._total_bytes else 1.0
        click.echo(f"{share:4.0%}  {events:,} events  {self._rate.of(events):,.0f}/s", err=True)


class _Rate:
    """Events a second since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def of(self, events: int) -> float:
        return events / max(time.monotonic() - self._began, 1e-3)
