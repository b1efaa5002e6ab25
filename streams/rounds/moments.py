"""Makes the moment as of which a round, a link or the timer judges: the one place that does.

Rests on decision 81.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoring.feeds.watermark import Mark
from scoring.judging.absence_judging import Clocks
from scoring.judging.moment import Moment
from streams.erasures.knowledge import NO_ERASURES, ErasureKnowledge
from streams.records import DecodedBatch, Partition
from streams.rounds.evaluation_clock import EvaluationClock
from streams.rounds.feed_watch import FeedWatch

_UNCHANGED: Mapping[Partition, Mark] = {}


class Moments:
    """Puts together what the parts of a worker know at a time."""

    def __init__(self, clock: EvaluationClock, feeds: FeedWatch, erasures: ErasureKnowledge = NO_ERASURES) -> None:
        """Know no clock of absence yet.

        Args:
            clock: gives the evaluation time, and what it rests on.
            feeds: what is known of them.
            erasures: up to where they have been read.
        """
        self._clock = clock
        self._feeds = feeds
        self._erasures = erasures
        #: The clocks of absence, as far as this worker knows them.
        self.clocks: Clocks = {}

    def moment(self, changed: Mapping[Partition, Mark] = _UNCHANGED) -> Moment:
        """Give the moment as of which to judge.

        A round asks before it chooses its events: what is erased in between makes the store refuse them.

        Args:
            changed: marks that hold once the round has been applied; none without a round.

        Returns:
            The moment; its time is 0 while it is not known how far every partition has come.
        """
        now, horizon = self._clock.evaluation(changed)
        return Moment(
            now,
            horizon,
            self._feeds.known,
            self.clocks,
            arrived=self._clock.arrival(changed),
            least=self._clock.least(changed),
            erasures=self._erasures.known,
        )

    async def note(self, batches: Sequence[DecodedBatch]) -> None:
        """Note what batches tell beside their events, before they are applied: when the feeds had events.

        Raises:
            TransientError: if the store does not answer.
        """
        await self._feeds.note(batches)

    async def learn(self, marks: Mapping[Partition, Mark], newest: Mapping[Partition, int] | None = None) -> None:
        """Learn how far all workers have come, once at least as much is known of the feeds as that rests on.

        Args:
            marks: of all partitions.
            newest: after an assignment, the newest event time of each partition that this worker begins with.

        Raises:
            TransientError: if the store does not answer.
        """
        await self._feeds.learn(marks)
        if newest is None:
            self._clock.learn(marks)
        else:
            self._clock.take_over(newest, marks)
