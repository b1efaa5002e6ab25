"""A pipeline on a bench: the store in memory, a recording publisher, and a journal of what happened in which order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from scoring.events.event import MOST_AHEAD
from scoring.events.profiles import event_reader
from scoring.instants import DAY, MILLISECOND, format_instant
from scoring.policy.file.document import parse_policy
from scoring.policy.policy import Policy
from streams.errors import FenceMoved, TransientError, VersionMoved
from streams.ingest.dead_letter_limit import Consumption, DeadLetterLimit
from streams.ingest.event_decoding import Decoder
from streams.ingest.link_decoding import LinkDecoder, as_channel
from streams.ingest.profile_decoding import ProfileDecoder
from streams.metrics import Metrics
from streams.policies.in_force import PolicyInForce
from streams.records import DeadLetter, Message, Partition, RecordBatch
from streams.rounds.evaluation_clock import EvaluationClock
from streams.rounds.feed_watch import FeedWatch
from streams.rounds.linker import Linker
from streams.rounds.pipeline import Pipeline, Submission
from streams.rounds.scorer import Scorer
from streams.settings.settings import Settings
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from streams.upkeep.absence_watch import AbsenceWatch
from streams.upkeep.policy_walk import PolicyWalk
from streams.upkeep.segment_watch import SegmentWatch
from streams.upkeep.timer import Timer
from tests.unit.scoring.customers import POLICY, at

WEB = Partition("web", 0)
SOCIAL = Partition("social", 3)
LINKS = Partition("identities", 0)
LINKING = POLICY + '[events]\nremember_ids = "3000d"\n[identities]\n'
PROFILES = Partition("profiles", 1)
Journal = list[str]


class Record(NamedTuple):
    """A raw record, with the names that aiokafka's have."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


Hook = Callable[[], Awaitable[None]]


class Event:
    """The Faust event of a batch: notes its acknowledgement."""

    def __init__(self, journal: Journal, name: str) -> None:
        """Keep the journal."""
        self._journal = journal
        self._name = name
        self.acks = 0

    def ack(self) -> None:
        """Acknowledge."""
        self.acks += 1
        self._journal.append(f"ack {self._name}")


class RecordingPublisher:
    """Keeps what was published; raises `faults` first, one for each call that has something to publish."""

    def __init__(self, journal: Journal) -> None:
        """Start with nothing published."""
        self._journal = journal
        self.messages: list[tuple[str, Message]] = []
        self.dead_letters: list[DeadLetter] = []
        self.faults: list[Exception] = []
        self.before_publish: list[Hook] = []
        self.checks = 0

    async def publish(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Publish messages."""
        found = list(messages)
        if self.before_publish:
            await self.before_publish.pop(0)()
        self._fail_or_note(found, "publish")
        self.messages += found

    async def publish_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Publish dead letters."""
        self._fail_or_note(letters, "dead letters")
        self.dead_letters += letters

    async def check(self, _seconds: float) -> None:
        """Give a sign of life."""
        self.checks += 1

    def kinds(self) -> list[str]:
        """Give the kinds of the messages, in their order."""
        return [message.body.get("kind", "band_change") for _, message in self.messages]

    def _fail_or_note(self, found: Sequence[object], what: str) -> None:
        if not found:
            return
        if self.faults:
            raise self.faults.pop(0)
        self._journal.append(what)


class JournalStore(MemoryStore):
    """The store in memory; notes writes, and raises `faults` before them or, once applied, `lost_answers`."""

    def __init__(self, policy: Policy, journal: Journal) -> None:
        """Keep the journal."""
        super().__init__(policy)
        self._journal = journal
        self.faults: list[Exception] = []
        self.lost_answers: list[Exception] = []
        self.before_apply: list[Hook] = []
        self.loads = 0

    async def load(self, customers: Sequence[str]) -> list[Any]:
        """Read customers."""
        self.loads += len(customers)
        return await super().load(customers)

    async def apply(self, writes: Sequence[GroupWrite], now: int) -> list[FenceMoved | VersionMoved | None]:
        """Write groups."""
        if self.before_apply:
            await self.before_apply.pop(0)()
        if self.faults:
            raise self.faults.pop(0)
        results = await super().apply(writes, now)
        self._journal.append("store" if all(result is None for result in results) else "refused")
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return results

    async def published(self, names: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
        """Take messages out of the outboxes."""
        await super().published(names)
        self._journal.append("published")


class Bench:
    """A worker's parts, wired; the wall clock stands still unless moved."""

    def __init__(
        self,
        *,
        clock: str = "stream",
        text: str = POLICY,
        store: JournalStore | None = None,
        policy_path: str = "",
        rate: int = 2_000,
    ) -> None:
        """Wire the parts.

        Args:
            clock: its kind.
            text: of the policy.
            store: another worker's, to share it.
            policy_path: of the policy's file, to be watched.
            rate: customers that may follow a policy in a second.
        """
        self.policy = parse_policy(text)
        self.journal: Journal = []
        self.now = at("20 00:00")
        self.elapsed = 0
        self.metrics = Metrics()
        self.store = store or JournalStore(self.policy, self.journal)
        self.publisher = RecordingPublisher(self.journal)
        self.clock = EvaluationClock(self.policy, clock, lambda: self.now)
        self.clock.partitions = {WEB}
        publisher: Any = self.publisher
        self.scorer = Scorer(self.policy, self.store, publisher, self.metrics, lambda: self.now)
        self.feeds = FeedWatch(self.policy, clock, self.store, publisher, self.metrics, lambda: self.now)
        named = Settings(self.policy, policy_path=policy_path, policy_rate=rate)
        self.policies = PolicyInForce(named, self.store, self.metrics, lambda: self.now)
        self.pipeline = Pipeline(self.store, self.scorer, publisher, self.clock, self.metrics, self, self.feeds)
        self.pipeline.go_by(self.policies)
        self.walk = PolicyWalk(self.store, self.scorer, self.pipeline, self.clock, self.policies, self.metrics, rate)
        parts = (self.store, self.scorer, publisher, self.pipeline, self.clock, self.metrics, self.feeds)
        self.timer = Timer(*parts, elapsed=lambda: self.elapsed)
        self.timer.go_on_with(self.walk)
        self.absences = AbsenceWatch(
            self.policy, self.store, self.scorer, self.pipeline.moments, lambda: self.walk.done
        )
        self.segments = SegmentWatch(self.policy, clock, self.store, publisher, self.metrics, lambda: self.now)
        self.timer.watch(self.absences, self.segments)
        self.policies.told_to(self.absences, self.segments)
        self.seeks: list[dict[Partition, int]] = []
        self.more_to_come: set[Partition] = set()
        self.log_starts: dict[Partition, int] = {}
        self._decoders: dict[str, Decoder | ProfileDecoder] = {
            channel.topic: Decoder(channel.name, event_reader(channel, self.policy), self.metrics, 0)
            for channel in self.policy.channels
        }
        if self.policy.profiles is not None:
            self._decoders[PROFILES.topic] = ProfileDecoder(self.policy.profiles, self.metrics)
        self.policies.told_to(self.scorer, self.feeds, *self._decoders.values())
        if self.policy.identities:
            linker = Linker(self.policy, self.store, self.scorer, self.metrics, lambda: self.now)
            self.pipeline.link_with(linker)
            self.policies.told_to(linker)
            limit = DeadLetterLimit(as_channel("identities"), self.policy, lambda: self.now, Consumption(self.metrics))
            self._link_decoder = LinkDecoder(self.metrics, limit)

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Note where the consumer was sent."""
        self.seeks.append(dict(offsets))
        self.journal.append("seek")

    def unread(self) -> set[Partition]:
        """Tell of what partitions more is to come."""
        return set(self.more_to_come)

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Tell the starts of the log."""
        return {partition: self.log_starts.get(partition, 0) for partition in partitions}

    async def assign(self, *partitions: Partition) -> dict[Partition, int]:
        """Take over partitions, as after a rebalance; give where to start."""
        self.clock.partitions = set(partitions)
        starts = await self.pipeline.cursors.assign(await self.starts(partitions))
        newest = {partition: self.pipeline.cursors.newest(partition) for partition in partitions}
        marks = await self.store.exchange_marks({})
        await self.feeds.learn(marks)
        self.clock.take_over(newest, marks)
        return starts

    def submission(
        self, base: int, *values: object, partition: Partition = WEB, first: int | None = None
    ) -> Submission:
        """Make a decoded batch.

        Args:
            base: where the consumer was before it.
            values: bytes as they are, anything else as JSON.
            partition: where it comes from.
            first: the offset of the first record, if not the base.
        """
        records = [
            Record(offset, self.now // MILLISECOND, b"key", _as_bytes(value))
            for offset, value in enumerate(values, base if first is None else first)
        ]
        batch = RecordBatch(partition, base, records)
        decoded = self._decoders[partition.topic].decode(batch, self.now + MOST_AHEAD)
        return Submission(decoded, Event(self.journal, f"{partition.label}@{base}"))

    def links(self, base: int, *links: tuple[str, str] | object) -> Submission:
        """Make a decoded batch of links.

        Args:
            base: where the consumer was before it.
            links: each an id and its customer; anything else as JSON.
        """
        values = [{"id": link[0], "customer_id": link[1]} if isinstance(link, tuple) else link for link in links]
        records = [
            Record(offset, self.now // MILLISECOND, b"key", _as_bytes(value))
            for offset, value in enumerate(values, base)
        ]
        [decoded] = self._link_decoder.decode(RecordBatch(LINKS, base, records))
        return Submission(decoded, Event(self.journal, f"{LINKS.label}@{base}"))

    async def apply(self, *submissions: Submission) -> None:
        """Apply batches in one round, as the pipeline does, faults and all."""
        await self.pipeline._apply_until_done(submissions)
        await self.pipeline.all_out()

    async def field(self, customer: str, name: str) -> str:
        """Read a published field; '' without a score."""
        record = await self.store.read(customer)
        return record.fields[name] if record else ""

    async def waiting(self, customer: str) -> list[tuple[str, Message]]:
        """Read the messages of the outbox."""
        found = await self.store.unpublished(self.store.group_of(customer), self.now + DAY, 99)
        return [entry for entry in found if entry[0] == customer]

    def count(self, metric: str, **labels: str) -> float:
        """Give the value of a counter."""
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0


class Fault(TransientError):
    """A fault that passes."""


def _as_bytes(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else orjson.dumps(value)


def did(customer: str, kind: str, time: str, event_id: str | None = None) -> dict[str, object]:
    """Write an event as a producer does."""
    return {"customer_id": customer, "type": kind, "timestamp": format_instant(at(time)), "event_id": event_id}
