"""From the bytes of records of foreign shapes to events, links and dead letters: the batches of one topic.

Rests on decisions 73 and 105.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from mode.utils.logging import get_logger

from scoring.events.event import MOST_AHEAD, Event, EventReader
from scoring.feeds.feeds import shared_topics, source_feed, watched_feeds
from scoring.instants import HOUR, MILLISECOND
from scoring.mapping.outcomes import Bad, LeftOut, MappedEvent, MappedLink, Outcome, numbered
from scoring.mapping.source import Source
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.encodings import WITH_SCHEMAS, schemas_of
from streams.ingest.schemas import Schemas
from streams.ingest.sentiment import reader_of
from streams.ingest.source_reading import SourceReader
from streams.metrics import Metrics
from streams.records import PARTS, DeadLetter, DecodedBatch, Message, RecordBatch, number_in

logger = get_logger(__name__)

#: Customers' ids that a decoder remembers; some hundred bytes each.
_MOST_NAMES: Final = 20_000
#: How long a source may leave out all that comes before that is reported.
SKIPPING_AFTER = HOUR
_TOLD: Final = -1


def sources_by_topic(policy: Policy) -> dict[str, list[Source]]:
    """Give the sources of each topic, in the order of the policy.

    Args:
        policy: in force.
    """
    found: dict[str, list[Source]] = {}
    for source in policy.sources:
        found.setdefault(source.topic, []).append(source)
    return found


def as_channel(sources: Sequence[Source]) -> Channel:
    """Make what stands for the sources of a topic where channels are told apart; it has no types.

    Args:
        sources: of one topic.
    """
    return Channel("+".join(source.name for source in sources), sources[0].topic, ())


class SourceDecoder:
    """Decodes the batches of one topic, whose records are of foreign shapes."""

    def __init__(
        self,
        topic: str,
        policy: Policy,
        metrics: Metrics,
        window: int,
        limit: DeadLetterLimit | None = None,
        schemas: Schemas | None = None,
    ) -> None:
        """Compile the sources of the topic.

        Args:
            topic: its name.
            policy: in force, with sources of the topic.
            metrics: where the outcomes are counted.
            window: as of `Decoder`.
            limit: on the share of bad records; None for none.
            schemas: by which records are written.
        """
        self._topic = topic
        self._window = window
        self._limit = limit
        self._schemas = schemas
        self._names: dict[str, str] = {}
        self._label = as_channel(sources_by_topic(policy)[topic]).name
        self._counters = {
            outcome: metrics.events.labels(self._label, outcome)
            for outcome in ("read", "dead_letter", "outdated", "unknown_type", "property_ignored", "skipped")
        }
        self._skipping: dict[str, int] = {}
        self.follow(policy)

    def follow(self, policy: Policy) -> None:
        """Read by the sources of another policy.

        Args:
            policy: in force from now on; it may have none of the topic.
        """
        sources = sources_by_topic(policy).get(self._topic, [])
        self._needs_schemas = any(source.encoding in WITH_SCHEMAS for source in sources)
        self._identities = policy.identities
        self._readers: dict[str, EventReader] = {
            channel.name: reader_of(channel, policy) for channel in policy.channels
        }
        asked = frozenset([name for reader in self._readers.values() for name in reader.properties()])
        self._sources = [SourceReader(source, self._schemas, asked) for source in sources]
        self._alone = self._sources[0] if len(sources) == 1 else None
        self._names_of_sources = [source.name for source in sources]
        self._notes_feeds = self._topic in shared_topics(policy) and bool(watched_feeds(policy))

    async def prepare(self, batch: RecordBatch) -> None:
        """Look the schemas up by which the records of a batch were written.

        Args:
            batch: raw records.

        Raises:
            RegistryUnavailable: if the registry does not answer; the same is then tried again.
        """
        if self._needs_schemas and self._schemas is not None:
            await self._schemas.look_up(schemas_of(batch.records))

    def decode(self, batch: RecordBatch, latest: int) -> DecodedBatch:
        """Decode a batch.

        Args:
            batch: raw records, whose schemas have been looked up.
            latest: the newest event time that is let in, in microseconds.

        Returns:
            As `Decoder.decode` does, and the links as messages to forward. A record has one dead letter at most.
        """
        if len(self._names) > _MOST_NAMES:
            self._names.clear()
        found = _Found()
        alone = self._alone
        for record in batch.records:
            if alone is not None and not record.headers and not self._notes_feeds:
                self._add(found, batch, record, alone.read(record, latest))
            else:
                self._add(found, batch, record, self._outcomes(record, latest, found))
        if self._limit is not None:
            offset = self._first_over(batch, found)
            if offset is not None:
                batch.end_before(offset)
                self._take_ignored()  # they are read again
                return self.decode(batch, latest) if batch.records else DecodedBatch(batch, [], [], 0, 0)
        counts = {
            "read": len(batch.records),
            "dead_letter": len(found.dead),
            "outdated": found.outdated,
            "unknown_type": found.unknown,
            "property_ignored": self._take_ignored(),
            "skipped": found.skipped,
        }
        for outcome, number in counts.items():
            self._counters[outcome].inc(number)
        if alone is not None and found.left_out < len(batch.records):
            found.useful.add(self._names_of_sources[0])
        self._tell_of_skipping(found.useful, latest - MOST_AHEAD)
        appended = batch.records[-1].timestamp * MILLISECOND
        return DecodedBatch(
            batch, found.events, found.dead, found.newest, appended, forwards=found.forwards, feeds=found.feeds
        )

    def _outcomes(self, record: Any, latest: int, found: _Found) -> list[Outcome]:
        """Read a record by every source of the topic; their parts are numbered on."""
        outcomes: list[Outcome] = []
        for name, source in zip(self._names_of_sources, self._sources, strict=True):
            read = source.read(record, latest)
            self._note(found, name, read, record.timestamp)
            if read[0].part is None:
                outcomes += [] if outcomes and type(read[0]) is LeftOut else read
            else:
                before = len(outcomes)
                outcomes += [numbered(each, before + at) for at, each in enumerate(read)] if before else read
        wanted = _wanted_parts(record.headers) if record.headers else None
        return [each for each in outcomes if each.part is None or each.part in wanted] if wanted else outcomes

    def _note(self, found: _Found, name: str, outcomes: Sequence[Outcome], appended: int) -> None:
        """Note whether a source makes anything of a record, and when the events of the feeds were."""
        for each in outcomes:
            if type(each) is LeftOut or (type(each) is MappedLink and not self._identities):
                continue
            found.useful.add(name)
            if self._notes_feeds and isinstance(each, MappedEvent):
                if self._window and (each.time + self._window) // MILLISECOND < appended:
                    continue
                for feed in (source_feed(name), each.channel):
                    found.feeds.setdefault(feed, []).append(each.time)

    def _add(self, found: _Found, batch: RecordBatch, record: Any, outcomes: list[Outcome]) -> None:
        """Sort what has become of the parts of a record."""
        offset: int = record.offset
        appended: int = record.timestamp
        bad: list[Bad] | None = None
        skipped = 0
        for outcome in outcomes:
            if isinstance(outcome, MappedEvent):
                wrong = self._add_event(found, offset, appended, outcome)
                if wrong is not None:
                    bad = [*(bad or ()), wrong]
            elif isinstance(outcome, Bad):
                bad = [*(bad or ()), outcome]
            elif isinstance(outcome, MappedLink) and self._identities:
                body = {"id": outcome.id, "customer_id": outcome.customer}
                found.forwards.append((outcome.id, Message(self._identities, body)))
            else:
                skipped += 1
        found.skipped += skipped
        if skipped == len(outcomes):
            found.left_out += 1
            found.offsets_left_out.add(offset)
        if bad is not None:
            found.dead.append(_letter(batch, record, bad))

    def _add_event(self, found: _Found, offset: int, appended: int, mapped: MappedEvent) -> Bad | None:
        reader = self._readers.get(mapped.channel)
        if reader is None:  # a policy without the channel has come into force, and its sources have not
            return Bad(mapped.part, "type_missing", f"the policy has no channel {mapped.channel}")
        time = mapped.time
        event = reader.event(mapped.type, time, mapped.id, mapped.properties)
        # Older than the window when its record was appended; a product as large takes mypyc long.
        if self._window and (time + self._window) // MILLISECOND < appended:
            found.outdated += 1
            return None
        if time > found.newest:  # noqa: PLR1730 - max() would be a call for each event
            found.newest = time
        if not reader.scores(event.code):
            found.unknown += 1
        found.events.append((offset, self._names.setdefault(mapped.customer, mapped.customer), event))
        return None

    def _first_over(self, batch: RecordBatch, found: _Found) -> int | None:
        """Ask the limit, for which what is left out is not there, and count the batch where it lets it pass."""
        assert self._limit is not None  # noqa: S101 - asked before
        judged = batch
        if found.offsets_left_out:
            kept = [record for record in batch.records if record.offset not in found.offsets_left_out]
            if not kept:
                return None
            judged = RecordBatch(batch.partition, batch.base, kept)
        offset = self._limit.first_over(judged, found.dead) if found.dead else None
        if offset is None:
            self._limit.count(judged, len(found.dead))
        return offset

    def _take_ignored(self) -> int:
        return sum(reader.take_ignored() for reader in self._readers.values())

    def _tell_of_skipping(self, useful: Collection[str], now: int) -> None:
        """Say so, once, where a source has left out all that came for an hour: it may be written wrong."""
        for name in self._names_of_sources:
            since = self._skipping.get(name)
            if name in useful:
                self._skipping.pop(name, None)
            elif since is None:
                self._skipping[name] = now
            elif since >= 0 and now - since >= SKIPPING_AFTER:
                self._skipping[name] = _TOLD
                logger.warning(
                    "the source %s has left out all records of %s for an hour; see engagement source try --topic %s "
                    "--source %s",
                    *(name, self._topic, self._topic, name),
                )


class _Found:
    """What has become of the records of a batch."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, Event]] = []
        self.dead: list[DeadLetter] = []
        self.forwards: list[tuple[str, Message]] = []
        self.offsets_left_out: set[int] = set()
        self.useful: set[str] = set()
        self.feeds: dict[str, list[int]] = {}
        self.left_out = self.skipped = self.outdated = self.unknown = self.newest = 0


def _letter(batch: RecordBatch, record: Any, bad: Sequence[Bad]) -> DeadLetter:
    """Make the dead letter of a record with bad parts."""
    parts = ",".join([str(each.part) for each in bad if each.part is not None])
    whole = any(each.part is None for each in bad)
    return DeadLetter(record, bad[0].reason, _detail(bad), batch.partition, "" if whole else parts)


def _wanted_parts(headers: Iterable[tuple[str, bytes]]) -> frozenset[int]:
    """Return which parts a replay asks for; nothing where it asks for all."""
    found = b""
    for name, content in headers:
        if name == PARTS:
            found = content or b""
    numbers = map(number_in, found.decode(errors="replace").split(","))
    return frozenset(number for number in numbers if number is not None)


def _detail(bad: Sequence[Bad]) -> str:
    """Say what is wrong with the first part, and which others have another reason."""
    others = [f"part {each.part}: {each.reason}" for each in bad[1:] if each.reason != bad[0].reason]
    return "; ".join([bad[0].detail, *others])
