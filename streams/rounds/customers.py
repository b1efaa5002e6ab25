"""The customers that a worker keeps between rounds, and whom it finds behind the ids that events were sent under.

Rests on decisions 30, 49 and 154.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scoring.policy.policy import Policy
from streams.rounds.bundles import Bundle, Events, bundles_of
from streams.rounds.cache import CustomerCache
from streams.rounds.set_aside import SetAside
from streams.rounds.work import portions_of
from streams.store.protocol import CustomerRecord, Store

#: Linked ids that a worker remembers; a few hundred bytes each.
_MOST_LINKED = 50_000


class Customers:
    """Loads customers, and keeps those used last; ids that stand for others are remembered apart from them.

    Each method that loads raises `TransientError` if the store does not answer.
    """

    def __init__(self, policy: Policy, store: Store, set_aside: SetAside, most: int) -> None:
        """Start with none.

        Args:
            policy: says whether ids can be linked, which never changes while a worker runs.
            store: where customers are.
            set_aside: gets those who cannot be read.
            most: customers kept between rounds.
        """
        self.cache = CustomerCache(most)
        self._linking = bool(policy.identities)
        # The linked ids that this worker has met; the store refuses a write for which one of them is out of date.
        self._linked: dict[str, CustomerRecord] = {}
        self._store = store
        self._set_aside = set_aside

    def portions(self, waiting: Mapping[int, Events]) -> list[dict[int, Events]]:
        """Divide groups into those whose customers are loaded together: see `portions_of`."""
        # Which groups linked ids connect is known once all are loaded.
        return [dict(waiting)] if self._linking else portions_of(waiting, self.cache)

    async def load(self, groups: Mapping[int, Iterable[str]]) -> None:
        """Load those who are not kept.

        Args:
            groups: ids by group.
        """
        missing = [customer for group in groups.values() for customer in self.cache.missing(group)]
        if self._linked:
            missing = [customer for customer in missing if customer not in self._linked]
        if missing:
            self._linked.update(self.cache.keep(missing, await self._read(missing)))

    async def _read(self, customers: Sequence[str]) -> list[CustomerRecord]:
        records = await self._store.load(customers)
        for customer, record in zip(customers, records, strict=True):
            if record.unreadable:
                self._set_aside.note(customer, record.unreadable)
        self._set_aside.note_readable(
            [customer for customer, record in zip(customers, records, strict=True) if not record.unreadable]
        )
        return records

    async def bundles(self, loaded: Mapping[int, Events]) -> list[Bundle]:
        """Find out whose the events under linked ids are.

        Args:
            loaded: events by group and the id that they were sent under.

        Returns:
            The same events by the customers whose they are, who are loaded, too.
        """
        if not self._linked:
            return [Bundle({group: events}, {group: events}) for group, events in loaded.items()]
        bundles = bundles_of(loaded, self._linked, self._store.group_of)
        followed = [bundle.events for bundle in bundles if bundle.followed]
        for events in followed:
            await self.load(events)
        # Who is known as a customer here may have been linked to another one meanwhile, and all that stood for him.
        stale = {name for events in followed for some in events.values() for name in some if name in self._linked}
        if stale:
            self._drop([name for name, record in self._linked.items() if record.stands_for in stale])
            await self.load(loaded)
            return await self.bundles(loaded)
        return bundles

    async def load_anew(self, bundle: Bundle, customers: Sequence[str]) -> dict[str, CustomerRecord] | None:
        """Load those of a bundle whom another worker has written meanwhile; they are not kept yet.

        Args:
            bundle: that the store has refused.
            customers: because of whom, or of which ids.

        Returns:
            Their records; None where an id is linked otherwise by now, so that whose the events are is found out anew.
        """
        moved = bundle.followed.keys() & customers
        self._drop(moved)
        loaded = dict(zip(customers, await self._read(customers), strict=True))
        return None if moved or any(record.stands_for for record in loaded.values()) else loaded

    def gone(self, customers: Iterable[str]) -> dict[str, str]:
        """Find those among loaded ones who cannot be judged, with their versions: nobody, or unreadable."""
        return {
            customer: "" if customer in self._linked else self.cache[customer].version
            for customer in sorted(customers)
            if customer in self._linked or not self.cache[customer].version or self.cache[customer].unreadable
        }

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self._linked.pop(name, None)

    def trim(self) -> None:
        """Forget what was used or met first, down to the bounds; not while records are in use."""
        self.cache.trim()
        self._drop(list(self._linked)[: max(len(self._linked) - _MOST_LINKED, 0)])

    def clear(self) -> None:
        """Forget everything."""
        self.cache.clear()
        self._linked.clear()
