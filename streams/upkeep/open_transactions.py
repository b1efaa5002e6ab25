"""Watches transactions that stay open: what stands behind one is in the log, and nobody may read it yet.

Rests on decision 71.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mode.utils.logging import get_logger

from scoring.instants import MINUTE, SECOND, format_instant
from streams.metrics import Metrics
from streams.records import Partition

logger = get_logger(__name__)

#: Streams of transactions have one open nearly always; one that lasts for so long is reported.
_LONG = MINUTE


class OpenTransactions:
    """How long the open transactions of this worker's partitions have been in the way."""

    def __init__(self, metrics: Metrics, elapsed: Callable[[], int]) -> None:
        """Start without any.

        Args:
            metrics: shows them.
            elapsed: reads a clock that nobody sets, in microseconds.
        """
        self._metrics = metrics
        self._elapsed = elapsed
        # By partition: the offset at which the transaction begins, and since when it has been known.
        self._since: dict[Partition, tuple[int, int]] = {}
        self._reported: dict[Partition, str] = {}

    def note(self, held: Mapping[Partition, tuple[int, int]]) -> None:
        """Note which are open, and report once which have been for long, and once that they have ended.

        Args:
            held: by partition the offset at which the transaction begins, and the time up to which everything appended
                has been applied, in microseconds.
        """
        now = self._elapsed()
        before = self._since
        self._since = {
            partition: before[partition] if before.get(partition, (-1, 0))[0] == offset else (offset, now)
            for partition, (offset, _) in held.items()
        }
        self._metrics.set_open_transactions({tp: (now - since) / SECOND for tp, (_, since) in self._since.items()})
        for partition, (offset, since) in self._since.items():
            if now - since >= _LONG and partition not in self._reported:
                self._reported[partition] = _report(partition, offset, held[partition][1])
                logger.warning("%s", self._reported[partition])
        for partition in [tp for tp in self._reported if tp not in held or now - self._since[tp][1] < _LONG]:
            del self._reported[partition]
            logger.info("%s[%d]: the transaction has ended; reading goes on", *partition)

    @property
    def reports(self) -> list[str]:
        """What has been reported and still lasts."""
        return list(self._reported.values())


def _report(partition: Partition, offset: int, applied_to: int) -> str:
    return (
        f"{partition.topic}[{partition.number}]: a transaction that begins at offset {offset} does not end, and what "
        f"stands behind it cannot be read: no silence is judged after {format_instant(applied_to)}, of any customer. "
        "Find and abort it: kafka-transactions.sh find-hanging"
    )
