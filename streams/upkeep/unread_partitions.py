"""Watches partitions that no worker reads, though the group is settled: somebody else may be a member of it.

Rests on decision 63.
"""

from __future__ import annotations

from mode.utils.logging import get_logger

from streams.rounds.evaluation_clock import EvaluationClock

logger = get_logger(__name__)


class UnreadPartitions:
    """Reports once that there are some, and once that there are none any more."""

    def __init__(self, clock: EvaluationClock, group: str) -> None:
        """Start without any.

        Args:
            clock: knows what all workers have reported.
            group: the consumer group.
        """
        self._clock = clock
        self._group = group
        self.reports: list[str] = []

    def look(self) -> None:
        """Look once."""
        before, unread = self.reports, self._clock.unread()
        self.reports = [
            f"{tp.topic}[{tp.number}]: no worker has read it for more than a minute. It may be that another client is "
            f"a member of the consumer group {self._group} and was given it: engagement doctor"
            for tp in unread
        ]
        if self.reports and not before:
            logger.warning("%s", self.reports[0])
        if before and not self.reports:
            logger.info("every partition is read again")
