"""Keeps the libraries from filling the log: while a broker is away, aiokafka writes a hundred lines a second.

Rests on decision 78.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import faust

from streams.worker.logs import without_trace

#: Loggers of libraries that repeat themselves; the service's own lines are never left out.
_TALKATIVE = ("aiokafka", "mode.timers")
_EVERY = 60.0
_MOST_REMEMBERED = 1_000


class RepeatLimit(logging.Filter):
    """Lets each message of these libraries through once a minute, with the number of those left out before it.

    Warnings and errors are the same message if they have the same template, as node and duration differ each time;
    others if they have the same text.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing remembered.

        Args:
            clock: gives seconds.
        """
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide on a record; one that was left out before is asked about by each handler.

        Args:
            record: any.
        """
        if not record.name.startswith(_TALKATIVE):
            return True
        decided: bool | None = getattr(record, "let_through", None)
        if decided is None:
            decided = self._decide(record)
            record.let_through = decided
        return decided

    def _decide(self, record: logging.LogRecord) -> bool:
        text = str(record.msg) if record.levelno >= logging.WARNING else record.getMessage()
        key = (record.name, record.levelno, text)
        now = self._clock()
        since, left_out = self._seen.get(key, (-_EVERY, 0))
        if now - since < _EVERY:
            self._seen[key] = (since, left_out + 1)
            return False
        if len(self._seen) >= _MOST_REMEMBERED:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out:,} more like this in the last {now - since:.0f} s)"
            record.args = ()
        return True


class QuietWorker(faust.Worker):
    """Faust's worker, with that limit on everything that it logs."""

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Put the limit before the handlers.

        Args:
            logger: the root.
            level: of what is logged.
        """
        super().on_setup_root_logger(logger, level)
        limit = RepeatLimit()
        for handler in logger.handlers:
            handler.addFilter(limit)
            handler.addFilter(without_trace)
