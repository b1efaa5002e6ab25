"""From the bytes of records to links and dead letters.

Rests on decision 50.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from scoring.events.links import read_link
from scoring.instants import MILLISECOND
from scoring.policy.channels import Channel
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.record_reading import RecordReading
from streams.metrics import Metrics
from streams.records import DecodedBatch, Partition, RecordBatch, SentLink

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

    def decode(self, batch: RecordBatch, latest: int) -> DecodedBatch:  # noqa: ARG002 - a link has no time
        """Decode a batch.

        Args:
            batch: raw records.
            latest: the newest time that is let in.

        Returns:
            The links, and the dead letters, as `Decoder.decode` gives them.
        """
        links, dead = self._reading.read(batch, partial(_read, batch.partition))
        appended = batch.records[-1].timestamp * MILLISECOND if batch.records else 0
        return DecodedBatch(batch, [], dead, 0, appended, links)


def in_parts(batch: DecodedBatch) -> list[DecodedBatch]:
    """Divide a batch where it has too many links for one round.

    Args:
        batch: of any topic; one with links has no events. If it is divided, its raw records are those of the last part
            afterwards.

    Returns:
        The parts, in order; nearly always one, and none if the batch has no records.
    """
    if len(batch.links) <= MOST_AT_ONCE:
        return [batch] if batch.raw.count else []
    return [_part(each, batch) for each in _parts(batch.raw)]


def _read(partition: Partition, record: Any) -> SentLink:
    return SentLink(record, read_link(orjson.loads(record.value)), partition)


def _parts(batch: RecordBatch) -> list[RecordBatch]:
    parts = []
    while batch.count > MOST_AT_ONCE:
        parts.append(RecordBatch(batch.partition, batch.base, batch.records[:MOST_AT_ONCE]))
        batch.begin_at(parts[-1].next_offset)
    return [*parts, batch]


def _part(part: RecordBatch, whole: DecodedBatch) -> DecodedBatch:
    def inside(record: Any) -> bool:
        return bool(part.base <= record.offset < part.next_offset)

    links = [link for link in whole.links if inside(link.record)]
    dead = [letter for letter in whole.dead_letters if inside(letter.record)]
    return DecodedBatch(part, [], dead, 0, part.records[-1].timestamp * MILLISECOND, links)
