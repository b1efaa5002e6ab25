"""Stops consuming where nearly every record is bad: a bad release must not drain a topic into the dead letters.

Rests on decision 39.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence

from scoring.instants import MILLISECOND, format_duration
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from streams.backoff import Backoff
from streams.metrics import Metrics
from streams.records import DeadLetter, RecordBatch

logger = logging.getLogger(__name__)

_WHOLE = 1_000_000
#: Parts into which `dead_letters.over` is divided, and parts of the log that are remembered for each channel.
_PARTS, _REMEMBERED = 60, 2_000


class Consumption:
    """Whether the worker consumes; once stopped it stays so until it is started again."""

    def __init__(self, metrics: Metrics) -> None:
        """Begin to consume.

        Args:
            metrics: show what is stopped.
        """
        self.stopped_because = ""
        #: Of each channel whose records need schemas, whether it waits for one.
        self.schemas: list[Backoff] = []
        self._metrics = metrics

    @property
    def waits_for(self) -> str:
        """What records cannot be decoded without at the moment, '' for nothing."""
        return next((waiting.reason for waiting in self.schemas if waiting.reason), "")

    def watch(self, channel: str) -> None:
        """Show a channel as not stopped."""
        self._metrics.stopped.labels(channel).set(0)

    def stop(self, channel: str, reason: str) -> None:
        """Stop, and say why, once.

        Args:
            channel: whose records are bad.
            reason: one sentence for `/ready` and the log.
        """
        self._metrics.stopped.labels(channel).set(1)
        if not self.stopped_because:
            self.stopped_because = reason
            logger.error(
                "stopped consuming: %s. It stays in the log with all after it; nothing of them is acknowledged. Mend "
                "what is wrong and start the worker again; with dead_letters.stop_above = 1 in the policy they become "
                "dead letters",
                reason,
            )


class DeadLetterLimit:
    """The share of bad records of one channel, as this worker reads them.

    The share at a record is taken over what was appended in the `over` before it, or over the last `at_least` records
    where that is more. Time is that of the log: a backlog is judged as it would have been when it came in.
    """

    def __init__(self, channel: Channel, policy: Policy, wall: Callable[[], int], consumption: Consumption) -> None:
        """Start without records.

        Args:
            channel: whose records are counted.
            policy: says the limit.
            wall: reads the wall clock, in microseconds; what was appended later than now counts as of now.
            consumption: is stopped above the limit.
        """
        self._channel = channel
        self._policy = policy
        self._wall = wall
        self.consumption = consumption
        self._part = max(policy.bad_over // _PARTS, 1)
        # Records and bad ones by part of the log; those that came last are at the end.
        self._counts: OrderedDict[int, tuple[int, int]] = OrderedDict()
        consumption.watch(channel.name)

    def first_over(self, batch: RecordBatch, dead: Sequence[DeadLetter]) -> int | None:
        """Find the bad record that takes the share above the limit, and stop consuming if there is one.

        Args:
            batch: not counted yet.
            dead: its bad records, in the order of their offsets.

        Returns:
            The offset of the first record that must not be consumed, None if all may be.
        """
        if self._policy.most_bad >= _WHOLE:
            return None
        recent, longer = self._before(self._part_of(batch))
        least, bad = self._policy.bad_records, 0
        for read, record in enumerate(batch.records, 1):
            if bad == len(dead):
                return None
            if record is not dead[bad].record:
                continue
            bad += 1
            total, total_bad = recent if recent[0] + read >= least else longer
            total, total_bad = total + read, total_bad + bad
            if total >= least and total_bad * _WHOLE > self._policy.most_bad * total:
                self._stop(dead[bad - 1], total, total_bad)
                return int(record.offset)
        return None

    def count(self, batch: RecordBatch, bad: int) -> None:
        """Count a batch.

        Args:
            batch: that is consumed.
            bad: how many of its records are bad.
        """
        part = self._part_of(batch)
        records, all_bad = self._counts.get(part, (0, 0))
        self._counts[part] = records + len(batch.records), all_bad + bad
        self._counts.move_to_end(part)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)

    def _part_of(self, batch: RecordBatch) -> int:
        appended = batch.records[-1].timestamp * MILLISECOND
        return int(min(appended, self._wall()) // self._part)

    def _before(self, part: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Add up what was counted up to a part of the log: in the time of the limit, and in as many records."""
        first = part - self._policy.bad_over // self._part
        records = bad = 0
        recent: tuple[int, int] | None = None
        for earlier in sorted((known for known in self._counts if known <= part), reverse=True):
            if recent is None and earlier <= first:
                recent = records, bad
            counted, counted_bad = self._counts[earlier]
            if recent is not None:
                # Of what is older no more is taken than the first record of a batch lacks.
                taken = min(max(self._policy.bad_records - 1 - records, 0), counted)
                counted, counted_bad = taken, counted_bad * taken // counted
            records += counted
            bad += counted_bad
        return recent or (records, bad), (records, bad)

    def _stop(self, letter: DeadLetter, records: int, bad: int) -> None:
        policy, place = self._policy, letter.partition
        self.consumption.stop(
            self._channel.name,
            f"of the last {records} records of channel {self._channel.name} {bad} are bad, more than the "
            f"{policy.most_bad / 10_000:g} % that the policy allows over {format_duration(policy.bad_over)}; "
            f"the last is {place.topic}[{place.number}] at offset {letter.record.offset}: {letter.reason}",
        )
