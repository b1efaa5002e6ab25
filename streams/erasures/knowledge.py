"""What a worker knows of erasures: it leaves out what they cover, and sees to it that they are carried out.

Rests on decision 41.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from mode.utils.logging import get_logger

from scoring.events.event import Event
from scoring.instants import SECOND
from streams.erasures.log import ErasureLog
from streams.erasures.tombstone import Tombstone
from streams.errors import LogGap
from streams.ingest.gaps import check_logs
from streams.records import DecodedBatch, Partition
from streams.settings.settings import Settings
from streams.store.protocol import ERASURES_PARTITION, Store

logger = get_logger(__name__)

#: The command carries an erasure out itself, within moments; a worker only what is left undone for so long.
GRACE = 5 * SECOND
_DIGESTS_REMEMBERED = 100_000


class ErasureKnowledge(Protocol):
    """What the pipeline asks of it."""

    @property
    def known(self) -> int:
        """Up to where the erasures have been read."""
        ...

    def choose(self, batches: Sequence[DecodedBatch]) -> tuple[Sequence[DecodedBatch], int]:
        """Leave out the events that have no effect any more; returns the rest and how many were left out."""
        ...

    def stands_after(self, partition: Partition, offset: int, customer: str) -> bool:
        """Return whether a customer has been erased since a record was sent."""
        ...

    async def carry_out(self, customers: Iterable[str]) -> None:
        """Remove those who are erased and still stored, before something new is stored for them."""

    async def read_on(self) -> None:
        """Read what is new, and see to it that it is carried out."""

    async def look_again(self) -> None:
        """Read what is new after the store has refused a write; it must be all that the store asks for."""


class NoErasures:
    """Nobody is erased."""

    known = 0

    def choose(self, batches: Sequence[DecodedBatch]) -> tuple[Sequence[DecodedBatch], int]:
        """Leave out nothing."""
        return batches, 0

    def stands_after(self, partition: Partition, offset: int, customer: str) -> bool:  # noqa: ARG002 - nobody is
        """Return False."""
        return False

    async def carry_out(self, customers: Iterable[str]) -> None:
        """Do nothing."""

    async def read_on(self) -> None:
        """Do nothing."""

    async def look_again(self) -> None:
        """Do nothing."""


NO_ERASURES = NoErasures()


class Erasures:
    """Follows the topic of the erasures."""

    def __init__(
        self, settings: Settings, store: Store, wall: Callable[[], int], log: ErasureLog | None = None
    ) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the brokers and the key of the digests.
            store: what customers are removed from.
            wall: reads the wall clock, in microseconds.
            log: another than the topic.
        """
        self._log = log or ErasureLog(settings)
        self._store = store
        self._wall = wall
        self._digest = lru_cache(maxsize=_DIGESTS_REMEMBERED)(self._log.digests.of)
        # Known erasures that may not have been carried out here, and since when they are known to be.
        self._unsettled: dict[str, Tombstone] = {}
        self._unsettled_since = 0
        self._carried_out = -1
        self._log_checked = False
        self._logs: Mapping[Partition, str] = {}
        self.known = 0

    def read_from(self, logs: Mapping[Partition, str]) -> None:
        """Note which logs batches and links come from.

        Args:
            logs: the ids of the topics by source partition.
        """
        self._logs = {**self._logs, **logs}

    async def open(self) -> None:
        """Read the topic whole.

        Raises:
            TransientError: if Kafka or the store does not answer.
        """
        await self.read_on()

    async def close(self) -> None:
        """Give up the connection."""
        await self._log.close()

    def choose(self, batches: Sequence[DecodedBatch]) -> tuple[Sequence[DecodedBatch], int]:
        """Leave out the events that have no effect any more.

        Args:
            batches: decoded.

        Returns:
            The batches without them, and how many they are.
        """
        if not self._log.tombstones:
            return batches, 0
        chosen = [batch._replace(events=self._kept(batch)) for batch in batches]
        left_out = sum(len(before.events) - len(after.events) for before, after in zip(batches, chosen, strict=True))
        return chosen, left_out

    def _kept(self, batch: DecodedBatch) -> list[tuple[int, str, Event]]:
        label, tombstones, digest = batch.raw.partition.label, self._log.tombstones, self._digest
        log = self._logs.get(batch.raw.partition, "")
        kept = []
        for entry in batch.events:
            tombstone = tombstones.get(digest(entry[1]))
            if tombstone is None or not tombstone.covers(label, entry[0], entry[2].time, log):
                kept.append(entry)
        return kept

    def stands_after(self, partition: Partition, offset: int, customer: str) -> bool:
        """Return whether a customer has been erased since a record was sent.

        Args:
            partition: of the record.
            offset: of the record.
            customer: the id.
        """
        tombstone, log = self._log.tombstones.get(self._digest(customer)), self._logs.get(partition, "")
        return tombstone is not None and tombstone.stands_before(partition.label, offset, log)

    async def carry_out(self, customers: Iterable[str]) -> None:
        """Remove those who are erased and still stored, before something new is stored for them.

        Args:
            customers: for whom something is about to be stored.

        Raises:
            TransientError: if Kafka or the store does not answer.
        """
        if not self._unsettled:
            return
        for customer in customers:
            if tombstone := self._unsettled.get(self._digest(customer)):
                await erase(self._store, self._log, customer, tombstone)

    async def read_on(self) -> None:
        """Read what is new, and see to it that it is carried out.

        Raises:
            TransientError: if Kafka or the store does not answer.
            LogGap: if the topic was made anew.
        """
        await self._log.catch_up()
        if not self._log_checked:
            await check_logs(self._store, {ERASURES_PARTITION: self._log.topic_id})
            self._log_checked = True
        read_to = self._log.next_offset
        if not self._log.tombstones:
            self.known = read_to
            return
        carried_out = await self._store.erasures_carried_out()
        if read_to != self.known or carried_out != self._carried_out or self._unsettled:
            done = await self._store.erased()
            unsettled = {
                digest: tombstone
                for digest, tombstone in self._log.tombstones.items()
                if done.get(digest, -1) < tombstone.erased_at
            }
            if not self._unsettled:
                self._unsettled_since = self._wall()
            # From here on, in one go: whoever writes with this knowledge also knows what has to be removed first.
            self._unsettled, self._carried_out, self.known = unsettled, carried_out, read_to
        if self._unsettled and abs(self._wall() - self._unsettled_since) >= GRACE:
            await self._sweep()

    async def look_again(self) -> None:
        """Read what is new after the store has refused a write.

        Raises:
            TransientError: if Kafka or the store does not answer.
            LogGap: if the topic does not hold all that has been carried out.
        """
        # The store may have forgotten of which log its fences speak.
        self._log_checked = False
        # First the fences: what is carried out between the two looks is in the topic by the second.
        fences = (await self._store.fences([ERASURES_PARTITION]))[ERASURES_PARTITION]
        required = max(fence.offset if fence else 0 for fence in fences)
        await self.read_on()
        if required > self.known:
            raise LogGap(
                f"the erasures up to {required} have been carried out, but their topic ends at {self.known}: "
                "it was made anew"
            )

    async def settle(self) -> None:
        """Carry out at once what is left undone.

        Raises:
            TransientError: if Kafka or the store does not answer.
        """
        await self.read_on()
        if self._unsettled:
            await self._sweep()

    async def _sweep(self) -> None:
        """Carry out what is left undone: the command died, or the store has forgotten, or it is another namespace.

        The tombstones do not hold the ids, so all customers are gone through. Nobody who does not know of the erasures
        can write from the first step on, so none of them comes back behind it.
        """
        unsettled, known = dict(self._unsettled), self.known
        logger.info("%d erasures have not been carried out here; looking for the customers", len(unsettled))
        await self._store.require_erasures(known)
        found = 0
        async for customers in self._store.customers():
            for customer in customers:
                if tombstone := unsettled.get(self._digest(customer)):
                    found += await erase(self._store, self._log, customer, tombstone)
        await self._store.settle_erasures({digest: each.erased_at for digest, each in unsettled.items()})
        logger.info("%d erased customers removed", found)
        self._unsettled = {digest: each for digest, each in self._unsettled.items() if unsettled.get(digest) != each}


async def erase(store: Store, log: ErasureLog, customer: str, tombstone: Tombstone) -> bool:
    """Remove a customer whose tombstone has been published.

    Args:
        store: what it is removed from.
        log: gets a tombstone that covers more, if more had been applied by now.
        customer: the id.
        tombstone: with its place.

    Returns:
        Whether it was done now; it may have been done before.

    Raises:
        TransientError: if Kafka or the store does not answer.
    """
    applied = await store.erase(customer, tombstone.digest, tombstone.erased_at, tombstone.place)
    if applied is None:
        return False
    # Records that came since the tombstone was written, and were applied, are gone with the customer. A rebuild has to
    # leave them out, too.
    await log.catch_up()
    newest = log.tombstones.get(tombstone.digest, tombstone)
    raised = newest.raised(applied)
    if newest.erased_at == tombstone.erased_at and raised is not newest:
        await log.append(raised)
    return True
