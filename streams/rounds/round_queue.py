"""The batches that wait until a round takes them.

Rests on decisions 43 and 58.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from streams.records import DecodedBatch, Partition
from streams.rounds.evaluation_clock import EvaluationClock
from streams.rounds.log import Log

#: Events that one round takes, and events that may wait before agents are held back.
ROUND_EVENTS, WAITING_EVENTS = 100_000, 120_000
#: Seconds for which a round waits for partitions that have more to come, and between two looks at them.
_GATHERED_WITHIN, _LOOK = 1.0, 0.05


@dataclass(slots=True)
class Submission:
    """A decoded batch, and the Faust event that acknowledges it."""

    batch: DecodedBatch
    event: Any
    weight: int = field(init=False)

    def __post_init__(self) -> None:
        """Weigh the batch."""
        self.weight = self.batch.weight


class RoundQueue:
    """Keeps batches in the order in which they came."""

    def __init__(self, clock: EvaluationClock, log: Log) -> None:
        """Start empty.

        Args:
            clock: tells whether all that can be read is applied.
            log: where batches come from.
        """
        self._clock = clock
        self._log = log
        self._waiting: deque[Submission] = deque()
        #: Events that wait.
        self.events = 0
        #: Set when there is something for the pipeline to do.
        self.came = asyncio.Event()
        #: Set while agents are not held back.
        self.room = asyncio.Event()
        self.room.set()
        self._more = asyncio.Event()

    def __bool__(self) -> bool:
        """Return whether something waits."""
        return bool(self._waiting)

    async def submit(self, submission: Submission) -> None:
        """Queue a batch; waits while enough are queued.

        Args:
            submission: the batch and its event.
        """
        await self.room.wait()
        self._waiting.append(submission)
        self.events += submission.weight
        if self.events >= WAITING_EVENTS:
            self.room.clear()
        self.came.set()
        self._more.set()

    async def gather(self, stopping: Callable[[], bool]) -> None:
        """While the log is not read to its end, wait for something of each partition that has more.

        Evaluation is as of the time up to which the last partition has been read. What is later is kept aside, stored,
        and judged another time: twice the work, for all events of those that were fetched first.

        Args:
            stopping: tells whether the worker stops.
        """
        deadline = time.monotonic() + _GATHERED_WITHIN
        while self.events < ROUND_EVENTS and not stopping() and not self._clock.keeping_up:
            unread = self._log.unread() - {waiting.batch.raw.partition for waiting in self._waiting}
            if not (unread and self._waiting) or time.monotonic() >= deadline:
                break
            self._more.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), _LOOK)

    def take(self) -> list[Submission]:
        """Take so many batches that their events are enough for a round, but one at least."""
        taken: list[Submission] = []
        events = 0
        while self._waiting and events < ROUND_EVENTS:
            taken.append(self._waiting.popleft())
            events += taken[-1].weight
        self._make_room(events)
        if not self._waiting:
            self.came.clear()
        return taken

    def let_go(self) -> None:
        """Drop what is queued, as it will be read again from the fences by whoever comes next."""
        waiting, self._waiting, self.events = self._waiting, deque(), 0
        self.came.clear()
        self.room.set()
        for submission in waiting:
            submission.event.ack()

    def let_go_of(self, partitions: Container[Partition]) -> None:
        """Drop what is queued of some partitions, as it will be read again.

        Args:
            partitions: which the consumer is sent back on.
        """
        kept: deque[Submission] = deque()
        for submission in self._waiting:
            if submission.batch.raw.partition in partitions:
                self._make_room(submission.weight)
                submission.event.ack()
            else:
                kept.append(submission)
        self._waiting = kept

    def _make_room(self, events: int) -> None:
        self.events -= events
        if self.events < WAITING_EVENTS:
            self.room.set()
