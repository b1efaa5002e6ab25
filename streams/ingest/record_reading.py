"""Reads records one by one, each to a value or a dead letter: what the decoders of profiles and links share.

Not that of events, which is run for each event: see `streams.ingest.event_decoding`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from scoring.errors import InvalidEvent
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.event_decoding import why_not_json
from streams.ingest.not_json import explained
from streams.metrics import Metrics
from streams.records import DeadLetter, RecordBatch

T = TypeVar("T")


class RecordReading:
    """Reads the batches of one topic; counts its records, and stops where too many of them are bad."""

    def __init__(self, name: str, metrics: Metrics, limit: DeadLetterLimit | None) -> None:
        """Prepare.

        Args:
            name: of the topic's channel, or what stands for one.
            metrics: where the outcomes are counted.
            limit: on the share of bad records; None for none.
        """
        self._limit = limit
        self._read = metrics.events.labels(name, "read")
        self._dead = metrics.events.labels(name, "dead_letter")

    def read(self, batch: RecordBatch, read: Callable[[Any], T | None]) -> tuple[list[T], list[DeadLetter]]:
        """Read a batch.

        Args:
            batch: raw records; ends before the one from which on too many are bad, and may be empty then.
            read: makes of a record what it tells, None for nothing; raises `InvalidEvent`, or orjson's error.

        Returns:
            What is told, and the dead letters.
        """
        while True:
            found, dead = _read_each(batch, read)
            offset = self._limit.first_over(batch, dead) if self._limit is not None and dead else None
            if offset is None:
                break
            batch.end_before(offset)
            if not batch.records:
                return [], []
        if self._limit is not None:
            self._limit.count(batch, len(dead))
        self._read.inc(len(batch.records))
        self._dead.inc(len(dead))
        return found, dead


def _read_each(batch: RecordBatch, read: Callable[[Any], T | None]) -> tuple[list[T], list[DeadLetter]]:
    found: list[T] = []
    dead: list[DeadLetter] = []
    for record in batch.records:
        try:
            told = read(record)
        except orjson.JSONDecodeError as error:
            reason, detail = why_not_json(record.value, error), explained(record.value, error)
            dead.append(DeadLetter(record, reason, detail, batch.partition))
        except InvalidEvent as error:
            dead.append(DeadLetter(record, error.reason, error.detail, batch.partition))
        else:
            if told is not None:
                found.append(told)
    return found, dead
