"""What only a rebuild does with Redis: hold the writers, look at whole customers, put others in their place.

Rests on decision 42.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast

from scoring.policy.policy import BANDS, Policy
from scoring.rules.absence import SegmentClock
from streams.errors import RebuildRefused
from streams.settings.settings import Settings
from streams.store.fields.customer_reading import fields_in
from streams.store.redis.merging import merge_days
from streams.store.redis.server import ERASER, REBUILDER, Role
from streams.store.redis.store import GROUPS, RedisStore
from streams.store.sums.gains import Additions, join, words_of
from streams.store.sums.shares import judged_in, share_of

_AT_ONCE = 200
_DISCARDED_AT_ONCE = 1_000
_REFUSED = {"held": "the hold has ended", "version": "a customer has been written meanwhile"}


@dataclass(frozen=True, slots=True)
class View:
    """A customer as stored: all fields of the hash, and the places in the indexes as the numbers there.

    `bands` are the bands in whose sorted sets the customer stands; `crossing` and `refresh` the times in the schedules,
    None where it stands in none.
    """

    fields: dict[str, str]
    bands: dict[str, int]
    crossing: int | None
    refresh: int | None

    @property
    def absent(self) -> bool:
        """Whether there is no trace."""
        return not self.fields and not self.bands and self.crossing is None and self.refresh is None


class ReplaceableStore(RedisStore):
    """A namespace that is compared with another, or is put in its place."""

    def __init__(self, settings: Settings, grouped_as: str = "", role: Role = REBUILDER) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the server, the namespace and the policy.
            grouped_as: another namespace whose customers fall into the same groups; by default the groups are those of
                the keys.
            role: what will be done, and the user must be allowed to do.
        """
        super().__init__(settings, role)
        self.namespace = settings.namespace
        if grouped_as:
            self._grouping_prefix = f"{grouped_as}:"

    async def exists(self) -> bool:
        """Return whether anything has been stored under the namespace."""
        async with self._mapped_errors(f"EXISTS on keys that begin with '{self._prefix}_'"):
            return bool(await self._client.exists(f"{self._prefix}_format", self._rebuild_key))

    async def views(self, customers: Iterable[str]) -> dict[str, View]:
        """Look at whole customers, each at one moment.

        Args:
            customers: their ids.

        Returns:
            A view of each.
        """
        found: dict[str, View] = {}
        for group, some in self._by_group(customers):
            words: tuple[str | int, ...] = (self._prefix, group, len(BANDS), *BANDS, *some)
            answer = await self._call("inspect", self._fences_key(group), *words)
            found |= {customer: _view(flat, places) for customer, (flat, places) in zip(some, answer, strict=True)}
        return found

    def _by_group(self, customers: Iterable[str]) -> Iterable[tuple[int, list[str]]]:
        groups: dict[int, list[str]] = {}
        for customer in customers:
            groups.setdefault(self.group_of(customer), []).append(customer)
        for group, members in sorted(groups.items()):
            for start in range(0, len(members), _AT_ONCE):
                yield group, members[start : start + _AT_ONCE]

    async def indexed(self) -> AsyncIterator[list[str]]:
        """Go through the ids in the sorted sets of the bands, whether there is a hash or not."""
        for band in BANDS:
            cursor = 0
            while True:
                async with self._mapped_errors():
                    cursor, entries = await self._client.zscan(f"{self._prefix}band:{band}", cursor, count=1000)
                yield [cast("str", customer) for customer, _ in entries]
                if not cursor:
                    break

    async def earliest_crossing(self) -> int | None:
        """Return when the first customer is due to cross into a lower band, in microseconds; None if none is."""
        pipeline = self._client.pipeline(transaction=False)
        for group in range(GROUPS):
            pipeline.zrange(f"{self._prefix}_crossings:{group}", 0, 0, withscores=True)
        async with self._mapped_errors():
            firsts = await pipeline.execute()
        return min((int(time) for entries in firsts for _, time in entries), default=None)

    async def judged_clocks(self, policy: Policy) -> dict[str, SegmentClock]:
        """Read the clocks of absence by segment, each up to before the first customer who is still to be judged by it.

        Args:
            policy: in force.
        """
        found: dict[str, SegmentClock] = {}
        if policy.absence is None:
            return found
        for segment in ["", *(await self.kpi.segments() if policy.profiles is not None else ())]:
            first = await self.absences.earliest(segment)
            clock = await self.absences.clock(segment)
            if clock is not None:
                until = None if first is None else clock.reaches(first, clock.first)
                found[segment] = clock if until is None else clock.until(until - 1)
        return found

    async def hold(self, holder: str, milliseconds: int) -> bool:
        """Let nobody write scores for a while, or a while longer.

        Args:
            holder: a name that nobody else has.
            milliseconds: how long, unless it is renewed.

        Returns:
            Whether it holds; False while another does.
        """
        return bool(await self._call("hold", f"{self._prefix}_hold", holder, milliseconds))

    async def release(self, holder: str) -> None:
        """Let others write again; does nothing where another holds."""
        await self._call("release", f"{self._prefix}_hold", holder)

    async def replace(
        self, other: ReplaceableStore, customers: Iterable[str], holder: str, since: int | None = None
    ) -> None:
        """Put customers of another namespace in the place of those here; each changes at one moment.

        Args:
            other: has applied the same of the log; it keeps what it has.
            customers: one who is not there is taken away here.
            holder: who holds this namespace.
            since: number of the first day whose activity the other one knows; None where it knows of all days.

        Raises:
            RebuildRefused: if it does not hold any more, or one of the two has applied something else.
        """
        for group, some in self._by_group(customers):
            live, rebuilt = await self.views(some), await other.views(some)
            merged = {customer: merge_days(live[customer].fields, rebuilt[customer].fields, since) for customer in some}
            words: list[str | int] = [*words_of(join(each.gains for each in merged.values()))]
            for customer, each in merged.items():
                words += (customer, each.version, 2 * len(each.fields), len(each.removed))
                words += [word for pair in each.fields.items() for word in pair]
                words += each.removed
            await self._replace(other, group, holder, words)

    async def add_sums(self, other: ReplaceableStore, group: int, additions: Additions, holder: str) -> None:
        """Add to sums what is missing there.

        Args:
            other: has applied the same of the log.
            group: whose sums they are.
            additions: by name and field.
            holder: who holds this namespace.

        Raises:
            RebuildRefused: see `replace`.
        """
        await self._replace(other, group, holder, words_of(additions))

    async def contributions(self, customers: Sequence[str]) -> list[tuple[int, Additions, int]]:
        """Return what customers are to add to the sums.

        Args:
            customers: their ids.

        Returns:
            For each the group, what is to be added, and up to when the customer has been judged, in microseconds.
        """
        found = []
        for group, some in self._by_group(customers):
            answers = await self._call("load", self._fences_key(group), self._prefix, *some)
            for flat in answers:
                fields = fields_in(flat)
                found.append((group, share_of(fields), judged_in(fields)))
        return found

    async def _replace(self, other: ReplaceableStore, group: int, holder: str, words: Sequence[str | int]) -> None:
        head = (self._prefix, other._prefix, group, holder, len(BANDS), *BANDS)
        answer = await self._call("replace", self._fences_key(group), *head, *words)
        if answer:
            why = _REFUSED.get(answer[0], f"{answer[-1]} has been applied further meanwhile")
            raise RebuildRefused(f"the scores could not be put in place: {why}; start the rebuild again")

    async def note(self, **values: str) -> dict[str, str]:
        """Store facts of the rebuild beside the scores, unless they are stored; returns those that are."""
        async with self._mapped_errors():
            for name, value in values.items():
                await self._client.hsetnx(self._rebuild_key, name, value)
            return await cast("Awaitable[dict[str, str]]", self._client.hgetall(self._rebuild_key))

    async def discard(self) -> None:
        """Delete everything under the namespace; the note goes last, so that what is left can be told from a whole."""
        async with self._mapped_errors():
            await self._client.hset(self._rebuild_key, "from", "discarded")
            # First how far it has come: without that, another rebuild puts nothing of what is left in place.
            await self._client.unlink(*map(self._fences_key, range(GROUPS)))
            keys: list[str] = []
            async for key in self._client.scan_iter(match=f"{self._prefix}*", count=_DISCARDED_AT_ONCE):
                if key != self._rebuild_key:
                    keys.append(key)
                if len(keys) >= _DISCARDED_AT_ONCE:
                    await self._client.unlink(*keys)
                    keys = []
            await self._client.unlink(*keys, self._rebuild_key)

    @property
    def _rebuild_key(self) -> str:
        return f"{self._prefix}_rebuild"


def _view(flat: Sequence[str], places: Sequence[str]) -> View:
    *bands, crossing, refresh = [int(float(place)) if place else None for place in places]
    entered = {band: second for band, second in zip(BANDS, bands, strict=True) if second is not None}
    return View(fields_in(flat), entered, crossing, refresh)


def rebuilt_store(settings: Settings, role: Role = REBUILDER) -> ReplaceableStore:
    """Make the store of the namespace in which a rebuild computes the scores anew.

    Args:
        settings: of the live namespace.
        role: what will be done.
    """
    beside = replace(settings, namespace=f"{settings.namespace}.rebuild")
    return ReplaceableStore(beside, settings.namespace, role)


@asynccontextmanager
async def open_rebuilt(settings: Settings, role: Role = ERASER) -> AsyncIterator[ReplaceableStore | None]:
    """Open the namespace of a rebuild, if one has been left behind or is at work.

    Args:
        settings: of the live namespace.
        role: what will be done.

    Yields:
        The store; None if there is none.

    Raises:
        AccessDenied: if the user lacks a right.
    """
    store = rebuilt_store(settings, role)
    try:
        there = await store.exists()
        if there:
            await store.open_existing()
        yield store if there else None
    finally:
        await store.close()
