"""A bounded cache of customer records; the store's compare-and-set makes a stale entry harmless.

Rests on decisions 30 and 43.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from streams.store.protocol import CustomerRecord

# Up to so many chunks of event ids and so many objects a record weighs one; beyond, as much more as they take this many
# bytes. A record without takes 3 to 10 kB. The history of an object takes some bytes beside its characters.
_LIGHT_CHUNKS: Final = 8
_LIGHT_OBJECTS: Final = 16
_BYTES: Final = 2_000
_PER_OBJECT: Final = 200


class CustomerCache:
    """Keeps the customer records used last."""

    def __init__(self, most: int) -> None:
        """Start empty.

        Args:
            most: customers kept after `trim`; fewer where customers have many event ids.
        """
        self._most = most
        self._records: dict[str, CustomerRecord] = {}
        # What records weigh beyond one, and how many have been used since they were last weighed.
        self._heavy: dict[str, int] = {}
        self._weight = 0
        self._used = 0

    def __contains__(self, customer: str) -> bool:
        """Return whether a customer is kept."""
        return customer in self._records

    def __getitem__(self, customer: str) -> CustomerRecord:
        """Give a record and note that it was used."""
        record = self._records.pop(customer)
        self._records[customer] = record
        self._used += 1
        return record

    def __setitem__(self, customer: str, record: CustomerRecord) -> None:
        """Keep a record."""
        self._records[customer] = record
        self._used += 1

    def __len__(self) -> int:
        """Count the records."""
        return len(self._records)

    def missing(self, customers: Iterable[str]) -> list[str]:
        """List the customers who are not kept.

        Args:
            customers: their ids.
        """
        return [customer for customer in customers if customer not in self._records]

    def keep(self, customers: Sequence[str], records: Sequence[CustomerRecord]) -> list[tuple[str, CustomerRecord]]:
        """Keep the records of customers, but not those of linked ids.

        Args:
            customers: their ids.
            records: as loaded.

        Returns:
            The ids that are linked, with their records.
        """
        linked = []
        for customer, record in zip(customers, records, strict=True):
            if record.stands_for:
                linked.append((customer, record))
            else:
                self[customer] = record
        self.drop([customer for customer, _ in linked])
        return linked

    def drop(self, customers: Iterable[str]) -> None:
        """Forget customers, so that they are loaded again."""
        for customer in customers:
            if self._records.pop(customer, None) is not None:
                self._weight -= self._heavy.pop(customer, 0)

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._heavy.clear()
        self._weight = 0

    def trim(self) -> None:
        """Forget those not used for the longest time, down to the bound; not while their records are in use."""
        self._weigh_used()
        excess = len(self._records) + self._weight - self._most
        gone = []
        for customer in self._records:
            if excess <= 0:
                break
            gone.append(customer)
            excess -= 1 + self._heavy.get(customer, 0)
        self.drop(gone)

    def _weigh_used(self) -> None:
        for customer in islice(reversed(self._records), self._used):
            state = self._records[customer].state
            seen, objects = state.seen, state.objects
            if len(seen.chunks) > _LIGHT_CHUNKS or (objects is not None and len(objects.histories) > _LIGHT_OBJECTS):
                size = seen.size
                if objects is not None:
                    size += sum([_PER_OBJECT + len(history) for history in objects.histories.values()])
                if state.counted is not None:
                    size += state.counted.characters
                # No record is so heavy that there is no room for others.
                weight = min(size // _BYTES, self._most // 2)
                self._weight += weight - self._heavy.get(customer, 0)
                self._heavy[customer] = weight
        self._used = 0
