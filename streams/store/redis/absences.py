"""Sums of members, clocks and schedules of absence in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from scoring.rules.absence import SegmentClock
from streams.errors import FenceMoved
from streams.records import Partition
from streams.store.fields.customer_reading import fields_in
from streams.store.redis.wire import Words
from streams.store.sums.absence_sums import absence_name
from streams.store.sums.gains import add_field

_LAST = "last"
_STILL_TO_JUDGE = 2


class RedisAbsences:
    """See `streams.store.absences.AbsenceStore` for the contract."""

    def __init__(
        self,
        prefix: str,
        library: str,
        groups: int,
        lease: int,
        send: Callable[[Sequence[Words]], Awaitable[list[Any]]],
    ) -> None:
        """Prepare.

        Args:
            prefix: of every key.
            library: of functions.
            groups: how many fence groups there are.
            lease: for how many milliseconds a worker alone gets a group's customers.
            send: sends commands and gives their answers.
        """
        self._prefix = prefix
        self._library = library
        self._groups = groups
        self._lease = lease
        self._send = send

    async def members(
        self, within: int, segment: str, until: int, least: Mapping[Partition, int]
    ) -> dict[str, int] | None:
        """Read sums of members."""
        total: dict[str, int] = {}
        fences = [word for partition, offset in least.items() for word in (partition.label, offset)]
        for group in range(self._groups):
            # One by one: others want their turn.
            name = absence_name(within, segment)
            head: Words = [self._prefix, group, name, until]
            read, *answer = await self._call("members", self._fences(group), *head, *fences)
            if read == _STILL_TO_JUDGE:
                return None
            if not read:
                raise FenceMoved(f"the fence of {answer[0]} stands at {answer[1] or 'nothing'}")
            for field, count in fields_in(answer[0]).items():
                add_field(total, field, int(count))
        return total

    async def clock(self, segment: str) -> SegmentClock | None:
        """Read a clock."""
        [answer] = await self._send([["HGETALL", self._clock(segment)]])
        fields = fields_in(answer)
        if _LAST not in fields:
            return None
        last = int(fields.pop(_LAST))
        first = min(map(int, fields))
        return SegmentClock(first, [int(fields[str(day)]) for day in range(first, last + 1)])

    async def move_clock(self, segment: str, expected: int | None, clock: SegmentClock) -> bool:
        """Store what a clock has come to."""
        days = range(clock.first if expected is None else expected + 1, clock.last + 1)
        words = [word for day in days for word in (day, clock.at(day))]
        stands = "" if expected is None else expected
        return bool(await self._call("move_clock", self._clock(segment), stands, clock.last, *words))

    async def due(self, group: int, readings: Mapping[str, int], limit: int, worker: str) -> list[str]:
        """List customers at whom to look again."""
        words: Words = [word for segment, reading in readings.items() for word in (quote(segment, safe=""), reading)]
        head: Words = [self._prefix, group, limit, worker, self._lease]
        return cast("list[str]", await self._call("absences_due", self._fences(group), *head, *words))

    async def earliest(self, segment: str) -> int | None:
        """Return the least reading at which somebody is to be looked at again; None where nobody is."""
        name = quote(segment, safe="")
        keys = [f"{self._prefix}_absences:{name}:{group}" for group in range(self._groups)]
        firsts = await self._send([["ZRANGE", key, 0, 0, "WITHSCORES"] for key in keys])
        return min((int(float(_score(entries[0], entries))) for entries in firsts if entries), default=None)

    async def prune(self, group: int, segments: Sequence[str], customers: Sequence[str], unread: Sequence[str]) -> None:
        """Take customers out of the schedules."""
        names = [quote(segment, safe="") for segment in segments]
        head: Words = [self._prefix, group, len(names), *names, len(unread)]
        others = [customer for customer in customers if customer not in unread]
        await self._call("prune_absences", self._fences(group), *head, *unread, *others)

    def _fences(self, group: int) -> str:
        return f"{self._prefix}_fences:{group}"

    def _clock(self, segment: str) -> str:
        return f"{self._prefix}_clock:{segment}"

    async def _call(self, function: str, key: str, *words: str | int) -> Any:
        return (await self._send([["FCALL", f"{self._library}_{function}", 1, key, *words]]))[0]


def _score(first: Any, entries: Sequence[Any]) -> Any:
    """Take the score of the first entry, which comes in a pair with it or after it by the version of the protocol."""
    return first[1] if isinstance(first, list) else entries[1]
