"""How many records to take from the consumer at a time, so that what is in hand has a bounded size.

Rests on decisions 43, 57 and 78.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Bytes that the records taken at a time should have, and how many they may be however small they are.
_BYTES, _MOST_RECORDS = 4 * 1024 * 1024, 20_000
_FIRST_RECORDS = 500
#: Records that are unpacked at a time.
_CHUNK = 500
#: What a record takes beside its value.
_OVERHEAD = 100
_LOOKED_AT = 16


class FetchSize:
    """Follows the size of the records: a fetch of a megabyte may hold a hundred when it is unpacked.

    Records are unpacked in chunks, and a batch of the log makes at least one; so it follows how many a chunk has, too.
    """

    def __init__(self) -> None:
        """Begin with few records, as nothing is known of their size."""
        self.records = _FIRST_RECORDS
        self._per_chunk = _FIRST_RECORDS

    @property
    def chunk(self) -> int:
        """How many records to unpack at a time; not many more than last time, so that what is taken stays bounded."""
        return min(2 * self._per_chunk, self.records, _CHUNK)

    @property
    def chunks(self) -> int:
        """How many chunks to take at a time."""
        return max(self.records // self._per_chunk, 1)

    def learn(self, fetched: Mapping[Any, Sequence[Sequence[Any]]]) -> int:
        """Look at some of the records that came.

        Args:
            fetched: chunks of records by partition.

        Returns:
            How many to take the next time.
        """
        chunks = [chunk for some in fetched.values() for chunk in some]
        sizes = [
            len(record.value or b"") + _OVERHEAD
            for chunk in chunks[:: max(len(chunks) // _LOOKED_AT, 1)]
            for record in chunk[:: max(len(chunk) // _LOOKED_AT, 1)]
        ]
        if sizes:
            average = sum(sizes) // len(sizes)
            self.records = min(max(_BYTES // average, 1), _MOST_RECORDS)
            self._per_chunk = min(max(sum(map(len, chunks)) // len(chunks), 1), self.records)
        return self.records
