"""The contract of the part of a store that is about absences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from scoring.rules.absence import SegmentClock
from streams.records import Partition


class AbsenceStore(Protocol):
    """Where the sums of members, the clocks and the schedules of absence live; a segment of '' is all customers.

    Sums and schedules move in `Store.apply`, `Store.link` and `Store.erase`, with the customers.
    """

    async def members(
        self, within: int, segment: str, until: int, least: Mapping[Partition, int]
    ) -> dict[str, int] | None:
        """Read sums of members, by the fields of `scoring.customer.absence_days`.

        Args:
            within: for how many days after an active one a customer is a member.
            segment: its name.
            until: up to when everybody must have been judged, in microseconds: events that are kept aside are in no
                sums before.
            least: the offsets at which the fences of every group must stand at least.

        Returns:
            The sums; None where somebody is still to be judged.

        Raises:
            FenceMoved: if one stands before.
        """
        ...

    async def clock(self, segment: str) -> SegmentClock | None:
        """Read a clock; None where it has not begun."""
        ...

    async def move_clock(self, segment: str, expected: int | None, clock: SegmentClock) -> bool:
        """Store what a clock has come to, for good: what is stored of it stays.

        Args:
            segment: its name.
            expected: the last day at whose start it is stored; None where it has not begun.
            clock: known further.

        Returns:
            False if it stands elsewhere: another worker was quicker.
        """
        ...

    async def due(self, group: int, readings: Mapping[str, int], limit: int, worker: str) -> list[str]:
        """List customers at whom to look again, by what the clocks of the segments have come to.

        Only one worker at a time gets a group's; the others get none for some seconds.
        """
        ...

    async def prune(self, group: int, segments: Sequence[str], customers: Sequence[str], unread: Sequence[str]) -> None:
        """Take customers out of the schedules who are not stored there any more.

        Args:
            group: of the customers.
            segments: whose schedules are looked at.
            customers: who may be gone, or judged by another clock.
            unread: those who cannot be read, and so are taken out in any case.
        """
