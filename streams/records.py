"""What passes between the parts: source partitions, batches of raw records, dead letters, messages to publish.

Rests on decisions 27 and 142.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from scoring.events.event import Event
from scoring.events.links import Link

#: Header of a dead letter, and of a replayed record: the parts that are bad, or to be read, where others count.
PARTS = "dlq.parts"

#: About what a waiting event takes in memory.
_BYTES_OF_AN_EVENT: Final = 512
#: A link is two or three calls of the store: about as long as so many events take.
_EVENTS_OF_A_LINK: Final = 50

#: More digits than a number of Kafka's has; Python refuses to read thousands of them.
_MOST_DIGITS: Final = 19


def number_in(text: str) -> int | None:
    """Read a number out of a header, which anybody may have written; None if it is none.

    Args:
        text: decimal digits.
    """
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


class Partition(NamedTuple):
    """A partition of a source topic."""

    topic: str
    number: int

    @property
    def label(self) -> str:
        """The name under which Redis knows it; a topic's name holds no slash."""
        return f"{self.topic}/{self.number}"


class RecordBatch:
    """The raw records of one partition and one fetch.

    `base` is the offset that the consumer was at before them, so gaps that compaction or transactions left between
    two batches belong to the later one; `next_offset` is where the consumer is after them. `applied` is set once
    everything in the batch is stored and published; only then may it be acknowledged. `count` tells how many records
    it has, also after `release`.
    """

    __slots__ = ("applied", "base", "count", "next_offset", "partition", "records")

    def __init__(self, partition: Partition, base: int, records: Sequence[Any]) -> None:
        """Keep the records.

        Args:
            partition: where they come from.
            base: see above; at most the offset of the first record.
            records: as aiokafka unpacks them, at least one, in the order of their offsets.
        """
        self.partition = partition
        self.base = base
        self.records = records
        self.count = len(records)
        self.next_offset: int = records[-1].offset + 1
        self.applied = False

    def end_before(self, offset: int) -> None:
        """Leave records out; the batch may hold none afterwards.

        Args:
            offset: of the first record that is left out.
        """
        self.records = [record for record in self.records if record.offset < offset]
        self.count = len(self.records)
        self.next_offset = offset

    def begin_at(self, offset: int) -> None:
        """Leave records out; the batch holds one at least afterwards.

        Args:
            offset: before which they are left out.
        """
        self.records = [record for record in self.records if record.offset >= offset]
        self.count = len(self.records)
        self.base = offset

    def release(self) -> None:
        """Let the raw records go, as all that is needed of them has been read: many may wait, and they are large."""
        self.records = ()


class DeadLetter(NamedTuple):
    """A record that cannot be scored, why, and where it comes from.

    `parts` are the numbers of those of its parts that are bad, separated by commas, where the others count.
    """

    record: Any
    reason: str
    detail: str
    partition: Partition
    parts: str = ""


class SentLink(NamedTuple):
    """A link between two ids, the record that says so, and where it comes from."""

    record: Any
    link: Link
    partition: Partition


class Message(NamedTuple):
    """A message that has to be published, as it waits in the customer's record until it has been."""

    topic: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """What tells it from the other messages that wait for the same customer."""
        identity: str = self.body.get("alert_id") or self.body.get("signal_id") or self.body["change_id"]
        return identity[:13]


class DecodedBatch(NamedTuple):
    """The events of a batch, each with its offset and customer, or its links; and what was neither.

    `newest` is the newest event time (0 without events), `appended` when the last record was appended, both in
    microseconds.
    """

    raw: RecordBatch
    events: list[tuple[int, str, Event]]
    dead_letters: list[DeadLetter]
    newest: int
    appended: int
    links: Sequence[SentLink] = ()
    #: Links that records of foreign shapes tell, each with its key, to be sent to the topic of the links.
    forwards: Sequence[tuple[str, Message]] = ()
    #: Of a topic that several feeds share: when the events of each were, in microseconds.
    feeds: Mapping[str, Sequence[int]] = MappingProxyType({})

    @property
    def weight(self) -> int:
        """How much room among waiting events it takes: more for links, and for dead letters, as they are kept whole."""
        kept = sum(len(letter.record.value or b"") for letter in self.dead_letters)
        return max(self.raw.count, len(self.events)) + kept // _BYTES_OF_AN_EVENT + _EVENTS_OF_A_LINK * len(self.links)
