"""A pipeline on a bench: the store in memory, a recording publisher, and a journal of what happened in which order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from scoring.events.event import MOST_AHEAD
from scoring.instants import DAY, MILLISECOND, format_instant
from scoring.policy.policy import Policy
from scoring.policy.shadow import with_shadow
from streams.erasures.knowledge import NO_ERASURES, Erasures
from streams.errors import FenceMoved, TransientError, VersionMoved
from streams.ingest.dead_letter_limit import Consumption
from streams.metrics import Metrics
from streams.policy_file.document import parse_policy
from streams.records import DeadLetter, Message, Partition, RecordBatch
from streams.rounds.engine import build_engine
from streams.rounds.round_queue import Submission
from streams.settings.settings import Settings
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from streams.worker.parts import build_parts
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
        shadow: str = "",
        shadow_path: str = "",
        rate: int = 2_000,
        erasure_log: Any = None,
    ) -> None:
        """Wire the parts.

        Args:
            clock: its kind.
            text: of the policy.
            store: another worker's, to share it.
            policy_path: of the policy's file, to be watched.
            shadow: the text of a shadow policy beside it; '' for none.
            shadow_path: of its file, to be watched.
            rate: customers that may follow a policy in a second.
            erasure_log: the topic of the erasures; None for none.
        """
        self.policy = with_shadow(parse_policy(text), parse_policy(shadow) if shadow else None)
        self.journal: Journal = []
        self.now = at("20 00:00")
        self.elapsed = 0
        self.seeks: list[dict[Partition, int]] = []
        self.more_to_come: set[Partition] = set()
        self.log_starts: dict[Partition, int] = {}
        self.metrics = Metrics()
        self.store = store or JournalStore(self.policy, self.journal)
        self.publisher = RecordingPublisher(self.journal)
        publisher: Any = self.publisher
        settings = Settings(
            self.policy, policy_path=policy_path, shadow_path=shadow_path, policy_rate=rate, clock=clock
        )
        self.erasures: Any = NO_ERASURES
        if erasure_log is not None:
            self.erasures = Erasures(settings, self.store, self._wall, erasure_log)
        consumption = Consumption(self.metrics)
        self.engine = build_engine(
            settings, self.store, publisher, self.metrics, self._wall, self.erasures, consumption
        )
        self.clock, self.feeds, self.scorer = self.engine.clock, self.engine.feeds, self.engine.scorer
        self.clock.partitions = {WEB}
        self.parts = build_parts(self.engine, self, lambda: self.elapsed)
        self.policies, self.pipeline = self.parts.policies, self.parts.pipeline
        self.sweep, self.timer = self.parts.sweep, self.parts.timer
        self.absences = self.parts.absences

    def _wall(self) -> int:
        return self.now

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Note where the consumer was sent."""
        self.seeks.append(dict(offsets))
        self.journal.append("seek")

    def unread(self) -> set[Partition]:
        """Return the partitions of which more is to come."""
        return set(self.more_to_come)

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the starts of the log."""
        return {partition: self.log_starts.get(partition, 0) for partition in partitions}

    async def assign(self, *partitions: Partition) -> dict[Partition, int]:
        """Take over partitions, as after a rebalance; give where to start."""
        self.clock.partitions = set(partitions)
        return await self.pipeline.assign(await self.starts(partitions))

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
        decoded = self.engine.intakes[partition.topic].decoder.decode(batch, self.now + MOST_AHEAD)
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
        decoded = self.engine.intakes[LINKS.topic].decoder.decode(RecordBatch(LINKS, base, records), self.now)
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
