"""Sums of members, clocks and schedules of absence in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from scoring.rules.absence import SegmentClock
from streams.errors import FenceMoved
from streams.records import Partition
from streams.store.fields.absence_fields import schedule_change, scheduled
from streams.store.protocol import CustomerRecord
from streams.store.sums.absence_sums import FIELD, absence_name


class MemoryAbsences:
    """See `streams.store.absences.AbsenceStore` for the contract."""

    def __init__(
        self,
        hashes: Mapping[str, Mapping[str, str]],
        sums: Callable[[str], Mapping[str, int]],
        stands: Callable[[Partition], int],
        first_crossing: Callable[[], float],
        leases: dict[int, str],
    ) -> None:
        """Start with nothing.

        Args:
            hashes: of the customers.
            sums: reads sums by their name.
            stands: tells the offset at which the least of the fences of a partition stands.
            first_crossing: tells when somebody is to be judged next, in microseconds.
            leases: who alone gets the customers of a group.
        """
        self._hashes = hashes
        self._sums = sums
        self._stands = stands
        self._first_crossing = first_crossing
        self._leases = leases
        self._clocks: dict[str, SegmentClock] = {}
        self._schedules: dict[str, dict[str, int]] = defaultdict(dict)

    def reschedule(self, group: int, customer: str, record: CustomerRecord) -> None:
        """Give a customer another place in the schedule, by a record that has just been encoded.

        Args:
            group: of the customer.
            customer: the id.
            record: of the customer.
        """
        change = schedule_change(record, group) if record.absence != record.encoded_absence else None
        if change is not None:
            before, after, due = change
            self._schedules[before].pop(customer, None)
            if after:
                self._schedules[after][customer] = int(due)

    def forget(self, group: int, customer: str) -> None:
        """Take a customer out of the schedules, before the hash goes.

        Args:
            group: of the customer.
            customer: the id.
        """
        self._schedules[self._place(group, customer)].pop(customer, None)

    def _place(self, group: int, customer: str) -> str:
        return scheduled(self._hashes.get(customer, {}).get(FIELD, ""), group)[0]

    async def members(
        self, within: int, segment: str, until: int, least: Mapping[Partition, int]
    ) -> dict[str, int] | None:
        """Read sums of members."""
        if self._first_crossing() <= until:
            return None
        for partition, offset in least.items():
            if self._stands(partition) < offset:
                raise FenceMoved(f"the fence of {partition.label} stands before {offset}")
        return dict(self._sums(absence_name(within, segment)))

    async def clock(self, segment: str) -> SegmentClock | None:
        """Read a clock."""
        return self._clocks.get(segment)

    async def move_clock(self, segment: str, expected: int | None, clock: SegmentClock) -> bool:
        """Store what a clock has come to."""
        stored = self._clocks.get(segment)
        if (stored.last if stored is not None else None) != expected:
            return False
        known = [] if stored is None else [stored.at(day) for day in range(stored.first, stored.last + 1)]
        first = clock.first if stored is None else stored.first
        later = range(first + len(known), clock.last + 1)
        self._clocks[segment] = SegmentClock(first, known + [clock.at(day) for day in later])
        return True

    async def due(self, group: int, readings: Mapping[str, int], limit: int, worker: str) -> list[str]:
        """List customers at whom to look again."""
        found = [
            customer
            for segment, reading in readings.items()
            for customer, due in sorted(
                self._schedules[f"{quote(segment, safe='')}:{group}"].items(), key=lambda entry: entry[::-1]
            )
            if due <= reading
        ][:limit]
        if found and self._leases.setdefault(group, worker) != worker:
            return []
        return found

    async def prune(self, group: int, segments: Sequence[str], customers: Sequence[str], unread: Sequence[str]) -> None:
        """Take customers out of the schedules."""
        for segment in segments:
            name = f"{quote(segment, safe='')}:{group}"
            for customer in customers:
                if customer in unread or self._place(group, customer) != name:
                    self._schedules[name].pop(customer, None)
