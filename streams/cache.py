"""A bounded cache of customers' records; the store's compare-and-set makes a stale entry harmless."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from streams.store.protocol import CustomerRecord


class RecordCache:
    """Keeps the records used last."""

    def __init__(self, most: int) -> None:
        """Start empty.

        Args:
            most: customers kept after `trim`.
        """
        self._most = most
        self._records: dict[str, CustomerRecord] = {}

    def __contains__(self, customer: str) -> bool:
        """Tell whether a customer is kept."""
        return customer in self._records

    def __getitem__(self, customer: str) -> CustomerRecord:
        """Give a record and note that it was used."""
        record = self._records.pop(customer)
        self._records[customer] = record
        return record

    def __setitem__(self, customer: str, record: CustomerRecord) -> None:
        """Keep a record."""
        self._records[customer] = record

    def __len__(self) -> int:
        """Count the records."""
        return len(self._records)

    def drop(self, customers: Iterable[str]) -> None:
        """Forget customers, so that they are loaded again."""
        for customer in customers:
            self._records.pop(customer, None)

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()

    def trim(self) -> None:
        """Forget those not used for the longest time, down to the bound; not while their records are in use."""
        for customer in list(islice(self._records, max(len(self._records) - self._most, 0))):
            del self._records[customer]
