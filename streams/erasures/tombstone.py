"""The tombstone of an erased customer: which records have no effect any more.

Rests on decision 41.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

from scoring.instants import format_instant, parse_timestamp
from streams.errors import WrongErasureKey
from streams.records import Partition

_DIGEST_BYTES = 16
_CHECK_BYTES = 4


class Digests:
    """Makes what stands for a customer's id: a digest under a secret key; without it, ids cannot be tried out."""

    def __init__(self, secret: str) -> None:
        """Prepare.

        Args:
            secret: the key, of any length; with '' anybody can try out ids.
        """
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"erasure key").digest()
        self.check = hashlib.blake2b(b"", digest_size=_CHECK_BYTES, key=self._key).hexdigest()

    def of(self, customer: str) -> str:
        """Make the digest of an id.

        Args:
            customer: the id.

        Returns:
            32 hexadecimal digits, the same under the same key.
        """
        return hashlib.blake2b(customer.encode(), digest_size=_DIGEST_BYTES, key=self._key).hexdigest()


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An erasure: whom (a digest), when, and what has no effect; times in microseconds.

    `offsets` are the ends of the source partitions at that time: what stands before them has no effect, whatever its
    time. Nor has what happened before `events_before`, wherever it stands: a producer that sends again, or a file that
    is replayed. `logs` tell which logs the offsets are of, by the ids of their topics, where Kafka tells them: in
    another log under the same name they mean nothing. `place` is the offset of the tombstone, -1 before it has one.
    """

    digest: str
    erased_at: int
    events_before: int
    offsets: Mapping[str, int]
    place: int = -1
    logs: Mapping[str, str] = field(default_factory=dict)

    def covers(self, label: str, offset: int, time: int, log: str = "") -> bool:
        """Return whether an event of the customer has no effect.

        Args:
            label: of the source partition.
            offset: of the record.
            time: of the event, in microseconds.
            log: the id of the topic, '' where Kafka tells none.
        """
        return time < self.events_before or self.stands_before(label, offset, log)

    def stands_before(self, label: str, offset: int, log: str = "") -> bool:
        """Return whether a record stood in the log when the customer was erased; see `covers`."""
        return offset < self.offsets.get(label, 0) and self.speaks_of(label, log)

    def speaks_of(self, label: str, log: str) -> bool:
        """Return whether the offset of a partition is one of a certain log; without an id it is taken to be."""
        return "" in (log, self.logs.get(label, "")) or self.logs[label] == log

    def raised(self, offsets: Mapping[Partition, int]) -> Tombstone:
        """Cover more: what had been applied when the customer was removed is gone with it.

        Args:
            offsets: up to where the source partitions had been applied by then.

        Returns:
            The tombstone, itself if it covers that already.
        """
        further = {tp.label: at for tp, at in offsets.items() if at > self.offsets.get(tp.label, 0)}
        return replace(self, offsets={**self.offsets, **further}) if further else self


def encode_tombstone(tombstone: Tombstone, digests: Digests) -> bytes:
    """Write a tombstone as the value of its record; the digest is the key.

    Args:
        tombstone: to be written.
        digests: with whose key its digest was made.
    """
    return orjson.dumps(
        {
            "erased_at": format_instant(tombstone.erased_at),
            "events_before": format_instant(tombstone.events_before),
            "offsets": dict(sorted(tombstone.offsets.items())),
            "logs": dict(sorted(tombstone.logs.items())),
            "key_check": digests.check,
        }
    )


def decode_tombstone(key: bytes, value: bytes, place: int, digests: Digests) -> Tombstone:
    """Read a tombstone back.

    Args:
        key: of the record.
        value: of the record.
        place: offset of the record.
        digests: as made with the key of the settings.

    Raises:
        WrongErasureKey: if it was written with another key, so that it could never be recognized.
    """
    body = orjson.loads(value)
    if body["key_check"] != digests.check:
        raise WrongErasureKey(
            "customers have been erased under another ENGAGEMENT_ERASURE_KEY: "
            "they would not be recognized, and come back"
        )
    erased_at, events_before = parse_timestamp(body["erased_at"]), parse_timestamp(body["events_before"])
    return Tombstone(key.decode(), erased_at, events_before, body["offsets"], place, body.get("logs", {}))
