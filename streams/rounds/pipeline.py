"""The way of a batch: queued by an agent, applied in a round with others, acknowledged.

Only one round, or one evaluation by the timer, is applied at a time, under one lock. What a round raised goes out while
the next one is applied; then its batches are acknowledged. A transient fault holds the round and tries it again; a
moved fence makes the pipeline look at the store anew; any other error fails the worker, with nothing of the round
acknowledged.

Rests on decisions 34, 37, 38, 58 and 60.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from mode import Service

from streams.backoff import Backoff
from streams.erasures.knowledge import NO_ERASURES, ErasureKnowledge
from streams.errors import ClockUnknown, FenceMoved
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.records import DeadLetter, DecodedBatch, Partition, RecordBatch
from streams.rounds.cursors import Cursors
from streams.rounds.evaluation_clock import EvaluationClock
from streams.rounds.feed_watch import FeedWatch
from streams.rounds.grouping import by_group
from streams.rounds.linker import Linker
from streams.rounds.moments import Moments
from streams.rounds.scorer import Scorer
from streams.rounds.work import Work
from streams.store.protocol import Fence, Store

#: Events that one round takes, and events that may wait before agents are held back.
_ROUND_EVENTS, _WAITING_EVENTS = 100_000, 120_000
_MEANWHILE = "holding, nothing is acknowledged"
#: Seconds for which a round waits for partitions that have more to come, and between two looks at them.
_GATHERED_WITHIN, _LOOK = 1.0, 0.05


class Log(Protocol):
    """What the pipeline asks of the consumer."""

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Tell where to start reading partitions of which nothing has been applied."""
        ...

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Go to offsets of partitions, as far as they are assigned."""
        ...

    def unread(self) -> set[Partition]:
        """Tell of which assigned partitions more is to be fetched."""
        ...


class PolicyAgreement(Protocol):
    """What the pipeline asks of the policy in force."""

    async def changed(self) -> bool:
        """Look whether there is another policy to follow."""
        ...

    def adopt(self) -> None:
        """Follow it; nothing is at work on customers."""


class OnePolicy:
    """There is one policy, for good."""

    async def changed(self) -> bool:
        """Tell that there is no other."""
        return False

    def adopt(self) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Submission:
    """A decoded batch, and the Faust event that acknowledges it."""

    batch: DecodedBatch
    event: Any
    weight: int = field(init=False)

    def __post_init__(self) -> None:
        """Weigh the batch."""
        self.weight = self.batch.weight


class Pipeline(Service):
    """Takes batches from the agents and applies them."""

    def __init__(
        self,
        store: Store,
        scorer: Scorer,
        publisher: Publisher,
        clock: EvaluationClock,
        metrics: Metrics,
        log: Log,
        feeds: FeedWatch,
        erasures: ErasureKnowledge = NO_ERASURES,
        **kwargs: Any,
    ) -> None:
        """Put the parts together.

        Args:
            store: where the fences are.
            scorer: applies work.
            publisher: of dead letters.
            clock: gives the evaluation time.
            metrics: counters.
            log: where batches come from.
            feeds: told of the events before they are applied.
            erasures: whose events are to be left out.
            **kwargs: for `mode.Service`.
        """
        super().__init__(**kwargs)
        self.cursors = Cursors(store)
        self.erasures = erasures
        self.moments = Moments(clock, feeds, erasures)
        self._policies: PolicyAgreement = OnePolicy()
        self._linker: Linker | None = None
        self.lock = asyncio.Lock()
        # What the round in hand waits for, and what keeps that in which the one before has raised.
        self._storing = Backoff(metrics, self.logger, _MEANWHILE)
        self._sending = Backoff(metrics, self.logger, _MEANWHILE)
        self._store = store
        self._scorer = scorer
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._feeds = feeds
        self._waiting: deque[Submission] = deque()
        self._waiting_events = 0
        self._came = asyncio.Event()
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._resting = asyncio.Event()
        self._resting.set()
        # Rounds that have begun and are not acknowledged yet, and the task that publishes for one of them.
        self._in_hand = 0
        self._publishing: asyncio.Task[None] | None = None

    @property
    def fault(self) -> str:
        """Why nothing is acknowledged; '' where no fault holds anything."""
        return self._storing.reason or self._sending.reason

    def go_by(self, policies: PolicyAgreement) -> None:
        """Name what is asked for the policy in force.

        Args:
            policies: asked once a turn of the timer, and when the store has refused a write.
        """
        self._policies = policies

    def link_with(self, linker: Linker) -> None:
        """Name what applies links, where the policy says that there are any.

        Args:
            linker: asked in each round with links, before its events are judged.
        """
        self._linker = linker

    async def submit(self, submission: Submission) -> None:
        """Queue a batch; waits while enough are queued.

        Args:
            submission: the batch and its event; the event is acknowledged once the batch has been applied.
        """
        await self._room.wait()
        self._waiting.append(submission)
        self._waiting_events += submission.weight
        if self._waiting_events >= _WAITING_EVENTS:
            self._room.clear()
        self._came.set()
        self._more.set()

    def let_go(self) -> None:
        """Drop what is queued and not begun, as it will be read again from the fences by whoever comes next."""
        waiting, self._waiting, self._waiting_events = self._waiting, deque(), 0
        self._came.clear()
        self._room.set()
        for submission in waiting:
            submission.event.ack()

    async def rest(self) -> None:
        """Wait until the rounds in hand are acknowledged, or held by a fault, which may last."""
        await self._resting.wait()

    @Service.task
    async def _run(self) -> None:
        try:
            while not self.should_stop:
                await self.wait_first(self._came.wait())
                if self._publishing is not None and self._publishing.done():
                    await self.all_out()
                await self._gather()
                if self._waiting:
                    # Not bound to a name: a local variable would keep the round's events alive until the next.
                    await self._apply_until_done(self._take())
                else:
                    self._came.clear()
            await self.all_out()
        except BaseException:
            if self._publishing is not None:
                self._publishing.cancel()
            raise

    async def _gather(self) -> None:
        """While the log is not read to its end, wait for something of each partition that has more.

        Evaluation is as of the time up to which the last partition has been read. What is later is kept aside, stored,
        and judged another time: twice the work, for all events of those that were fetched first.
        """
        deadline = time.monotonic() + _GATHERED_WITHIN
        while self._waiting_events < _ROUND_EVENTS and not self.should_stop and not self._clock.keeping_up:
            unread = self._log.unread() - {waiting.batch.source.partition for waiting in self._waiting}
            if not (unread and self._waiting) or time.monotonic() >= deadline:
                break
            self._more.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), _LOOK)

    def _take(self) -> list[Submission]:
        taken: list[Submission] = []
        events = 0
        while self._waiting and events < _ROUND_EVENTS:
            taken.append(self._waiting.popleft())
            events += taken[-1].weight
        self._waiting_events -= events
        if self._waiting_events < _WAITING_EVENTS:
            self._room.set()
        if not self._waiting:
            self._came.clear()
        return taken

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
                acknowledging.add_done_callback(lambda _: self._came.set())
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
        accepted = await self._storing.until_done(self, partial(self._store_round, submissions), held=self._resting.set)
        self._metrics.rounds.observe(time.perf_counter() - started)
        return accepted

    async def _store_round(self, submissions: Sequence[Submission]) -> list[RecordBatch] | None:
        while not self.should_stop:
            try:
                async with self.lock:
                    return await self._apply(submissions)
            except FenceMoved as error:
                self.log.warning("%s; reading the fences anew", error)
                await self.erasures.look_again()
                await self.follow_policy()
                await self.look_again()
        return None

    async def _acknowledge_once_out(self, messages: Sequence[Any], accepted: Iterable[RecordBatch]) -> None:
        """Publish what a round raised, until it is out, and acknowledge its batches by the events of Faust."""
        try:
            if await self._sending.until_done(self, self._send, held=self._resting.set):
                for source in accepted:
                    source.applied = True
                for message in messages:
                    message.ack()
        finally:
            self._let_rest()

    async def _send(self) -> bool:
        await self._scorer.outbox.publish()
        return True

    async def _apply(self, submissions: Sequence[Submission]) -> list[RecordBatch]:
        """Apply what of the batches has not been applied; returns those of which nothing is left to apply."""
        if not self._clock.known:
            raise ClockUnknown("waiting for the first report of every partition")
        sources = [submission.batch.source for submission in submissions]
        await self.cursors.read({source.partition for source in sources})
        accepted, back = self.cursors.accept(sources)
        batches = [submission.batch for submission in submissions if submission.batch.source in accepted]
        refused = await self._link(batches) if self._linker is not None else []
        await self._publisher.publish_dead_letters([*self._new_dead_letters(batches), *refused])
        if forwards := [forward for batch in batches for forward in batch.forwards]:
            await self._publisher.publish(forwards)
        await self._feeds.note(batches)
        marks = self._clock.with_batches(batches)
        # Before the events are chosen: what is erased in between makes the store refuse them.
        moment = self.moments.moment(marks)
        ends = {tp: Fence(mark.offset, mark.newest) for tp, mark in marks.items()}
        moves = self.cursors.moves(_ends(batches) | ends if self._linker is not None else ends)
        chosen, ignored = self.erasures.choose(batches)
        events, applied_before = by_group(chosen, self.cursors.offsets, self.cursors.group_of)
        await self.erasures.carry_out(customer for found in events.values() for customer in found)
        groups = {group: events.get(group, {}) for group in moves if moves[group] or group in events}
        await self._scorer.store(Work(groups, moves, moment))
        self.cursors.applied(moves)
        self._clock.applied(marks)
        self._metrics.note_evaluation(moment.now)
        if applied_before:
            self._metrics.scored.labels("applied_before").inc(applied_before)
        if ignored:
            self._metrics.scored.labels("erased").inc(ignored)
        self._metrics.round_events.inc(sum([source.count for source in accepted]))
        await self._turn_back(back)
        return accepted

    async def _link(self, batches: Sequence[DecodedBatch]) -> list[DeadLetter]:
        """Apply the links of a round as of the time before it; returns those that are refused."""
        found = [
            sent
            for batch in batches
            for sent in batch.links
            if sent.record.offset >= min(self.cursors.offsets(batch.source.partition))
        ]
        if not found or self._linker is None:
            return []
        moment = self.moments.moment()
        links = self.erasures.choose_links(found)
        await self.erasures.carry_out([name for sent in links for name in sent.link])
        return await self._linker.apply(links, moment)

    def _new_dead_letters(self, batches: Sequence[DecodedBatch]) -> list[DeadLetter]:
        new: dict[tuple[Partition, int], DeadLetter] = {}
        for batch in batches:
            if batch.dead_letters:
                applied = min(self.cursors.offsets(batch.source.partition))
                for letter in batch.dead_letters:
                    if letter.record.offset >= applied:
                        new[batch.source.partition, letter.record.offset] = letter
        return list(new.values())

    async def _turn_back(self, back: Mapping[Partition, int]) -> None:
        """Go back where the predecessor of a batch never arrived; what is queued of such a partition is let go."""
        if not back:
            return
        kept: deque[Submission] = deque()
        for submission in self._waiting:
            if submission.batch.source.partition in back:
                self._waiting_events -= submission.weight
                submission.event.ack()
            else:
                kept.append(submission)
        self._waiting = kept
        self.log.warning("records are missing on %d partitions; reading them again", len(back))
        await self._log.seek(back)

    async def look_again(self) -> None:
        """Read all fences and forget the cache: the store is not where this worker left it."""
        async with self.lock:
            await self._forget_and_read()

    async def follow_policy(self) -> None:
        """Judge by another policy from now on, if another one is in force."""
        if await self._policies.changed():
            async with self.lock:
                self._policies.adopt()

    async def check_fences(self) -> None:
        """Look whether the store has forgotten what this worker knows it had, and if so apply it again."""
        async with self.lock:
            if await self.cursors.lost():
                self.log.warning("the store has forgotten what it had; reading the fences anew")
                await self._forget_and_read()

    async def _forget_and_read(self) -> None:
        self._scorer.forget()
        behind = await self.cursors.read_again(await self._log.starts(self.cursors.partitions))
        newest = {partition: self.cursors.newest(partition) for partition in self.cursors.partitions}
        marks = await self._store.exchange_marks({})
        await self._feeds.learn(marks)
        self._clock.take_over(newest, marks)
        if behind:
            self.log.warning("the store is behind on %d partitions; applying again from the log", len(behind))
            await self._log.seek(behind)


def _ends(batches: Sequence[DecodedBatch]) -> dict[Partition, Fence]:
    """Tell where partitions will stand; those of events have marks that tell more."""
    ends: dict[Partition, Fence] = {}
    for batch in batches:
        source = batch.source
        ends[source.partition] = max(ends.get(source.partition, Fence(0, 0)), Fence(source.next_offset, 0))
    return ends
