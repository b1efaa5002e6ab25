"""Where each source partition stands: the fences of its groups, and the next offset that has to be applied.

Rests on decisions 28, 29, 35 and 38.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from streams.records import Partition, RecordBatch
from streams.store.protocol import Fence, FenceMove, Store

Fences = list[Fence | None]


class Positions:
    """This worker's picture of the fences; the store refuses a write for which it is wrong."""

    def __init__(self, store: Store) -> None:
        """Start without partitions.

        Args:
            store: keeps the fences.
        """
        self._store = store
        self._fences: dict[Partition, Fences] = {}
        self._next: dict[Partition, int] = {}
        self._start_of_log: dict[Partition, int] = {}

    @property
    def partitions(self) -> list[Partition]:
        """The partitions that are assigned; fences of others may be known from batches that came before they left."""
        return list(self._start_of_log)

    def group_of(self, customer: str) -> int:
        """Return a customer's fence group."""
        return self._store.group_of(customer)

    async def assign(self, starts: Mapping[Partition, int]) -> dict[Partition, int]:
        """Begin with an assignment.

        Args:
            starts: for each partition, where to start if a group of it has no fence.

        Returns:
            Where to start.
        """
        self._start_of_log = dict(starts)
        self._fences = await self._store.fences(list(starts))
        self._next = {partition: self._first(partition) for partition in self._fences}
        return dict(self._next)

    def leave_all(self) -> None:
        """Note that no partition is assigned any more; a round may be in hand, which still asks for their fences."""
        self._start_of_log = {}

    def _first(self, partition: Partition) -> int:
        fences = self._fences[partition]
        known = [fence.offset for fence in fences if fence is not None]
        # A start after a fence would skip what that group has not applied.
        return min(known) if len(known) == len(fences) else min([self._start_of_log.get(partition, 0), *known])

    async def read(self, partitions: Iterable[Partition]) -> None:
        """Read the fences of partitions that are not known yet."""
        missing = [partition for partition in partitions if partition not in self._fences]
        if missing:
            self._fences |= await self._store.fences(missing)
            self._next |= {partition: self._first(partition) for partition in missing}

    async def read_again(self, starts: Mapping[Partition, int]) -> dict[Partition, int]:
        """Read all fences anew.

        Args:
            starts: for each assigned partition, where to start if a group of it has no fence.

        Returns:
            The partitions that stand before where this worker had come, with the offset to go back to.
        """
        before = dict(self._next)
        self._start_of_log = dict(starts)
        self._fences = await self._store.fences(list(self._fences))
        self._next = {partition: self._first(partition) for partition in self._fences}
        return {
            partition: self._next[partition]
            for partition in self.partitions
            if self._next[partition] < before[partition]
        }

    async def lost(self) -> bool:
        """Return whether the store has forgotten some of what this worker knows it had of its partitions."""
        stored = await self._store.fences(self.partitions)
        return any(
            known is not None and (stands is None or stands.offset < known.offset)
            for partition, fences in stored.items()
            for known, stands in zip(self._fences[partition], fences, strict=True)
        )

    def offsets(self, partition: Partition) -> list[int]:
        """Give the offsets up to which the groups have applied a partition, 0 where none is known."""
        return [fence.offset if fence else 0 for fence in self._fences[partition]]

    def has_applied(self, partition: Partition, offset: int) -> bool:
        """Return whether every group has applied a partition up to an offset."""
        return partition in self._next and self._next[partition] >= offset

    def newest(self, partition: Partition) -> int:
        """Give the newest event time that every group has applied from a partition, in microseconds."""
        return min(fence.newest if fence else 0 for fence in self._fences[partition])

    def accept(self, batches: Sequence[RecordBatch]) -> tuple[list[RecordBatch], dict[Partition, int]]:
        """Sort out the batches that continue what has been applied.

        Args:
            batches: those of a partition in order.

        Returns:
            The accepted batches, among them such as were applied before and only have to be acknowledged; and, for
            partitions where records are missing before a batch, the offset to go back to.
        """
        accepted: list[RecordBatch] = []
        expected = dict(self._next)
        missed: dict[Partition, int] = {}
        for batch in batches:
            if batch.base > expected[batch.partition]:
                missed[batch.partition] = max(missed.get(batch.partition, 0), batch.next_offset)
            else:
                accepted.append(batch)
                expected[batch.partition] = max(expected[batch.partition], batch.next_offset)
        # What came before the consumer was sent back may be followed by the same records, and by those before them.
        return accepted, {
            partition: expected[partition] for partition, end in missed.items() if expected[partition] < end
        }

    def moves(self, ends: Mapping[Partition, Fence]) -> dict[int, list[FenceMove]]:
        """Return how the fences move when batches are applied.

        Args:
            ends: for each partition of the batches, where it will stand.

        Returns:
            The moves of every group; none for a partition where a group is further already.
        """
        moves: dict[int, list[FenceMove]] = {group: [] for group in range(self._store.groups)}
        for partition, end in ends.items():
            for group, fence in enumerate(self._fences[partition]):
                if fence is None or fence.offset < end.offset:
                    newest = max(end.newest, fence.newest if fence else 0)
                    expected = fence.offset if fence else None
                    moves[group].append(FenceMove(partition, expected, Fence(end.offset, newest)))
        return moves

    def applied(self, moves: Mapping[int, Sequence[FenceMove]]) -> None:
        """Note that fences have moved.

        Args:
            moves: of every group.
        """
        for group, group_moves in moves.items():
            for move in group_moves:
                self._fences[move.partition][group] = move.moved
        for partition in {move.partition for group_moves in moves.values() for move in group_moves}:
            self._next[partition] = max(self._next[partition], min(self.offsets(partition)))
