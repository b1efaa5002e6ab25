"""Scores customers: loads them, lets the core judge, stores, publishes what that raised."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scoring.alerts import Alert, message
from scoring.events import Event
from scoring.feeds import Feeds
from scoring.policy import Policy
from scoring.walk import Outcome, advance
from streams.cache import RecordCache
from streams.errors import FenceMoved, VersionMoved
from streams.metrics import Metrics
from streams.publisher import Publisher
from streams.records import Message, Partition
from streams.store.protocol import CustomerRecord, FenceMove, GroupWrite, Store
from streams.topic_names import ALERTS, BAND_CHANGES

#: Customers kept in memory between rounds; some kilobytes each.
MOST_CACHED = 30_000
#: Customers that are loaded, judged and stored together; a round of newcomers is done in parts.
_MOST_AT_ONCE = 15_000
#: Customers for whom a call of its own is worth it, so that the worker judges some while the store looks for others.
_LOADED_TOGETHER = 1_000

Events = Mapping[str, Sequence[Event]]
_NOTHING: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be applied together: events by group and customer, fences by group, and the time to judge at.

    `least` are the offsets of other partitions on which the time rests; `feeds` tell when feeds have been silent;
    `erasures` is up to where the erasures had been read when the events were chosen. `arrived` is when the last of the
    events was appended to its log, 0 where evaluation follows the events' own times.
    """

    events: Mapping[int, Events]
    fences: Mapping[int, Sequence[FenceMove]]
    least: Mapping[Partition, int]
    now: int
    horizon: int
    feeds: Feeds | None = None
    erasures: int = 0
    arrived: int = 0


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
    ) -> None:
        """Put the parts together.

        Args:
            policy: in force.
            store: where customers are.
            publisher: of alerts and band changes.
            metrics: counters.
            wall: reads the wall clock, in microseconds.
            most_cached: customers kept in memory between rounds.
        """
        self._policy = policy
        self._store = store
        self._publisher = publisher
        self._cache = RecordCache(most_cached)
        self._metrics = metrics
        self._wall = wall
        # Stored and not known to be published, by group, customer and name; and, by group and customer, the names of
        # those whose write may have been stored although its answer was lost.
        self._unpublished: dict[tuple[int, str, str], Message] = {}
        self._doubtful: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    async def apply(self, work: Work) -> None:
        """Apply work; customers whom another worker has written are judged anew.

        Args:
            work: see there.

        Raises:
            FenceMoved: if a fence is not where the work says; other groups may have been applied.
            TransientError: if the store or Kafka does not answer; it is not known what has been applied.
        """
        # What an earlier attempt stored and could not publish goes first: nothing is acknowledged before it is out.
        for group in list(self._doubtful):
            await self.republish(group, await self._store.waiting(group, self._doubtful[group]))
            del self._doubtful[group]
        await self._publish()
        waiting: Mapping[int, Events] = work.events
        moved: FenceMoved | None = None
        while waiting:
            some = _some_of(waiting)
            waiting = {group: events for group, events in waiting.items() if group not in some}
            moved = await self._judge_and_store(work, some) or moved
            await self._publish()
            self._cache.trim()
        if moved is not None:
            raise moved

    async def _judge_and_store(self, work: Work, waiting: Mapping[int, Events]) -> FenceMoved | None:
        """Judge group by group; meanwhile the store is busy with those before, and loads those after."""
        portions = self._portions(waiting)
        loading = asyncio.create_task(self._load(portions[0]))
        storing: list[asyncio.Task[FenceMoved | None]] = []
        try:
            for index, portion in enumerate(portions, start=1):
                await loading
                if index < len(portions):
                    loading = asyncio.create_task(self._load(portions[index]))
                for group, events in portion.items():
                    storing.append(asyncio.create_task(self._store_group(work, *self._judge(work, group, events))))
                    # Let its call go out, and the web server and the agents in between two groups.
                    await asyncio.sleep(0)
        finally:
            # Each sees to its own records, so all of them end, also where one fails.
            await asyncio.gather(loading, *storing, return_exceptions=True)
        refusals = [refusal for refusal in (stored.result() for stored in storing) if refusal]
        return refusals[-1] if refusals else None

    def _portions(self, waiting: Mapping[int, Events]) -> list[dict[int, Events]]:
        """Divide groups into those whose customers are loaded together: few calls where few have to be loaded."""
        portions: list[dict[int, Events]] = []
        missing = _LOADED_TOGETHER
        for group, events in waiting.items():
            if missing >= _LOADED_TOGETHER:
                portions.append({})
                missing = 0
            portions[-1][group] = events
            missing += sum([customer not in self._cache for customer in events])
        return portions

    def _judge(self, work: Work, group: int, events: Events) -> tuple[GroupWrite, dict[str, Outcome]]:
        records = {customer: self._cache[customer] for customer in events}
        # One who was deleted while this worker kept the record is nobody until the next event.
        records = {customer: record for customer, record in records.items() if record.version or events[customer]}
        try:
            outcomes = {
                customer: self._advance(work, customer, record, events[customer])
                for customer, record in records.items()
            }
        except BaseException:
            self._cache.drop(records)
            raise
        return GroupWrite(group, work.fences.get(group, ()), work.least, records, work.erasures), outcomes

    def _advance(self, work: Work, customer: str, record: CustomerRecord, events: Sequence[Event]) -> Outcome:
        outcome = advance(self._policy, record.state, events, work.now, work.horizon, work.feeds, work.arrived)
        if outcome.transitions:
            detected_at = self._wall()
            for transition in outcome.transitions:
                topic = ALERTS if isinstance(transition, Alert) else BAND_CHANGES
                body = message(customer, transition, detected_at, self._policy.version)
                record.raised.append(Message(topic, body))
        return outcome

    async def _load(self, groups: Mapping[int, Iterable[str]]) -> None:
        missing = [customer for group in groups.values() for customer in group if customer not in self._cache]
        if not missing:
            return
        for customer, record in zip(missing, await self._store.load(missing), strict=True):
            self._cache[customer] = record

    async def _store_group(self, work: Work, write: GroupWrite, outcomes: dict[str, Outcome]) -> FenceMoved | None:
        """Write, and note what is stored; after an error no record can be trusted: it may hold events not stored."""
        stored = False
        try:
            [refusal] = await self._store.apply([write], self._wall())
            while isinstance(refusal, VersionMoved):
                self._metrics.refused.labels("version").inc()
                await self._judge_anew(work, write, outcomes, refusal.customers)
                [refusal] = await self._store.apply([write], self._wall())
            stored = True
        finally:
            if not stored:
                self._cache.drop(write.customers)
                for customer, record in write.customers.items():
                    if record.raised:
                        self._doubtful[write.group][customer] += [raised.name for raised in record.raised]
        if refusal is None:
            self._count(list(outcomes.values()))
            self._take_raised(write)
        else:
            self._cache.drop(write.customers)
            self._metrics.refused.labels("fence").inc()
        return refusal

    async def _judge_anew(
        self, work: Work, write: GroupWrite, outcomes: dict[str, Outcome], customers: Sequence[str]
    ) -> None:
        """Judge those whom another worker has written; only them, so that large rounds get through as small ones do."""
        events = work.events[write.group]
        records = dict(write.customers)
        for customer, record in zip(customers, await self._store.load(customers), strict=True):
            self._cache[customer] = record
            if record.version or events[customer]:
                records[customer] = record
                outcomes[customer] = self._advance(work, customer, record, events[customer])
            else:
                del records[customer], outcomes[customer]
        write.customers = records

    async def evaluate(self, group: int, customers: Sequence[str], work: Callable[[Events], Work]) -> None:
        """Judge customers because of time alone.

        Args:
            group: of the customers.
            customers: their ids; one who is not stored any more is taken off the schedule.
            work: makes the work from the customers and their lack of events.

        Raises:
            FenceMoved: see `apply`.
            TransientError: see `apply`.
        """
        await self._load({group: customers})
        gone = {customer for customer in customers if not self._cache[customer].version}
        if gone:
            self._cache.drop(gone)
            await self._store.unschedule(group, sorted(gone))
        await self.apply(work({customer: _NOTHING for customer in customers if customer not in gone}))

    async def republish(self, group: int, waiting: Iterable[tuple[str, Message]]) -> None:
        """Publish what has waited in the outbox since a worker failed.

        Args:
            group: of the customers.
            waiting: the messages, each with its customer.

        Raises:
            TransientError: if Kafka or the store does not answer; the messages stay in the outbox.
        """
        self._unpublished |= {(group, customer, raised.name): raised for customer, raised in waiting}
        await self._publish()

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
        self.forget()

    def forget(self) -> None:
        """Forget all cached records: the store may hold older ones."""
        self._cache.clear()

    def _take_raised(self, write: GroupWrite) -> None:
        for customer, record in write.customers.items():
            if record.raised:
                self._unpublished |= {(write.group, customer, raised.name): raised for raised in record.raised}
                record.raised = []

    async def _publish(self) -> None:
        """Publish what is stored and not published; it stays noted until the store knows that it is out."""
        if not self._unpublished:
            return
        await self._publisher.publish([(customer, waiting) for (_, customer, _), waiting in self._unpublished.items()])
        names: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for group, customer, name in self._unpublished:
            names[group][customer].append(name)
        for group, by_customer in names.items():
            await self._store.published(group, by_customer)
        for sent in self._unpublished.values():
            self._metrics.transitions.labels(sent.body.get("kind", "band_change")).inc()
        self._unpublished.clear()

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        scored = self._metrics.scored
        for name in ("taken", "duplicates", "outdated", "ahead", "late"):
            total = sum([getattr(outcome, name) for outcome in outcomes])
            if total:
                scored.labels(name).inc(total)
        if self._policy.paired:
            scored.labels("crowded").inc(sum([outcome.crowded for outcome in outcomes]))
        if self._policy.watched:
            for channel in [channel for outcome in outcomes for channel in outcome.holding]:
                self._metrics.held.labels(channel).inc()
        self._metrics.cached.set(len(self._cache))


def _some_of(waiting: Mapping[int, Events]) -> dict[int, Events]:
    """Take so many groups that their customers are not too many, but one at least."""
    some: dict[int, Events] = {}
    customers = 0
    for group, events in waiting.items():
        customers += len(events)
        if some and customers > _MOST_AT_ONCE:
            break
        some[group] = events
    return some
