"""Sends dead letters back to the topics that they came from, each once.

Rests on decision 40.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced, UnknownError, UnsupportedVersionError

from scoring.instants import MILLISECOND, parse_timestamp
from streams.backoff import StopSignal
from streams.dead_letters.ledger import ReplayLedger, read_replayed, written
from streams.dead_letters.letter import Letter, LetterFilter, read_letter
from streams.erasures.log import ErasureLog, read_erasures
from streams.errors import BrokerUnavailable, ReplayFenced
from streams.kafka.producers import NULL, start_producer
from streams.kafka.topic_range import open_range
from streams.kafka.topics import MOST_DEAD_LETTER_BYTES, read_topics
from streams.settings.settings import Settings
from streams.topic_names import DEAD_LETTER_REPLAYS, DEAD_LETTERS

#: One replay of a topic at a time: a second one takes the name over, and the first is refused from then on.
TRANSACTIONAL_ID = "engagement-dead-letter-replay"
_TRANSACTION_MS = 60_000
_REQUEST_MS = 20_000
#: What one transaction takes.
_LETTERS, _BYTES = 500, 4 * 1024 * 1024


@dataclass(slots=True)
class ReplayCounts:
    """What became of the letters: by topic those sent, by cause those left out."""

    sent: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


class LetterSender:
    """A producer that sends letters and the note of it in one transaction, where the broker has transactions."""

    def __init__(self, settings: Settings) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the brokers and how to get in.
        """
        self._settings = settings
        self._producer: AIOKafkaProducer
        self._partitions: dict[str, Collection[int]] = {}
        self.transactional = True
        #: The id of the topic that the letters stand in.
        self.log = ""

    async def __aenter__(self) -> Self:
        """Connect; what an earlier replay left unfinished is taken back, and one that still runs is refused.

        Raises:
            BrokerUnavailable: if no broker answers.
        """
        options = {"request_timeout_ms": _REQUEST_MS, "max_request_size": 2 * MOST_DEAD_LETTER_BYTES}
        try:
            self._producer = await start_producer(
                self._settings,
                transactional_id=self._settings.written(TRANSACTIONAL_ID),
                transaction_timeout_ms=_TRANSACTION_MS,
                **options,
            )
        except (UnknownError, UnsupportedVersionError, ValueError):
            # The embedded broker has no transactions.
            self.transactional = False
            self._producer = await start_producer(self._settings, **options)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Give up the connections; a transaction that is open is taken back."""
        await self._producer.stop()

    async def send(self, letters: list[Letter]) -> None:
        """Send letters, and note that they have been sent: all or, where there are transactions, none.

        Args:
            letters: at most as many as fit into one transaction.

        Raises:
            ReplayFenced: if another replay has been started meanwhile.
            BrokerUnavailable: if Kafka has not accepted them.
        """
        try:
            if self.transactional:
                async with self._producer.transaction():
                    await self._send(letters)
            else:
                await self._send(letters)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise ReplayFenced("another replay of dead letters has been started; this one has ended") from error
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka has not accepted the records: {error!r}") from error

    async def _send(self, letters: list[Letter]) -> None:
        pending = [
            await self._producer.send(
                letter.topic,
                NULL if letter.value is None else letter.value,
                key=letter.key,
                partition=await self._partition(letter),
                headers=letter.marked_headers,
            )
            for letter in letters
        ]
        await asyncio.gather(*pending)
        note = self._settings.written(DEAD_LETTER_REPLAYS)
        await self._producer.send_and_wait(note, written(letters, self.log))

    async def _partition(self, letter: Letter) -> int | None:
        """Choose where it came from, so that a partitioner of the producers' own is respected."""
        if letter.topic not in self._partitions:
            self._partitions[letter.topic] = await self._producer.partitions_for(letter.topic)
        known = letter.source_partition in self._partitions[letter.topic]
        return letter.source_partition if known else None


class LetterReplay(StopSignal):
    """Goes through the dead letters once, from the oldest to where the topic ends at the start."""

    def __init__(self, settings: Settings, choice: LetterFilter, *, limit: int | None, most_replays: int) -> None:
        """Prepare.

        Args:
            settings: name the brokers, and by the policy the topics that letters may be sent to.
            choice: which letters are meant.
            limit: the most letters to send; None for all.
            most_replays: a letter that was replayed that often and came back is left out.
        """
        super().__init__()
        self._settings = settings
        self._choice = choice
        self._topics = read_topics(settings.policy)
        self._limit = limit
        self._most_replays = most_replays
        self._sender: LetterSender | None = None
        self.counts = ReplayCounts()
        self.chosen = 0

    async def run(self, show: Callable[[int, int, int], None], *, dry: bool) -> None:
        """Send the chosen letters.

        Args:
            show: gets how many offsets have been passed, of how many, and how many letters were chosen.
            dry: only count, send nothing.

        Raises:
            ReplayFenced: see `LetterSender.send`.
            BrokerUnavailable: if Kafka does not answer.
        """
        if dry:
            await self._go(show)
            return
        # The order matters: once the sender has started, no earlier replay can note anything more.
        async with LetterSender(self._settings) as sender:
            self._sender = sender
            await self._go(show)

    async def _go(self, show: Callable[[int, int, int], None]) -> None:
        replayed = await read_replayed(self._settings)
        if self._sender is not None:
            self._sender.log = replayed.log
        erasures = await read_erasures(self._settings)
        since = self._choice.since // MILLISECOND or None
        waiting: list[Letter] = []
        async with open_range(self._settings, self._settings.written(DEAD_LETTERS), since_ms=since) as topic:
            async for records in topic.batches():
                for record in records:
                    letter = self._sort(record, replayed, erasures)
                    if letter is None or self.chosen == self._limit:
                        continue
                    self.chosen += 1
                    waiting.append(letter)
                    if len(waiting) == _LETTERS or sum(each.size for each in waiting) > _BYTES:
                        await self._send(waiting)
                        waiting = []
                    if self.should_stop:
                        break
                show(topic.passed, topic.length, self.chosen)
                if self.should_stop or self.chosen == self._limit:
                    break
        await self._send(waiting)

    def _sort(self, record: object, replayed: ReplayLedger, erasures: ErasureLog) -> Letter | None:
        letter = read_letter(record)
        if letter is None:
            self.counts.left_out["not written by a worker"] += 1
            return None
        if not self._choice.takes(letter):
            return None
        if letter in replayed:
            why = "replayed before"
        elif letter.topic not in self._topics:
            why = "of a topic that the policy does not name"
        elif _is_erased(letter, erasures):
            why = "of erased customers"
        elif letter.replays >= self._most_replays:
            why = f"came back after {self._most_replays} replays"
        else:
            return letter
        self.counts.left_out[why] += 1
        return None

    async def _send(self, letters: list[Letter]) -> None:
        if letters and self._sender is not None:
            await self._sender.send(letters)
        for letter in letters:
            self.counts.sent[letter.topic] += 1
            self.counts.reasons[letter.reason] += 1


def _is_erased(letter: Letter, erasures: ErasureLog) -> bool:
    """Return whether a letter is of a customer who was erased after it; one that cannot be read cannot be scored."""
    if not erasures.tombstones:
        return False
    try:
        body = orjson.loads(letter.value or b"")
        tombstone = erasures.tombstones.get(erasures.digests.of(body["customer_id"]))
        time = parse_timestamp(body["timestamp"])
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return False
    label = f"{letter.topic}/{letter.source_partition}"
    return tombstone is not None and tombstone.covers(label, letter.source_offset, time)
