"""From the bytes of records to events and dead letters.

Rests on decisions 27 and 39.
"""

from __future__ import annotations

from typing import Final

import orjson

from scoring.errors import InvalidEvent
from scoring.events.event import Event, EventReader
from scoring.instants import MILLISECOND
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.not_json import explained
from streams.ingest.sentiment import reader_of
from streams.metrics import Metrics
from streams.records import DeadLetter, DecodedBatch, RecordBatch

# Ids that a decoder remembers; some hundred bytes each.
_MOST_NAMES: Final = 20_000


class Decoder:
    """Decodes the batches of one channel."""

    def __init__(
        self,
        channel: str,
        reader: EventReader,
        metrics: Metrics,
        window: int,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        """Prepare.

        Args:
            channel: its name, for the metrics.
            reader: of the channel's events.
            metrics: where the outcomes are counted.
            window: microseconds; an event that was already older when its record was appended scores nothing. 0 where
                evaluation follows the events' own times, so that no event is old by itself.
            limit: on the share of bad records; None for none.
        """
        self._channel = channel
        self._reader = reader
        self._window = window
        self._limit = limit
        self._names: dict[str, str] = {}
        self._dead = metrics.events.labels(channel, "dead_letter")
        self._outdated = metrics.events.labels(channel, "outdated")
        self._unknown = metrics.events.labels(channel, "unknown_type")
        self._property_ignored = metrics.events.labels(channel, "property_ignored")
        self._note_unknown = metrics.unknown_names.note
        self._read = metrics.events.labels(channel, "read")

    def follow(self, policy: Policy) -> None:
        """Know the types of another policy.

        Args:
            policy: in force from now on; it may not have the channel.
        """
        channels = [channel for channel in policy.channels if channel.name == self._channel]
        self._reader = reader_of(channels[0] if channels else Channel(self._channel, "", ()), policy)

    def decode(self, batch: RecordBatch, latest: int) -> DecodedBatch:
        """Decode a batch.

        Args:
            batch: raw records.
            latest: the newest event time that is let in, in microseconds.

        Returns:
            The events and the dead letters, which together are all records but those too old to score, and but those
            from the one on at which too many are bad: the batch then ends before it, and may be empty.
        """
        loads, reader, window, names = orjson.loads, self._reader, self._window, self._names
        if len(names) > _MOST_NAMES:
            names.clear()
        events: list[tuple[int, str, Event]] = []
        dead: list[DeadLetter] = []
        newest = unknown = outdated = 0
        for record in batch.records:
            try:
                value = loads(record.value)
                customer, event = reader.read(value, latest)
            except orjson.JSONDecodeError as error:
                dead.append(
                    DeadLetter(
                        record, why_not_json(record.value, error), explained(record.value, error), batch.partition
                    )
                )
                continue
            except InvalidEvent as error:
                dead.append(DeadLetter(record, error.reason, error.detail, batch.partition))
                continue
            time = event.time
            appended: int = record.timestamp
            if window and time < appended * MILLISECOND - window:
                outdated += 1
                continue
            if time > newest:  # noqa: PLR1730 - max() would be a call for each event
                newest = time
            if not reader.scores(event.code):
                unknown += 1
                self._note_unknown(self._channel, value["type"])
            # Events of one customer share the id, so that it is hashed once, and compared by its place in memory.
            events.append((record.offset, names.setdefault(customer, customer), event))
        if self._limit is not None:
            offset = self._limit.first_over(batch, dead) if dead else None
            if offset is not None:
                batch.end_before(offset)
                self._reader.take_ignored()  # they are read again
                return self.decode(batch, latest) if batch.records else DecodedBatch(batch, [], [], 0, 0)
            self._limit.count(batch, len(dead))
        self._read.inc(len(batch.records))
        self._dead.inc(len(dead))
        self._outdated.inc(outdated)
        self._unknown.inc(unknown)
        self._property_ignored.inc(self._reader.take_ignored())
        return DecodedBatch(batch, events, dead, newest, batch.records[-1].timestamp * MILLISECOND)


def why_not_json(value: bytes | None, error: orjson.JSONDecodeError) -> str:
    """Give the reason of the dead letter for a value that is not JSON.

    Args:
        value: of the record.
        error: of decoding it.

    Returns:
        A short, stable name.
    """
    if not value:
        return "empty_value"
    if "depth" in str(error) or "ecursion" in str(error):
        return "nested_too_deep"
    try:
        value.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return "not_json"
