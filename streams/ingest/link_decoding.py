"""From the bytes of records to links and dead letters.

Rests on decision 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from scoring.events.links import read_link
from scoring.instants import MILLISECOND
from scoring.policy.channels import Channel
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.record_reading import RecordReading
from streams.metrics import Metrics
from streams.records import DeadLetter, DecodedBatch, Partition, RecordBatch, SentLink

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
        self._reading = RecordReading(NAME, metrics, limit)

    def decode(self, batch: RecordBatch) -> list[DecodedBatch]:
        """Decode a batch, in parts of a bounded number of links.

        Args:
            batch: raw records; is the last of the parts afterwards, and has no records where too many are bad.

        Returns:
            The parts, in order; none if the batch is empty.
        """
        links, dead = self._reading.read(batch, partial(_read, batch.partition))
        return [_part(each, links, dead) for each in _parts(batch)] if batch.records else []


def _read(partition: Partition, record: Any) -> SentLink:
    return SentLink(record, read_link(orjson.loads(record.value)), partition)


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
