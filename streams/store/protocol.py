"""The contract of a store.

Rests on decision 28.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from scoring.customer.state import CustomerState
from scoring.events.unknown_names import Names
from scoring.feeds.feeds import Stretch
from scoring.feeds.watermark import Mark
from scoring.policy.policy import Policy
from scoring.rules.groupings import GroupingDay
from streams.errors import FenceMoved, VersionMoved
from streams.records import Message, Partition
from streams.store.absences import AbsenceStore
from streams.store.policies import PolicyStore
from streams.topic_names import ERASURES

#: Its fence in a group is up to where a writer must have read the erasures.
ERASURES_PARTITION: Final = Partition(ERASURES, 0)


@dataclass(slots=True)
class CustomerRecord:
    """A customer as stored: the state, the version of the last write, and the messages that come of it.

    `raised` are the messages that the next write adds to the outbox. `stands_for` is the customer whose id it is, where
    an id has been linked: there is no state then. Nor is there one where the key holds what no worker writes:
    `unreadable` says so, in a sentence, and the record must not be written.

    `version` is unique to each write, '' for a customer who is not stored: a number would come round again where a
    failover has lost writes, and a stale cache would pass for a fresh one.
    The `stored_` values are what the indexes and fields hold at that version (the band with the one before and the time
    between); the `encoded_` values are those of a write under way. `tally` is the text of the one by which
    the customer is in the sums of measures, and `segment` the one in whose sums, if there is a score, '' for none;
    `absence` is what is stored of absences, '' for nothing. `churn` is the rule by which the customer is counted as
    lost, '' for none.
    `extras` are the internal fields that come and go, `obsolete` the fields that the policy has no use for any more.
    `fields` holds the published fields where the record was read for display.
    """

    state: CustomerState = field(default_factory=CustomerState)
    version: str = ""
    stands_for: str = ""
    unreadable: str = ""
    raised: Sequence[Message] = ()
    stored_band: tuple[int, int, int] = (-1, -1, -1)
    stored_due: tuple[int, bool] = (0, False)
    stored_disengages_at: int = -1
    stored_policy_version: str = ""
    stored_numbers: list[int] | None = None
    stored_measures: list[str] | None = None
    stored_scores: dict[str, str] | None = None
    encoded_numbers: list[int] | None = None
    encoded_disengages_at: int = -1
    encoded_measures: list[str] | None = None
    encoded_sums: tuple[str, str] | None = None
    encoded_scores: dict[str, str] | None = None
    tally: str = ""
    segment: str = ""
    absence: str = ""
    encoded_absence: str = ""
    churn: str = ""
    encoded_churn: str = ""
    extras: frozenset[str] = frozenset()
    obsolete: Sequence[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


class Fence(NamedTuple):
    """How far a group has applied a partition: the next offset, and the newest event time before it (microseconds)."""

    offset: int
    newest: int


@dataclass(frozen=True, slots=True)
class FenceMove:
    """A batch of a source partition: its fence must stand at offset `expected` (None: not set) and becomes `moved`."""

    partition: Partition
    expected: int | None
    moved: Fence


@dataclass(slots=True)
class GroupWrite:
    """What one call writes: fences and customers of one fence group, all or nothing.

    `least` are the offsets at which the fences of other partitions must stand at least: the evaluation time rests on
    what has been applied from them, and a failover may have lost it. `erasures` is up to where the writer had read the
    erasures when it chose the events.
    """

    group: int
    fences: Sequence[FenceMove] = ()
    least: Mapping[Partition, int] = field(default_factory=dict)
    customers: Mapping[str, CustomerRecord] = field(default_factory=dict)
    erasures: int = 0

    def with_messages(self) -> list[tuple[str, CustomerRecord]]:
        """List the customers who have messages to be published, with their records."""
        return [(customer, record) for customer, record in self.customers.items() if record.raised]


@dataclass(slots=True)
class LinkWrite:
    """Makes an id stand for a customer, from whom on everything under it is the customer's.

    `version` is that of the id as loaded. `record` is the customer with both histories, None where there was none to
    take over. `followed` are the versions of the linked ids that the customer's id was found by, and of the customer.
    `least` and `erasures` are those of `GroupWrite`.
    """

    id: str
    version: str
    customer: str
    record: CustomerRecord | None = None
    followed: Mapping[str, str] = field(default_factory=dict)
    least: Mapping[Partition, int] = field(default_factory=dict)
    erasures: int = 0


class StoredFeed(NamedTuple):
    """What is stored of a feed: the stretches of its events (microseconds), and what has been reported, as JSON."""

    stretches: Sequence[Stretch] = ()
    told: str = ""


class KpiStore(Protocol):
    """Where the sums over customers and the figures made of them live; a segment of '' is that of all customers.

    The sums move in `Store.apply` and `Store.erase`, with the customers.
    """

    async def sums(self, segment: str = "", *, spells: bool = False) -> dict[str, int]:
        """Read sums, by the fields of `scoring.customer.activity`; those of spells only where asked for."""
        ...

    async def churn(self, segment: str = "") -> dict[str, int]:
        """Read the sums of who comes and goes by the policy's rule, with spells; see `scoring.customer.churn`."""
        ...

    async def fold(self, segment: str, before: int, *, churn: bool = False) -> None:
        """Let sums forget the days before one (its number), once for each; see `scoring.figures.kpi.folding`.

        Args:
            segment: see above.
            before: the first day that is kept.
            churn: whether those of `churn` are meant.
        """

    async def measures(self, segment: str = "", *, past: bool = False) -> dict[str, int]:
        """Read the sums of which measures are made, by the fields of `scoring.rules.tally`.

        Args:
            segment: see above.
            past: whether to add what they have forgotten and is kept by the day.
        """
        ...

    async def segments(self) -> dict[str, int]:
        """Return which segments have customers with a score, and how many."""
        ...

    async def fold_measures(
        self, segment: str, kept_from: int, told_from: int, past: tuple[int, int] | None = None
    ) -> None:
        """Let the sums of measures forget panes; not each time.

        Args:
            segment: see above.
            kept_from: see `scoring.rules.tally.folding`.
            told_from: see there.
            past: these two for the sums that keep by the day what is forgotten; None where nothing is kept.
        """

    async def grouping(self, name: str, first: int, last: int) -> dict[int, GroupingDay]:
        """Read what is counted of a grouping by day; a day without anything is left out.

        Args:
            name: see `streams.store.sums.gains.largest_name`.
            first: number of the first day.
            last: number of the last day.
        """
        ...

    async def fold_grouping(self, name: str, before: int) -> None:
        """Forget what was counted of a grouping before a day (its number)."""

    async def publish(self, segment: str, figures: Mapping[str, str]) -> None:
        """Put figures in the place of those that applications read; one that is not among them is removed."""

    async def figures(self, segment: str = "") -> dict[str, str]:
        """Read the figures that applications read; none if none have been published."""
        ...

    async def keep_published(self, segments: Collection[str]) -> None:
        """Remove the published figures of all segments but these."""

    async def take_turn(self, milliseconds: int) -> bool:
        """Return whether to make the figures now; if so, no other worker gets True for so long."""
        ...


class Store(Protocol):
    """Where scores, fences and schedules live.

    Every method raises `StoreUnavailable` where the store does not answer or cannot take the call at the moment.
    """

    groups: int
    policies: PolicyStore

    def follow(self, policy: Policy, digest: str) -> None:
        """Read and write customers by another policy; writes are refused once yet another one is in force.

        Args:
            policy: records that were loaded by another one must not be written any more.
            digest: of the policy in force that it is made of.
        """

    @property
    def absences(self) -> AbsenceStore:
        """The sums of members, the clocks and the schedules of absence."""
        ...

    @property
    def kpi(self) -> KpiStore:
        """The figures over all customers."""
        ...

    async def open(self) -> None:
        """Connect and check that the store keeps what it is given; raises `UnsafeStore` where it would not."""

    async def check(self) -> None:
        """Look whether the store still keeps what it is given; raises as `open`."""

    async def close(self) -> None:
        """Give up the connections."""

    def group_of(self, customer: str) -> int:
        """Return a customer's fence group, from 0 to `groups` - 1."""
        ...

    async def fences(self, partitions: Sequence[Partition]) -> dict[Partition, list[Fence | None]]:
        """Read the fences of partitions, by group; None where none is set."""
        ...

    async def logs(self, partitions: Sequence[Partition]) -> dict[Partition, str]:
        """Return the log that the fences of partitions are of, by the id of its topic; '' where none has been noted."""
        ...

    async def note_logs(self, logs: Mapping[Partition, str]) -> None:
        """Note of which log the fences of partitions speak."""

    async def load(self, customers: Sequence[str]) -> list[CustomerRecord]:
        """Read customers in the order asked for; one who is not stored comes without a version.

        One who cannot be read comes with the reason, and is no obstacle to the others.
        """
        ...

    async def apply(self, writes: Sequence[GroupWrite], now: int) -> list[FenceMoved | VersionMoved | None]:
        """Write groups, each whole or not at all.

        On success the records' versions and stored fields move on with the store.

        Args:
            writes: one per group.
            now: the wall clock, in microseconds; when messages went into the outbox.

        Returns:
            For each write None, or why it was refused.
        """
        ...

    async def apply_together(
        self, writes: Sequence[GroupWrite], followed: Mapping[str, str], now: int
    ) -> FenceMoved | VersionMoved | None:
        """Write several groups, all of them or none: what came under linked ids is in other groups than the customers.

        Args:
            writes: one per group.
            followed: the versions of the linked ids that stand for the customers; refused if one has another by now.
            now: the wall clock, in microseconds.

        Returns:
            None, or why all were refused.
        """
        ...

    async def link(self, write: LinkWrite, now: int) -> FenceMoved | VersionMoved | None:
        """Make an id stand for a customer; all that stood for the id stands for the customer from then on.

        Messages of the id that wait to be published are published as they are.

        Args:
            write: see there.
            now: the wall clock, in microseconds.

        Returns:
            None, or why it was refused.
        """
        ...

    async def ids_of(self, customer: str) -> list[str]:
        """List all ids of the customer whom an id is or stands for: the customer's own first, then the linked ones."""
        ...

    async def waiting(self, group: int, names: Mapping[str, Sequence[str]]) -> list[tuple[str, Message]]:
        """Read messages of the outbox by customer and name, each with its customer; those not there are left out."""
        ...

    async def published(self, names: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
        """Take messages out of the outbox, by group, customer and name; those that are not there are passed over."""

    async def due(self, group: int, *, crossing: bool, until: int, limit: int, worker: str) -> list[str]:
        """List customers that change by themselves by a time, the earliest first.

        Only one worker at a time gets a group's; the others get none for some seconds.
        """
        ...

    async def unschedule(self, group: int, customers: Mapping[str, str]) -> None:
        """Take customers who cannot be judged out of the schedules, unless they have been written meanwhile.

        Args:
            group: of the customers.
            customers: who are not stored any more, or cannot be read, with their versions as loaded.
        """

    async def unpublished(self, group: int, before: int, limit: int) -> list[tuple[str, Message]]:
        """Read messages that have waited since before a time (wall clock, microseconds), each with its customer."""
        ...

    async def exchange_marks(self, marks: Mapping[Partition, Mark]) -> dict[Partition, Mark]:
        """Report how far this worker's partitions have come; returns the marks of all partitions.

        A mark is not taken if a later generation of the consumer group has reported, or if a fence of the partition
        stands before the offset of the mark.
        """
        ...

    async def exchange_feeds(
        self, activity: Mapping[str, Sequence[Stretch]], apart: Mapping[str, int]
    ) -> dict[str, StoredFeed]:
        """Add stretches of events by channel, joined where they are no further apart; returns all that is stored."""
        ...

    async def note_told(self, channel: str, expected: str, told: str) -> bool:
        """Store what has been reported of a feed; False if what is stored is not what was expected."""
        ...

    async def note_unknown_types(self, hour: int, counts: Names) -> None:
        """Count events of types that the policy does not name, to be reported; old ones are forgotten.

        Args:
            hour: its number since 1970.
            counts: by channel and type.
        """

    async def unknown_types(self, hour: int) -> Names:
        """Give the counts of the day up to and with an hour, all workers together."""
        ...

    async def erase(self, customer: str, digest: str, erased_at: int, place: int) -> dict[Partition, int] | None:
        """Remove every trace of a customer, once for each erasure.

        From then on the group refuses every writer who has not read the tombstone.

        Args:
            customer: the id.
            digest: what stands for the id in the tombstone.
            erased_at: the time of the erasure, in microseconds; tells it from another one of the same customer.
            place: the offset of the tombstone.

        Returns:
            The fences of the customer's group at that moment, none if there was no such customer; None if this erasure
            had been carried out before.
        """
        ...

    async def erased(self) -> dict[str, int]:
        """Return which erasures have been carried out: the time of the last one by digest."""
        ...

    async def erasures_carried_out(self) -> int:
        """Count the erasures that have been carried out; a lower number than before means that some are forgotten."""
        ...

    async def require_erasures(self, known: int) -> None:
        """Refuse every writer, whatever the group, who has not read the erasures up to an offset."""

    async def settle_erasures(self, erasures: Mapping[str, int]) -> None:
        """Note that nothing is left to do for erasures, by digest and time."""

    def customers(self) -> AsyncIterator[list[str]]:
        """Go through the ids of all customers who are stored, some of them perhaps twice."""
        ...

    async def forget_mark(self, partition: Partition) -> None:
        """Take back what has been reported of a partition whose log was made anew."""

    async def read(self, customer: str) -> CustomerRecord | None:
        """Read one customer for display, with its published fields; None if there is no score yet."""
        ...

    async def band_counts(self) -> dict[str, int]:
        """Count the customers in each band."""
        ...
