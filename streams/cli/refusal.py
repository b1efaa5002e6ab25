"""An expected error as a person reads it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import IO, Any

import click


class Refusal(click.ClickException):
    """Ends the command with one clear message on stderr."""

    def __init__(self, message: str, problems: Sequence[str] = (), exit_code: int = 1) -> None:
        """Keep the message.

        Args:
            message: one sentence.
            problems: one sentence each, listed below it.
            exit_code: the exit status.
        """
        super().__init__(message)
        self.problems = tuple(problems)
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message and the problems to stderr.

        Args:
            file: where to write instead.
        """
        super().show(file)
        for problem in self.problems:
            click.echo(f"  {problem}", file=file or sys.stderr)
