"""From the bytes of records of the topic of profiles to what they tell, and dead letters.

Rests on decision 52.
"""

from __future__ import annotations

import orjson

from scoring.errors import InvalidEvent
from scoring.events.event import Event
from scoring.events.profiles import ProfileReader
from scoring.instants import MILLISECOND
from scoring.policy.policy import Policy
from scoring.rules.segments import Profiles
from streams.ingest.dead_letter_limit import DeadLetterLimit
from streams.ingest.event_decoding import why_not_json
from streams.ingest.not_json import explained
from streams.metrics import Metrics
from streams.records import DeadLetter, DecodedBatch, RecordBatch

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
        self._limit = limit
        self._dead = metrics.events.labels(PROFILES, "dead_letter")
        self._read = metrics.events.labels(PROFILES, "read")

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
        told: list[tuple[int, str, Event]] = []
        dead: list[DeadLetter] = []
        for record in batch.records:
            if record.value is None:
                continue
            try:
                found = self._reader.read(orjson.loads(record.value), record.timestamp * MILLISECOND, latest)
            except orjson.JSONDecodeError as error:
                dead.append(
                    DeadLetter(
                        record, why_not_json(record.value, error), explained(record.value, error), batch.partition
                    )
                )
            except InvalidEvent as error:
                dead.append(DeadLetter(record, error.reason, error.detail, batch.partition))
            else:
                if found is not None:
                    told.append((record.offset, *found))
        if self._limit is not None:
            offset = self._limit.first_over(batch, dead) if dead else None
            if offset is not None:
                batch.end_before(offset)
                return self.decode(batch, latest) if batch.records else DecodedBatch(batch, [], [], 0, 0)
            self._limit.count(batch, len(dead))
        self._read.inc(len(batch.records))
        self._dead.inc(len(dead))
        return DecodedBatch(batch, told, dead, 0, batch.records[-1].timestamp * MILLISECOND)
