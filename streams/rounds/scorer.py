"""Scores customers: loads them, lets the core judge, stores, publishes what that raised.

Rests on decisions 30 and 59.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from scoring.events.event import Event
from scoring.ids import DEFAULT_NAMESPACE
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.policy.policy import Policy
from streams.errors import FenceMoved, VersionMoved
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.records import Message
from streams.rounds.bundles import Events
from streams.rounds.customers import Customers
from streams.rounds.judging import Judge, total
from streams.rounds.outbox import Outbox
from streams.rounds.set_aside import SetAside
from streams.rounds.work import Judged, Work, some_of
from streams.store.protocol import Store

#: Customers kept in memory between rounds; some kilobytes each.
MOST_CACHED = 30_000

#: Customers that are written in one exchange with the store: with fewer, its cost would outweigh theirs; with many
#: more, the store would have nothing to do meanwhile.
_STORED_TOGETHER = 400

_NOTHING: Sequence[Event] = ()

#: Why the store has not written a bundle; None if it has.
Refusal = FenceMoved | VersionMoved | None
Refused = tuple[Judged, FenceMoved | VersionMoved]


class Scorer:
    """Applies work to the store; what it returns from is stored and published."""

    def __init__(
        self,
        policy: Policy,
        store: Store,
        publisher: Publisher,
        metrics: Metrics,
        wall: Callable[[], int],
        most_cached: int = MOST_CACHED,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        """Put the parts together.

        Args:
            policy: in force.
            store: where customers are.
            publisher: of alerts and band changes.
            metrics: counters.
            wall: reads the wall clock, in microseconds.
            most_cached: customers kept in memory between rounds.
            namespace: of the service.
        """
        self._policy = policy
        self._store = store
        self.outbox = Outbox(store, publisher, metrics)
        self._namespace = namespace
        self.set_aside = SetAside(metrics)
        self._customers = Customers(policy, store, self.set_aside, most_cached)
        self._cache = self._customers.cache
        self._judge = Judge(policy, self._cache, wall, self.set_aside, namespace)
        self._metrics = metrics
        self._wall = wall

    async def apply(self, work: Work) -> None:
        """Apply work; customers whom another worker has written are judged anew.

        Args:
            work: see there.

        Raises:
            FenceMoved: if a fence is not where the work says; other groups may have been applied.
            TransientError: if the store or Kafka does not answer; it is not known what has been applied.
        """
        # What an earlier attempt stored and could not publish goes first.
        await self.outbox.settle()
        try:
            await self.store(work)
        except FenceMoved:
            await self.outbox.publish()
            raise
        await self.outbox.publish()

    async def store(self, work: Work) -> None:
        """Apply work as `apply` does, but leave what it raises in the outbox, for the caller to publish.

        Args:
            work: see there.

        Raises:
            FenceMoved: see `apply`.
            TransientError: see `apply`.
        """
        await self.outbox.resolve()
        try:
            await self._store_all(work)
        finally:
            # They may have been mended by the next time.
            self._cache.drop(self.set_aside.take_met())

    async def _store_all(self, work: Work) -> None:
        waiting: Mapping[int, Events] = work.events
        moved: FenceMoved | None = None
        while waiting:
            some = some_of(waiting)
            waiting = {group: events for group, events in waiting.items() if group not in some}
            while some:
                refused, some = await self._judge_and_store(work, some)
                moved = refused or moved
            self._customers.trim()
            if waiting:
                await self.outbox.publish()
        if moved is not None:
            raise moved

    async def _judge_and_store(
        self, work: Work, waiting: Mapping[int, Events]
    ) -> tuple[FenceMoved | None, dict[int, Events]]:
        """Judge group by group; meanwhile the store is busy with those before, and loads those after.

        Returns:
            Why groups were refused, and those to be tried again as it has to be found out anew whose events they are.
        """
        portions = self._customers.portions(waiting)
        loading = asyncio.create_task(self._customers.load(portions[0]))
        storing: list[asyncio.Task[list[Refused]]] = []
        judged: list[Judged] = []
        customers = 0
        try:
            for index, portion in enumerate(portions, start=1):
                await loading
                if index < len(portions):
                    loading = asyncio.create_task(self._customers.load(portions[index]))
                for bundle in await self._customers.bundles(portion):
                    judged.append(self._judge.judge(work, bundle))
                    customers += len(judged[-1].outcomes)
                    if customers >= _STORED_TOGETHER:
                        storing.append(asyncio.create_task(self._store_together(work, judged)))
                        judged, customers = [], 0
                        # Let its call go out, and the web server and the agents in between.
                        await asyncio.sleep(0)
            storing.append(asyncio.create_task(self._store_together(work, judged)))
            judged = []
        finally:
            # Those that were judged and never sent hold events that are stored nowhere.
            for one in judged:
                self._cache.drop(one.bundle.customers)
            # Each sees to its own records, so all of them end, also where one fails.
            await asyncio.gather(loading, *storing, return_exceptions=True)
        refused = [one for stored in storing for one in stored.result()]
        again: dict[int, Events] = {}
        for one, refusal in refused:
            if isinstance(refusal, VersionMoved):
                again |= one.bundle.sent
        return next((refusal for _, refusal in reversed(refused) if isinstance(refusal, FenceMoved)), None), again

    async def _store_together(self, work: Work, some: Sequence[Judged]) -> list[Refused]:
        """Write bundles in one exchange with the store, and those that are judged anew in one each.

        Returns:
            Those that were refused, and why.
        """
        try:
            answers = await self._write(some)
        except BaseException:
            for judged in some:
                self._doubt(judged)
            raise
        refused = [(judged, answer) for judged, answer in zip(some, answers, strict=True) if answer is not None]
        self._take([judged for judged, answer in zip(some, answers, strict=True) if answer is None])
        anew = [asyncio.create_task(self._try_anew(work, *one)) for one in refused]
        # Each sees to its own records, so all of them end, also where one fails.
        await asyncio.gather(*anew, return_exceptions=True)
        answered = [(judged, task.result()) for (judged, _), task in zip(refused, anew, strict=True)]
        return [(judged, answer) for judged, answer in answered if answer is not None]

    async def _try_anew(self, work: Work, judged: Judged, refusal: FenceMoved | VersionMoved) -> Refusal:
        """Judge a refused bundle anew and write it, until it is written or refused for another reason."""
        answer: Refusal = refusal
        ended = False
        try:
            while isinstance(answer, VersionMoved):
                self._metrics.refused.labels("version").inc()
                if not await self._judge_anew(work, judged, answer.customers):
                    break
                [answer] = await self._write([judged])
            ended = True
        finally:
            if not ended:
                self._doubt(judged)
        if answer is None:
            self._take([judged])
            return None
        for write in judged.writes:
            self._cache.drop(write.customers)
        if isinstance(answer, FenceMoved):
            self._metrics.refused.labels("fence").inc()
        return answer

    def _take(self, some: Sequence[Judged]) -> None:
        """Note that bundles are stored."""
        for judged in some:
            for write in judged.writes:
                self.outbox.take(write)
        self._count([outcome for judged in some for outcome in judged.outcomes.values()])
        if passed_over := sum(sum(judged.set_aside.values()) for judged in some if judged.set_aside):
            self._metrics.scored.labels("set_aside").inc(passed_over)

    def _doubt(self, judged: Judged) -> None:
        """Note that it is not known whether a bundle is stored: its records may hold events that are not."""
        for write in judged.writes:
            self._cache.drop(write.customers)
            self.outbox.doubt(write)

    async def _write(self, some: Sequence[Judged]) -> list[Refusal]:
        """Write bundles; those of linked ids each in a call of its own, as it holds for all of its groups or none."""
        alone = [write for judged in some if not judged.bundle.followed for write in judged.writes]
        answers = iter(await self._store.apply(alone, self._wall()) if alone else ())
        return [
            await self._store.apply_together(judged.writes, judged.bundle.followed, self._wall())
            if judged.bundle.followed
            else next(answers)
            for judged in some
        ]

    async def _judge_anew(self, work: Work, judged: Judged, customers: Sequence[str]) -> bool:
        """Re-evaluate only the customers that another worker has written meanwhile, so that large rounds cannot starve.

        Returns:
            False where it has to be found out anew whose events they are.
        """
        loaded = await self._customers.load_anew(judged.bundle, customers)
        if loaded is None:
            return False
        for write in judged.writes:
            events, records = judged.bundle.events[write.group], dict(write.customers)
            for customer in [customer for customer in customers if customer in events]:
                record = self._cache[customer] = loaded[customer]
                outcome = None
                if (record.version or events[customer]) and not record.unreadable:
                    outcome = self._judge.advance(work.moment, customer, record, events[customer])
                if record.unreadable:
                    judged.set_aside[customer] = len(events[customer])
                if outcome is not None:
                    records[customer], judged.outcomes[customer] = record, outcome
                else:
                    records.pop(customer, None)
                    judged.outcomes.pop(customer, None)
            write.customers = records
        return True

    async def evaluate(self, group: int, customers: Sequence[str], moment: Moment) -> None:
        """Judge customers because of time alone.

        Args:
            group: of the customers.
            customers: their ids; one who is not stored any more is taken off the schedule.
            moment: as of which to judge.

        Raises:
            FenceMoved: see `apply`.
            TransientError: see `apply`.
        """
        await self._customers.load({group: customers})
        if gone := self._customers.gone(customers):
            self._cache.drop(gone)
            await self._store.unschedule(group, gone)
        events = {customer: _NOTHING for customer in customers if customer not in gone}
        await self.apply(Work({group: events}, {}, moment))
        late = [customer for customer in customers if customer in self.set_aside and customer not in gone]
        if late:
            versions = [record.version for record in await self._store.load(late)]
            await self._store.unschedule(group, dict(zip(late, versions, strict=True)))

    async def republish(self, group: int, waiting: Iterable[tuple[str, Message]]) -> None:
        """Publish what has waited in the outbox since a worker failed.

        Args:
            group: of the customers.
            waiting: the messages, each with its customer.

        Raises:
            TransientError: if Kafka or the store does not answer; the messages stay in the outbox.
        """
        self.outbox.add(group, waiting)
        await self.outbox.publish()

    async def apply_in_passing(self, work: Work) -> None:
        """Apply work to customers who are not kept in memory for it, as nothing more is expected of them.

        Args:
            work: see `apply`, and for what it raises.
        """
        passing = [customer for events in work.events.values() for customer in events if customer not in self._cache]
        try:
            await self.apply(work)
        finally:
            self._cache.drop(passing)

    def follow(self, policy: Policy) -> None:
        """Judge by another policy; what was loaded by the last one is forgotten.

        Args:
            policy: in force from now on.
        """
        self._policy = policy
        self._judge = Judge(policy, self._cache, self._wall, self.set_aside, self._namespace)
        self.forget()

    def forget(self) -> None:
        """Forget all cached records: the store may hold older ones."""
        self._customers.clear()

    def drop(self, customers: Iterable[str]) -> None:
        """Forget customers whom somebody else has written.

        Args:
            customers: their ids.
        """
        self._cache.drop(customers)

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        scored = self._metrics.scored
        for name, count in total(outcomes).items():
            if count:
                scored.labels(name).inc(count)
        if self._policy.watched:
            for channel in [channel for outcome in outcomes for channel in outcome.holding]:
                self._metrics.held.labels(channel).inc()
        self._metrics.cached.set(len(self._cache))
