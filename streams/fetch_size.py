"""How many records to take from the consumer at a time, so that what is in hand has a bounded size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Bytes that the records taken at a time should have, and how many they may be however small they are.
_BYTES, _MOST_RECORDS = 4 * 1024 * 1024, 20_000
_FIRST_RECORDS = 500
#: What a record takes beside its value.
_OVERHEAD = 100
_LOOKED_AT = 16


class FetchSize:
    """Follows the size of the records: a fetch of a megabyte may hold a hundred when it is unpacked."""

    def __init__(self) -> None:
        """Begin with few records, as nothing is known of their size."""
        self.records = _FIRST_RECORDS

    def learn(self, fetched: Mapping[Any, Sequence[Any]]) -> int:
        """Look at some of the records that came.

        Args:
            fetched: records by partition.

        Returns:
            How many to take the next time.
        """
        sizes = [
            len(record.value or b"") + _OVERHEAD
            for records in fetched.values()
            for record in records[:: max(len(records) // _LOOKED_AT, 1)]
        ]
        if sizes:
            average = sum(sizes) // len(sizes)
            self.records = min(max(_BYTES // average, 1), _MOST_RECORDS)
        return self.records
