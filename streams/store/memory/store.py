"""The store in memory: the same contract, for tests and for trying things out; nothing survives the process.

Rests on decision 28.
"""

from __future__ import annotations

import math
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import count

from scoring.customer.state import NONE
from scoring.events.unknown_names import Names
from scoring.feeds.watermark import Mark
from scoring.instants import MINUTE
from scoring.policy.policy import BANDS, Policy
from streams.errors import FenceMoved, VersionMoved
from streams.records import Message, Partition
from streams.store.fields.bookkeeping import counts_of_day, decode_marks, decode_message, encode_mark, encode_message
from streams.store.fields.customer_reading import decode, decode_all
from streams.store.fields.customer_writing import LINKED, encode, index_changes, linked_ids, settle, stands_for
from streams.store.memory.absences import MemoryAbsences
from streams.store.memory.erasures import MemoryErasures
from streams.store.memory.feeds import MemoryFeeds
from streams.store.memory.figures import MemoryKpi
from streams.store.memory.policies import MemoryPolicies
from streams.store.policies import PolicyStore
from streams.store.protocol import ERASURES_PARTITION, CustomerRecord, Fence, GroupWrite, LinkWrite
from streams.store.sums.gains import gains_of
from streams.store.sums.shares import leaving

Sorted = dict[str, int]


class MemoryStore(MemoryErasures, MemoryFeeds):
    """See `streams.store.protocol.Store` for the contract.

    `hashes` holds each customer's fields as Redis would; `bands` the sorted set of each band.
    """

    groups = 4

    def __init__(self, policy: Policy) -> None:
        """Start empty.

        Args:
            policy: in force.
        """
        super().__init__()
        self._policy = policy
        self._writer, self._writes = secrets.token_urlsafe(4), count(1)
        self.hashes: dict[str, dict[str, str]] = {}
        self.bands: dict[str, Sorted] = defaultdict(dict)
        self._fences: dict[tuple[int, Partition], Fence] = {}
        self._logs: dict[Partition, str] = {}
        self._schedules: dict[tuple[str, int], Sorted] = defaultdict(dict)
        self._outboxes: dict[int, dict[tuple[str, str], tuple[int, str]]] = defaultdict(dict)
        self._leases: dict[int, str] = {}
        self._marks: dict[str, str] = {}
        self._unknown: dict[str, str] = {}
        self.kpi = MemoryKpi()
        self.absences = MemoryAbsences(self.hashes, self.kpi.of, self._least_fence, self._first_crossing, self._leases)
        self._digest = ""
        self._policies = MemoryPolicies(self.hashes)
        self.policies: PolicyStore = self._policies

    def follow(self, policy: Policy, digest: str) -> None:
        """Read and write by another policy."""
        self._policy, self._digest = policy, digest

    async def open(self) -> None:
        """Do nothing: there is nothing to connect to."""

    async def check(self) -> None:
        """Do nothing: there is nothing that could be set up wrongly."""

    async def close(self) -> None:
        """Do nothing."""

    def group_of(self, customer: str) -> int:
        """Return the fence group."""
        return sum(customer.encode()) % self.groups

    async def fences(self, partitions: Sequence[Partition]) -> dict[Partition, list[Fence | None]]:
        """Read the fences."""
        return {
            partition: [self._fences.get((group, partition)) for group in range(self.groups)]
            for partition in partitions
        }

    async def logs(self, partitions: Sequence[Partition]) -> dict[Partition, str]:
        """Return the log of which the fences speak."""
        return {partition: self._logs.get(partition, "") for partition in partitions}

    async def note_logs(self, logs: Mapping[Partition, str]) -> None:
        """Note of which log the fences speak."""
        self._logs.update(logs)

    async def load(self, customers: Sequence[str]) -> list[CustomerRecord]:
        """Read customers."""
        hashes = [self.hashes.get(customer, {}) for customer in customers]
        return decode_all(self._policy, hashes, customers)

    async def apply(self, writes: Sequence[GroupWrite], now: int) -> list[FenceMoved | VersionMoved | None]:
        """Write groups."""
        return [self._apply(write, now) for write in writes]

    async def apply_together(
        self, writes: Sequence[GroupWrite], followed: Mapping[str, str], now: int
    ) -> FenceMoved | VersionMoved | None:
        """Write several groups, all of them or none."""
        moved = self._moved(followed)
        for write in writes:
            refused = self._refusal(write)
            if isinstance(refused, FenceMoved):
                return refused
            moved += refused.customers if refused else ()
        if moved:
            return VersionMoved(moved)
        for write in writes:
            self._carry_out(write, now)
        return None

    async def link(self, write: LinkWrite, now: int) -> FenceMoved | VersionMoved | None:
        """Make an id stand for a customer."""
        moved = self._moved({write.id: write.version, **write.followed})
        if moved:
            return VersionMoved(moved)
        left = leaving(self.hashes.get(write.id, {}))
        group, customers_group = self.group_of(write.id), self.group_of(write.customer)
        if self._offset(group, ERASURES_PARTITION) > write.erasures:
            return FenceMoved(f"the fence of {ERASURES_PARTITION.label} stands after {write.erasures}")
        customers = {write.customer: write.record} if write.record is not None else {}
        refused = await self.apply_together(
            [GroupWrite(customers_group, (), write.least, customers, write.erasures)], {}, now
        )
        if refused is not None:
            return refused
        self.kpi.add(left)
        ids = [write.id, *linked_ids(self.hashes.get(write.id, {}))]
        self._remove(write.id, group)
        version = self._version()
        for each in ids:
            self.hashes[each] = {LINKED: write.customer, "_v": version}
            self.hashes.setdefault(write.customer, {})[f"_l{each}"] = "1"
        return None

    async def ids_of(self, customer: str) -> list[str]:
        """List all ids of a customer."""
        customer = stands_for(self.hashes.get(customer, {})) or customer
        return [customer, *linked_ids(self.hashes.get(customer, {}))]

    def _apply(self, write: GroupWrite, now: int) -> FenceMoved | VersionMoved | None:
        refused = self._refusal(write)
        if refused is None:
            self._carry_out(write, now)
        return refused

    def _refusal(self, write: GroupWrite) -> FenceMoved | VersionMoved | None:
        if write.customers and self._digest and not self._policies.allows(self._digest):
            return FenceMoved("another policy is in force than the one by which customers were judged")
        if self._offset(write.group, ERASURES_PARTITION) > write.erasures:
            return FenceMoved(f"the fence of {ERASURES_PARTITION.label} stands after {write.erasures}")
        for fence in write.fences:
            known = self._fences.get((write.group, fence.partition))
            stands = known.offset if known else None
            if stands != fence.expected:
                return FenceMoved(f"the fence of {fence.partition.label} stands at {stands or 'nothing'}")
        for partition, least in write.least.items():
            if self._offset(write.group, partition) < least:
                return FenceMoved(f"the fence of {partition.label} stands before {least}")
        moved = self._moved({customer: record.version for customer, record in write.customers.items()})
        return VersionMoved(moved) if moved else None

    def _moved(self, versions: Mapping[str, str]) -> list[str]:
        return [each for each, version in versions.items() if self.hashes.get(each, {}).get("_v", "") != version]

    def _carry_out(self, write: GroupWrite, now: int) -> None:
        self.kpi.add(gains_of(self._policy, write.customers.values()))
        for customer, record in write.customers.items():
            self._write(write.group, customer, record, now)
        for fence in write.fences:
            self._fences[write.group, fence.partition] = fence.moved

    def _least_fence(self, partition: Partition) -> int:
        return min(self._offset(group, partition) for group in range(self.groups))

    def _first_crossing(self) -> float:
        times = [time for group in range(self.groups) for time in self._schedules["c", group].values()]
        return min(times, default=math.inf)

    def _offset(self, group: int, partition: Partition) -> int:
        fence = self._fences.get((group, partition))
        return fence.offset if fence else 0

    def _write(self, group: int, customer: str, record: CustomerRecord, now: int) -> None:
        old_band, band, since, schedule = index_changes(record)
        version = self._version()
        fields, removed = encode(self._policy, record, version)
        stored = self.hashes.setdefault(customer, {})
        stored.update(zip(fields[::2], fields[1::2], strict=True))
        for name in removed:
            stored.pop(name, None)
        if band != old_band:
            self.bands[old_band].pop(customer, None)
            self.bands[band][customer] = since
        if schedule:
            for kind in "cr":
                self._schedules[kind, group].pop(customer, None)
            if schedule != "-":
                self._schedules[schedule[0], group][customer] = int(schedule[1:])
        for message in record.raised:
            self._outboxes[group][customer, message.name] = now, encode_message(message)
        self.absences.reschedule(group, customer, record)
        settle(record, version)

    def _version(self) -> str:
        return f"{self._writer}{next(self._writes)}"

    async def waiting(self, group: int, names: Mapping[str, Sequence[str]]) -> list[tuple[str, Message]]:
        """Read messages of the outbox."""
        entries = self._outboxes[group]
        asked = [(customer, name) for customer, some in names.items() for name in some]
        return [(entry[0], decode_message(entries[entry][1])) for entry in asked if entry in entries]

    async def published(self, names: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
        """Take messages out of the outbox."""
        for group, by_customer in names.items():
            for customer, some in by_customer.items():
                for name in some:
                    self._outboxes[group].pop((customer, name), None)

    async def due(self, group: int, *, crossing: bool, until: int, limit: int, worker: str) -> list[str]:
        """List customers that are due."""
        found = _until(self._schedules["c" if crossing else "r", group], until, limit)
        if found and self._leases.setdefault(group, worker) != worker:
            return []
        return found

    async def unschedule(self, group: int, customers: Mapping[str, str]) -> None:
        """Forget schedules."""
        for customer, version in customers.items():
            if self.hashes.get(customer, {}).get("_v", "") == version:
                for entries in (self._schedules["c", group], self._schedules["r", group]):
                    entries.pop(customer, None)

    async def unpublished(self, group: int, before: int, limit: int) -> list[tuple[str, Message]]:
        """Read messages that wait."""
        waiting = sorted((at, *entry, words) for entry, (at, words) in self._outboxes[group].items() if at <= before)
        return [(customer, decode_message(words)) for _, customer, _, words in waiting[:limit]]

    async def exchange_marks(self, marks: Mapping[Partition, Mark]) -> dict[Partition, Mark]:
        """Report and read marks."""
        stored = decode_marks(self._marks)
        for partition, mark in marks.items():
            old = stored.get(partition)
            fresh = old is None or old.generation <= mark.generation or mark.reported_at - old.reported_at > MINUTE
            if fresh and all(self._offset(group, partition) >= mark.offset for group in range(self.groups)):
                self._marks[partition.label] = encode_mark(mark)
        return decode_marks(self._marks)

    async def note_unknown_types(self, hour: int, counts: Names) -> None:
        """Count events of types that the policy does not name."""
        for (channel, kind), number in counts.items():
            field = f"{hour}\n{channel}\n{kind}"
            self._unknown[field] = str(int(self._unknown.get(field, "0")) + number)

    async def unknown_types(self, hour: int) -> Names:
        """Give the counts of the last day."""
        return counts_of_day(self._unknown, hour)

    async def erase(self, customer: str, digest: str, erased_at: int, place: int) -> dict[Partition, int] | None:
        """Remove every trace of a customer."""
        if self._erased.get(digest, -1) >= erased_at:
            return None
        group = self.group_of(customer)
        self.kpi.add(leaving(self.hashes.get(customer, {})))
        fields = self.hashes.get(customer, {})
        for each in linked_ids(fields):
            self.hashes.pop(each, None)
        self.hashes.get(stands_for(fields), {}).pop(f"_l{customer}", None)
        existed = self._remove(customer, group)
        for entry in [entry for entry in self._outboxes[group] if entry[0] == customer]:
            del self._outboxes[group][entry]
        self._settle(digest, erased_at)
        self._require(group, place + 1)
        return {
            partition: fence.offset
            for (its_group, partition), fence in self._fences.items()
            if existed and its_group == group and partition != ERASURES_PARTITION
        }

    def _remove(self, customer: str, group: int) -> bool:
        """Take a customer's hash away, and the places in the indexes; tell whether there was a hash."""
        for entries in (*self.bands.values(), self._schedules["c", group], self._schedules["r", group]):
            entries.pop(customer, None)
        self.absences.forget(group, customer)
        return self.hashes.pop(customer, None) is not None

    def _require(self, group: int, known: int) -> None:
        if self._offset(group, ERASURES_PARTITION) < known:
            self._fences[group, ERASURES_PARTITION] = Fence(known, 0)

    async def require_erasures(self, known: int) -> None:
        """Refuse writers who have not read the erasures so far."""
        for group in range(self.groups):
            self._require(group, known)

    async def customers(self) -> AsyncIterator[list[str]]:
        """Go through the ids of all customers."""
        yield list(self.hashes)

    async def forget_mark(self, partition: Partition) -> None:
        """Take a mark back."""
        self._marks.pop(partition.label, None)

    async def read(self, customer: str) -> CustomerRecord | None:
        """Read one customer for display."""
        fields = self.hashes.get(customer, {})
        record = decode(self._policy, fields, customer)
        record.fields = {name: value for name, value in fields.items() if not name.startswith("_")}
        return record if record.version and record.state.judged != NONE else None

    async def band_counts(self) -> dict[str, int]:
        """Count the customers in each band."""
        return {band: len(self.bands[band]) for band in BANDS}


def _until(entries: Sorted, until: int, limit: int) -> list[str]:
    ordered = sorted((time, customer) for customer, time in entries.items() if time <= until)
    return [customer for _, customer in ordered[:limit]]
