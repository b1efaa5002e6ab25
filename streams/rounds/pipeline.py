"""The way of a batch: queued by an agent, applied in a round with others, acknowledged.

Only one round, or one evaluation by the timer, is applied at a time, under one lock. What a round raised goes out while
the next one is applied; then its batches are acknowledged. A transient fault holds the round and tries it again; a
moved fence makes the pipeline look at the store anew; any other error fails the worker, with nothing of the round
acknowledged.

Rests on decisions 34 and 60.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from mode import Service

from streams.backoff import Backoff
from streams.errors import FenceMoved
from streams.policies.in_force import PolicyInForce
from streams.records import Partition, RecordBatch
from streams.rounds.engine import Engine
from streams.rounds.log import Log
from streams.rounds.positions import Positions
from streams.rounds.resync import Resync
from streams.rounds.round import Round
from streams.rounds.round_queue import RoundQueue, Submission

_MEANWHILE = "holding, nothing is acknowledged"


class Pipeline(Service):
    """Takes batches from the agents and applies them."""

    def __init__(self, engine: Engine, policies: PolicyInForce, log: Log, **kwargs: Any) -> None:
        """Put the parts together.

        Args:
            engine: judges, stores and publishes.
            policies: asked once a turn of the timer, and when the store has refused a write.
            log: where batches come from.
            **kwargs: for `mode.Service`.
        """
        super().__init__(**kwargs)
        self.positions = Positions(engine.store)
        self.queue = RoundQueue(engine.clock, log)
        self.lock = asyncio.Lock()
        self._policies = policies
        self._round = Round(engine, self.positions)
        self._resync = Resync(engine, self.positions, log)
        self._erasures = engine.erasures
        self._outbox = engine.scorer.outbox
        self._metrics = engine.metrics
        self._log = log
        # What the round in hand waits for, and what keeps that in which the one before has raised.
        self._storing = Backoff(engine.metrics, self.logger, _MEANWHILE)
        self._sending = Backoff(engine.metrics, self.logger, _MEANWHILE)
        self._resting = asyncio.Event()
        self._resting.set()
        # Rounds that have begun and are not acknowledged yet, and the task that publishes for one of them.
        self._in_hand = 0
        self._publishing: asyncio.Task[None] | None = None

    @property
    def fault(self) -> str:
        """Why nothing is acknowledged; '' where no fault holds anything."""
        return self._storing.reason or self._sending.reason

    async def submit(self, submission: Submission) -> None:
        """Queue a batch; waits while enough are queued.

        Args:
            submission: the batch and its event; the event is acknowledged once the batch has been applied.
        """
        await self.queue.submit(submission)

    def let_go(self) -> None:
        """Drop what is queued and not begun, as it will be read again from the fences by whoever comes next."""
        self.queue.let_go()

    async def rest(self) -> None:
        """Wait until the rounds in hand are acknowledged, or held by a fault, which may last."""
        await self._resting.wait()

    @Service.task
    async def _run(self) -> None:
        try:
            while not self.should_stop:
                await self.wait_first(self.queue.came.wait())
                if self._publishing is not None and self._publishing.done():
                    await self.all_out()
                await self.queue.gather(lambda: self.should_stop)
                if self.queue:
                    # Not bound to a name: a local variable would keep the round's events alive until the next.
                    await self._apply_until_done(self.queue.take())
                else:
                    self.queue.came.clear()
            await self.all_out()
        except BaseException:
            if self._publishing is not None:
                self._publishing.cancel()
            raise

    async def _apply_until_done(self, submissions: Sequence[Submission]) -> None:
        """Apply a round, and have what it raised published while the next one is applied."""
        self._in_hand += 1
        self._resting.clear()
        acknowledging: asyncio.Task[None] | None = None
        try:
            accepted = await self._store_until_done(submissions)
            # What rounds raise goes out in their order, and no round is far ahead of what is out.
            await self.all_out()
            if accepted is not None:
                messages = [submission.event for submission in submissions]
                acknowledging = asyncio.create_task(self._acknowledge_once_out(messages, accepted))
                # If it fails while nothing comes, the worker fails all the same.
                acknowledging.add_done_callback(lambda _: self.queue.came.set())
                self._publishing = acknowledging
        finally:
            if acknowledging is None:
                self._let_rest()

    def _let_rest(self) -> None:
        self._in_hand -= 1
        if not self._in_hand:
            self._resting.set()

    async def all_out(self) -> None:
        """Wait until all that has been raised is out, and the batches are acknowledged."""
        if self._publishing is not None:
            await asyncio.wait([self._publishing])
            publishing, self._publishing = self._publishing, None
            publishing.result()

    async def _store_until_done(self, submissions: Sequence[Submission]) -> list[RecordBatch] | None:
        """Store a round; returns the batches that are to be acknowledged as applied, None if the worker stops."""
        started = time.perf_counter()
        accepted = await self._storing.until_done(
            self, partial(self._store_round, submissions), failed=self._resting.set
        )
        self._metrics.rounds.observe(time.perf_counter() - started)
        return accepted

    async def _store_round(self, submissions: Sequence[Submission]) -> list[RecordBatch] | None:
        while not self.should_stop:
            try:
                async with self.lock:
                    return await self._apply(submissions)
            except FenceMoved as error:
                self.log.warning("%s; reading the fences anew", error)
                await self._erasures.look_again()
                await self.follow_policy()
                await self.read_anew()
        return None

    async def _acknowledge_once_out(self, messages: Sequence[Any], accepted: Iterable[RecordBatch]) -> None:
        """Publish what a round raised, until it is out, and acknowledge its batches by the events of Faust."""
        try:
            if await self._sending.until_done(self, self._send, failed=self._resting.set):
                for batch in accepted:
                    batch.applied = True
                for message in messages:
                    message.ack()
        finally:
            self._let_rest()

    async def _send(self) -> bool:
        await self._outbox.publish()
        return True

    async def _apply(self, submissions: Sequence[Submission]) -> list[RecordBatch]:
        """Apply what of the batches has not been applied; returns those of which nothing is left to apply."""
        accepted, missing = await self._round.apply([submission.batch for submission in submissions])
        if missing:
            await self._turn_back(missing)
        return accepted

    async def _turn_back(self, missing: Mapping[Partition, int]) -> None:
        """Go back where the predecessor of a batch never arrived; what is queued of such a partition is let go."""
        self.queue.let_go_of(missing)
        self.log.warning("records are missing on %d partitions; reading them again", len(missing))
        await self._log.seek(missing)

    async def assign(self, starts: Mapping[Partition, int]) -> dict[Partition, int]:
        """Begin with the partitions of an assignment.

        Args:
            starts: the partitions, each with where to start if nothing of it has been applied.

        Returns:
            The offsets at which to read on.

        Raises:
            StoreUnavailable: if the store does not answer.
        """
        async with self.lock:
            return await self._resync.assign(starts)

    async def read_anew(self) -> None:
        """Read all fences and forget the cache: the store is not where this worker left it."""
        async with self.lock:
            await self._resync.read_anew()

    async def check_fences(self) -> None:
        """Look whether the store has forgotten what this worker knows it had, and if so apply it again."""
        async with self.lock:
            await self._resync.check()

    async def follow_policy(self) -> None:
        """Judge by another policy from now on, if another one is in force."""
        if await self._policies.changed():
            async with self.lock:
                self._policies.adopt()
