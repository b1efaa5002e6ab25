"""What every loop of the service does about a fault that passes: counts it, reports it once, and tries again.

Rests on decisions 61 and 78.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from prometheus_client import Counter

from streams.errors import ClockUnknown, StreamsError, TransientError

T = TypeVar("T")
#: Pauses, in seconds: the first one, each twice as long as the one before, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class Stoppable(Protocol):
    """What a loop asks of the service that it belongs to."""

    @property
    def should_stop(self) -> bool:
        """Whether the service is being stopped."""
        ...

    async def sleep(self, n: float) -> None:
        """Sleep for some seconds, or until the service is stopped."""


class StopSignal:
    """A service that goes on until it is asked to stop, and whose sleep ends then."""

    def __init__(self) -> None:
        """Begin unasked."""
        self._asked = asyncio.Event()

    @property
    def should_stop(self) -> bool:
        """Whether it has been asked to stop."""
        return self._asked.is_set()

    def stop(self) -> None:
        """End after what is being done."""
        self._asked.set()

    async def until_stopped(self) -> None:
        """Sleep until it is asked to stop."""
        await self._asked.wait()

    async def sleep(self, n: float) -> None:
        """Sleep for some seconds, or until it is asked to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), n)


class CountsRetries(Protocol):
    """Metrics that count the failed attempts of a loop."""

    retries: Counter


class Backoff:
    """The faults of one loop, one after another; `reason` is the one that it waits for, '' if there is none."""

    def __init__(
        self,
        metrics: CountsRetries,
        logger: logging.Logger,
        meanwhile: str,
        first: float | None = None,
        longest: float = LONGEST_PAUSE,
        level: int = logging.ERROR,
    ) -> None:
        """Begin without a fault.

        Args:
            metrics: count the failed attempts, by the kind of the fault.
            logger: of the one who waits.
            meanwhile: what is done until the fault is over, for the log.
            first: the first pause, where it is another.
            longest: the longest pause.
            level: of the line that reports a fault.
        """
        self._retries = metrics.retries
        self._logger = logger
        self._meanwhile = meanwhile
        self._first = self._pause = FIRST_PAUSE if first is None else first
        self._longest = longest
        self._level = level
        self._attempts = 0
        self.reason = ""

    def note(self, error: StreamsError) -> float:
        """Count a failed attempt, and report the fault where it is another one than before.

        Returns:
            How long to pause, in seconds.
        """
        self._retries.labels(type(error).__name__).inc()
        self._attempts += 1
        # To wait for the clock is part of every start, and soon over.
        of_a_start = isinstance(error, ClockUnknown)
        if str(error) != self.reason:
            self.reason = str(error)
            self._logger.log(logging.INFO if of_a_start else self._level, "%s; %s", error, self._meanwhile)
        pause = self._pause
        if not of_a_start:
            self._pause = min(pause * 2, self._longest)
        return pause

    def over(self) -> None:
        """Report that an attempt has succeeded, if one before had not."""
        if self._attempts:
            self._logger.info("over after %d failed attempts: %s", self._attempts, self.reason)
        self.reason, self._attempts, self._pause = "", 0, self._first

    async def until_done(
        self,
        service: Stoppable,
        attempt: Callable[[], Awaitable[T]],
        *,
        unless: tuple[type[TransientError], ...] = (),
        failed: Callable[[], object] | None = None,
    ) -> T | None:
        """Try until it succeeds or the service is stopped.

        Args:
            service: to which the loop belongs.
            attempt: what is tried.
            unless: faults that are not waited for.
            failed: called after each failed attempt.

        Returns:
            What the attempt gave; None if the service was stopped before.
        """
        while not service.should_stop:
            try:
                done = await attempt()
            except unless:
                raise
            except TransientError as error:
                pause = self.note(error)
                if failed is not None:
                    failed()
                await service.sleep(pause)
            else:
                self.over()
                return done
        return None
