"""Erases customers on demand: the tombstone first, then every trace in Redis.

Rests on decisions 41 and 51.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from streams.erasures.knowledge import erase
from streams.erasures.log import ErasureLog
from streams.erasures.tombstone import Tombstone
from streams.errors import StoreUnavailable, UnreadableCustomer
from streams.kafka.topic_ids import topic_ids
from streams.kafka.topic_range import log_ranges
from streams.kafka.topics import read_topics
from streams.machine_clock import wall_clock
from streams.settings.settings import Settings
from streams.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done: whom, under which other ids, and whether there was a score."""

    customer: str
    had_score: bool
    linked: tuple[str, ...] = ()


class Eraser:
    """Erases customers; an erasure that failed half-way is completed by another one."""

    def __init__(self, settings: Settings, stores: Sequence[Store], log: ErasureLog) -> None:
        """Prepare.

        Args:
            settings: name the brokers and the source topics.
            stores: what the customers are removed from.
            log: where the tombstones go.
        """
        self._settings = settings
        self._stores = stores
        self._log = log

    async def knows(self, customer: str) -> bool:
        """Return whether anything is stored of a customer: a score, a link, or an event that is still ahead.

        Args:
            customer: an id.
        """
        for store in self._stores:
            try:
                if await store.ids_of(customer) != [customer]:
                    return True
                [record] = await store.load([customer])
            except UnreadableCustomer:
                return True
            if record.version or record.unreadable:
                return True
        return False

    async def erase(self, customer: str, events_before: int | None = None) -> Erasure:
        """Erase one customer, with all ids that have been linked.

        Args:
            customer: an id of the customer.
            events_before: events that happened earlier stay without effect, wherever they stand; by default those
                before now.

        Returns:
            What was done.

        Raises:
            TransientError: if Kafka or the store does not answer; the erasure has to be repeated.
        """
        await self._log.catch_up()
        ids = list(dict.fromkeys([name for store in self._stores for name in await _ids_of(store, customer)]))
        # All of them first: what this command may leave undone, a worker finds by them.
        ends, logs = await self._ends_of_log()
        tombstones = [(name, await self._publish(name, events_before, ends, logs)) for name in ids]
        had_score = False
        for store in self._stores:
            had_score |= await _has_score(store, ids[0])
            # The customer last: the linked ids would go along, and nobody could tell how far their events were applied.
            for name, tombstone in reversed(tombstones):
                await self._remove(store, name, tombstone)
        return Erasure(ids[0], had_score, tuple(ids[1:]))

    async def _publish(
        self, customer: str, events_before: int | None, ends: Mapping[str, int], logs: Mapping[str, str]
    ) -> Tombstone:
        digest = self._log.digests.of(customer)
        before = self._log.tombstones.get(digest)
        erased_at = max(wall_clock(), before.erased_at + 1 if before else 0)
        until = erased_at if events_before is None else events_before
        if before:
            until = max(until, before.events_before)
        offsets = {**(before.offsets if before else {}), **ends}
        logs = {**(before.logs if before else {}), **logs}
        tombstone = Tombstone(digest, erased_at, until, offsets, logs=logs)
        return replace(tombstone, place=await self._log.append(tombstone))

    async def _remove(self, store: Store, customer: str, tombstone: Tombstone) -> None:
        try:
            await erase(store, self._log, customer, tombstone)
        except StoreUnavailable:
            # The function library may have had to be loaded again.
            await erase(store, self._log, customer, tombstone)

    async def _ends_of_log(self) -> tuple[dict[str, int], dict[str, str]]:
        topics = read_topics(self._settings.policy)
        ids = await topic_ids(self._settings, topics)
        ranges = await log_ranges(self._settings, topics)
        logs = {partition.label: ids[partition.topic] for partition in ranges}
        return {partition.label: end for partition, (_, end) in ranges.items()}, logs


async def _ids_of(store: Store, customer: str) -> list[str]:
    try:
        return await store.ids_of(customer)
    except UnreadableCustomer:
        return [customer]


async def _has_score(store: Store, customer: str) -> bool:
    try:
        return await store.read(customer) is not None
    except UnreadableCustomer:
        # Whatever is there goes.
        return True
