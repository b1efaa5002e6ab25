"""From the bytes of records to links and dead letters.

Rests on decision 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from scoring.errors import InvalidEvent
from scoring.events.links import read_link
from scoring.instants import MILLISECOND
from scoring.policy.policy import Channel
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.event_decoding import why_not_json
from streams.ingest.not_json import explained
from streams.metrics import Metrics
from streams.records import DeadLetter, DecodedBatch, RecordBatch, SentLink

#: What stands in the place of a channel's name in metrics and messages.
NAME = "identities"
#: Links that are applied in one round at most: the other partitions wait meanwhile.
MOST_AT_ONCE = 500


def as_channel(topic: str) -> Channel:
    """Make what stands for the links where channels are told apart; it has no types.

    Args:
        topic: of the links.
    """
    return Channel(NAME, topic, ())


class LinkDecoder:
    """Decodes the batches of the topic of the links."""

    def __init__(self, metrics: Metrics, limit: DeadLetterLimit | None = None) -> None:
        """Prepare.

        Args:
            metrics: where the outcomes are counted.
            limit: on the share of bad records; None for none.
        """
        self._limit = limit
        self._read = metrics.events.labels(NAME, "read")
        self._dead = metrics.events.labels(NAME, "dead_letter")

    def decode(self, batch: RecordBatch) -> list[DecodedBatch]:
        """Decode a batch, in parts of a bounded number of links.

        Args:
            batch: raw records; is the last of the parts afterwards, and has no records where too many are bad.

        Returns:
            The parts, in order; none if the batch is empty.
        """
        links, dead = _read_all(batch)
        if self._limit is not None:
            offset = self._limit.first_over(batch, dead) if dead else None
            if offset is not None:
                batch.end_before(offset)
                return self.decode(batch) if batch.records else []
            self._limit.count(batch, len(dead))
        self._read.inc(len(batch.records))
        self._dead.inc(len(dead))
        return [_part(each, links, dead) for each in _parts(batch)]


def _read_all(batch: RecordBatch) -> tuple[list[SentLink], list[DeadLetter]]:
    links: list[SentLink] = []
    dead: list[DeadLetter] = []
    for record in batch.records:
        try:
            links.append(SentLink(record, read_link(orjson.loads(record.value)), batch.partition))
        except orjson.JSONDecodeError as error:
            dead.append(
                DeadLetter(record, why_not_json(record.value, error), explained(record.value, error), batch.partition)
            )
        except InvalidEvent as error:
            dead.append(DeadLetter(record, error.reason, error.detail, batch.partition))
    return links, dead


def _parts(batch: RecordBatch) -> list[RecordBatch]:
    parts = []
    while batch.count > MOST_AT_ONCE:
        parts.append(RecordBatch(batch.partition, batch.base, batch.records[:MOST_AT_ONCE]))
        batch.begin_at(parts[-1].next_offset)
    return [*parts, batch]


def _part(part: RecordBatch, links: Sequence[SentLink], dead: Sequence[DeadLetter]) -> DecodedBatch:
    def inside(record: Any) -> bool:
        return bool(part.base <= record.offset < part.next_offset)

    its_links = [link for link in links if inside(link.record)]
    its_dead = [letter for letter in dead if inside(letter.record)]
    return DecodedBatch(part, [], its_dead, 0, part.records[-1].timestamp * MILLISECOND, its_links)
