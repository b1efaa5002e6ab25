"""The process of a worker: Faust's, with its own log and signals, and a last word that says why it ends.

Rests on decision 65.
"""

from __future__ import annotations

import asyncio
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

import streams
from streams.errors import StreamsError
from streams.worker.log_limit import QuietWorker

_OWN_CODE = str(Path(streams.__file__).parent.parent)


class Reloads(Protocol):
    """An app that can read its policy file again."""

    def reload_policy(self) -> None:
        """Read the policy file again."""


class EngagementWorker(QuietWorker):
    """Runs an app until SIGTERM or SIGINT; SIGHUP has it read the policy file again."""

    _first_crash = ""

    def install_signal_handlers(self) -> None:
        """Take signals."""
        super().install_signal_handlers()
        self.loop.add_signal_handler(signal.SIGHUP, cast("Reloads", self.app).reload_policy)

    def _crash(self, reason: BaseException) -> None:
        # What crashes first takes the others with it. Said at once: at its end, mode makes a crash its own cause.
        if not self._first_crash and not isinstance(reason, asyncio.CancelledError):
            self._first_crash = why_ended(reason)
        super()._crash(reason)

    @property
    def why_ended(self) -> str:
        """Why the worker has ended that nobody told to, in one line."""
        begun = self._starting_fut
        failed = begun.exception() if begun is not None and begun.done() and not begun.cancelled() else None
        return self._first_crash or why_ended(failed or self.crash_reason)


def why_ended(error: BaseException | None) -> str:
    """Say why a process ends: an expected error says it itself, of any other its root and the place of it.

    Args:
        error: that ended it.
    """
    if error is None:
        return "for a reason that nothing has reported"
    causes = list(_causes(error))
    expected = next((cause for cause in causes if isinstance(cause, StreamsError)), None)
    if expected is not None:
        said = str(expected)
        root = causes[-1]
        return said if root is expected or repr(root) in said else f"{said}, by {_described(root)}"
    return f"an error that nobody expected: {_described(causes[-1])}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen and not isinstance(cause, asyncio.CancelledError):
        seen.add(id(cause))
        yield cause
        hidden = cause.__suppress_context__
        cause = cause.__cause__ or (None if hidden else cause.__context__)


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(_OWN_CODE) and "site-packages" not in frame.filename]
    place = (own or frames)[-1:]
    where = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in place)
    return " ".join(f"{type(error).__name__}: {error}".split()) + where
