"""What the rounds ask of the consumer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from streams.records import Partition


class Log(Protocol):
    """The source partitions, as far as they are assigned to this worker."""

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return where to start reading partitions of which nothing has been applied."""
        ...

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Go to offsets of partitions, as far as they are assigned."""
        ...

    def unread(self) -> set[Partition]:
        """Return the assigned partitions of which more is to be fetched."""
        ...
