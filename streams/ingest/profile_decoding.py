"""From the bytes of records of the topic of profiles to what they tell, and dead letters.

Rests on decision 52.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from scoring.events.event import Event
from scoring.events.profiles import ProfileReader
from scoring.instants import MILLISECOND
from scoring.policy.policy import Policy
from scoring.rules.segments import Profiles
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.record_reading import RecordReading
from streams.metrics import Metrics
from streams.records import DecodedBatch, RecordBatch

#: What stands for a channel's name where records are counted.
PROFILES = "profiles"


class ProfileDecoder:
    """Decodes the batches of the topic of profiles."""

    def __init__(self, profiles: Profiles, metrics: Metrics, limit: DeadLetterLimit | None = None) -> None:
        """Prepare.

        Args:
            profiles: of the policy.
            metrics: where the outcomes are counted.
            limit: on the share of bad records; None for none.
        """
        self._reader = ProfileReader(profiles)
        self._reading = RecordReading(PROFILES, metrics, limit)

    def follow(self, policy: Policy) -> None:
        """Look for the field that another policy names.

        Args:
            policy: in force from now on; it may know no profiles.
        """
        self._reader = ProfileReader(policy.profiles or Profiles())

    def decode(self, batch: RecordBatch, latest: int) -> DecodedBatch:
        """Decode a batch.

        Args:
            batch: raw records; one without a value is what compaction asks for, and tells nothing.
            latest: the newest time that is let in, in microseconds.

        Returns:
            What is told, and the dead letters, as `Decoder.decode` gives them; the newest event time is 0, as there is
            no event.
        """
        told, dead = self._reading.read(batch, partial(self._read, latest))
        return DecodedBatch(batch, told, dead, 0, batch.records[-1].timestamp * MILLISECOND if batch.records else 0)

    def _read(self, latest: int, record: Any) -> tuple[int, str, Event] | None:
        if record.value is None:
            return None
        found = self._reader.read(orjson.loads(record.value), record.timestamp * MILLISECOND, latest)
        return (record.offset, *found) if found is not None else None
