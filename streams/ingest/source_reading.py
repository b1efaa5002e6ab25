"""From a Kafka record of a foreign shape to what becomes of its parts.

Rests on decisions 73 and 85.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from scoring.errors import InvalidEvent
from scoring.mapping.fields import fields_of
from scoring.mapping.mapping import Mapping
from scoring.mapping.outcomes import TOMBSTONE, Bad, LeftOut, Outcome
from scoring.mapping.source import Source
from streams.ingest.encodings import decoder_of, field_decoder_of
from streams.ingest.schemas import Schemas


class SourceReader:
    """Reads the records of one source."""

    def __init__(
        self, source: Source, schemas: Schemas | None = None, properties: Collection[str] | None = None
    ) -> None:
        """Compile the source.

        Args:
            source: of the policy in force.
            schemas: by which records are written; looked up before the records are read.
            properties: the names of those that are asked for, beside which others may be given; None for all.

        Raises:
            ExtraMissing: if packages that its encoding needs are not installed.
        """
        self._decode = decoder_of(source.encoding, schemas)
        self._fields = field_decoder_of(source.encoding, fields_of(source, properties))
        self._mapping = Mapping(source, orjson.loads)

    def read(self, record: Any, latest: int) -> list[Outcome]:
        """Read one record.

        Args:
            record: with `key`, `value`, `headers` and `timestamp`, as aiokafka's have.
            latest: the newest event time that is let in, in microseconds.

        Returns:
            What becomes of each part; one outcome at least.
        """
        if record.value is None:
            return [LeftOut(None, TOMBSTONE)]
        if self._fields is not None:
            try:
                value = self._fields.decode(record)
            except (ValueError, InvalidEvent):
                return self._read_whole(record, latest)
            read = self._mapping.read(value, record, latest)
            for outcome in read:
                if type(outcome) is Bad:  # what is wrong is reported of the whole
                    return self._read_whole(record, latest)
            return read
        return self._read_whole(record, latest)

    def _read_whole(self, record: Any, latest: int) -> list[Outcome]:
        try:
            value = self._decode(record)
        except InvalidEvent as error:
            return [Bad(None, error.reason, error.detail)]
        return self._mapping.read(value, record, latest)
