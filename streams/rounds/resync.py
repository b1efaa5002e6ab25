"""Brings a worker to where the store stands: when partitions are assigned, and when the store has lost something.

Rests on decision 38.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mode.utils.logging import get_logger

from streams.records import Partition
from streams.rounds.engine import Engine
from streams.rounds.log import Log
from streams.rounds.positions import Positions

logger = get_logger(__name__)


class Resync:
    """Reads the fences and the marks; the lock of the pipeline has to be held."""

    def __init__(self, engine: Engine, positions: Positions, log: Log) -> None:
        """Put the parts together.

        Args:
            engine: whose store is read.
            positions: where the groups stand.
            log: is sent to where the store stands.
        """
        self._engine = engine
        self._positions = positions
        self._log = log

    async def assign(self, starts: Mapping[Partition, int]) -> dict[Partition, int]:
        """Begin with the partitions of an assignment.

        Args:
            starts: the partitions, each with where to start if nothing of it has been applied.

        Returns:
            The offsets at which to read on.

        Raises:
            StoreUnavailable: if the store does not answer.
        """
        offsets = await self._positions.assign(starts)
        await self._take_over_marks(starts)
        return offsets

    async def check(self) -> None:
        """Look whether the store has forgotten what this worker knows it had, and if so apply it again."""
        if await self._positions.lost():
            logger.warning("the store has forgotten what it had; reading the fences anew")
            await self.read_anew()

    async def read_anew(self) -> None:
        """Read all fences and forget the cache: the store is not where this worker left it."""
        self._engine.scorer.forget()
        behind = await self._positions.read_again(await self._log.starts(self._positions.partitions))
        await self._take_over_marks(self._positions.partitions)
        if behind:
            logger.warning("the store is behind on %d partitions; applying again from the log", len(behind))
            # It may have other clocks of absence by now, or none.
            self._engine.moments.clocks = {}
            await self._log.seek(behind)

    async def _take_over_marks(self, partitions: Iterable[Partition]) -> None:
        newest = {partition: self._positions.newest(partition) for partition in partitions}
        marks = await self._engine.store.exchange_marks({})
        await self._engine.moments.learn(marks, newest)
