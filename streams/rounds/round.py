"""One round: what of some batches has not been applied is linked, judged and stored, in the order of the promises.

Rests on decisions 37 and 81.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoring.feeds.watermark import Mark
from scoring.judging.moment import Moment
from streams.errors import ClockUnknown
from streams.records import DeadLetter, DecodedBatch, Partition, RecordBatch
from streams.rounds.engine import Engine
from streams.rounds.event_sorting import by_group
from streams.rounds.positions import Positions
from streams.rounds.work import Work
from streams.store.protocol import Fence


class Round:
    """Applies batches; the lock of the pipeline has to be held."""

    def __init__(self, engine: Engine, positions: Positions) -> None:
        """Put the parts together.

        Args:
            engine: judges and stores.
            positions: where the groups stand.
        """
        self._clock = engine.clock
        self._erasures = engine.erasures
        self._linker = engine.linker
        self._metrics = engine.metrics
        self._moments = engine.moments
        self._publisher = engine.publisher
        self._scorer = engine.scorer
        self._positions = positions

    async def apply(self, batches: Sequence[DecodedBatch]) -> tuple[list[RecordBatch], dict[Partition, int]]:
        """Apply what of the batches has not been applied.

        Args:
            batches: those of a partition in the order of their offsets.

        Returns:
            The batches of which nothing is left to apply, and where to go back on partitions where the predecessor of
            a batch never arrived.

        Raises:
            ClockUnknown: while it is not known how far every partition has come.
            FenceMoved: if the store is not where this worker left it.
            TransientError: if the store or Kafka does not answer; the same batches can be applied again.
        """
        if not self._clock.known:
            raise ClockUnknown("waiting for the first report of every partition")
        accepted, missing = await self._accept(batches)
        refused = await self._link(accepted)
        await self._publish(accepted, refused)
        await self._moments.note(accepted)
        marks = self._clock.with_batches(accepted)
        # Before the events are chosen: what is erased in between makes the store refuse them.
        moment = self._moments.moment(marks)
        work, left_out = await self._sort(accepted, marks, moment)
        await self._scorer.store(work)
        self._note_applied(work, marks, left_out)
        raw = [batch.raw for batch in accepted]
        self._metrics.round_events.inc(sum([batch.count for batch in raw]))
        return raw, missing

    async def _accept(self, batches: Sequence[DecodedBatch]) -> tuple[list[DecodedBatch], dict[Partition, int]]:
        """Take the batches that continue what has been applied."""
        raw = [batch.raw for batch in batches]
        await self._positions.read({batch.partition for batch in raw})
        accepted, missing = self._positions.accept(raw)
        return [batch for batch in batches if batch.raw in accepted], missing

    async def _link(self, batches: Sequence[DecodedBatch]) -> list[DeadLetter]:
        """Apply the links of a round as of the time before it; returns those that are refused."""
        found = [
            sent
            for batch in batches
            for sent in batch.links
            if sent.record.offset >= min(self._positions.offsets(batch.raw.partition))
        ]
        return await self._linker.apply(found, self._moments.moment()) if found else []

    async def _publish(self, batches: Sequence[DecodedBatch], refused: Sequence[DeadLetter]) -> None:
        """Publish what becomes of the records that hold no event: before the fences move, or it would be lost."""
        await self._publisher.publish_dead_letters([*self._new_dead_letters(batches), *refused])
        if forwards := [forward for batch in batches for forward in batch.forwards]:
            await self._publisher.publish(forwards)

    def _new_dead_letters(self, batches: Sequence[DecodedBatch]) -> list[DeadLetter]:
        new: dict[tuple[Partition, int], DeadLetter] = {}
        for batch in batches:
            if batch.dead_letters:
                applied = min(self._positions.offsets(batch.raw.partition))
                for letter in batch.dead_letters:
                    if letter.record.offset >= applied:
                        new[batch.raw.partition, letter.record.offset] = letter
        return list(new.values())

    async def _sort(
        self, batches: Sequence[DecodedBatch], marks: Mapping[Partition, Mark], moment: Moment
    ) -> tuple[Work, dict[str, int]]:
        """Sort the events by fence group and customer, without those that have no effect.

        Returns:
            The work, and how many events were left out, by the name that the metrics have for the reason.
        """
        ends = {tp: Fence(mark.offset, mark.newest) for tp, mark in marks.items()}
        moves = self._positions.moves(_ends(batches) | ends)
        chosen, erased = self._erasures.choose(batches)
        events, applied_before = by_group(chosen, self._positions.offsets, self._positions.group_of)
        await self._erasures.carry_out(customer for found in events.values() for customer in found)
        groups = {group: events.get(group, {}) for group in moves if moves[group] or group in events}
        return Work(groups, moves, moment), {"applied_before": applied_before, "erased": erased}

    def _note_applied(self, work: Work, marks: Mapping[Partition, Mark], left_out: Mapping[str, int]) -> None:
        self._positions.applied(work.fences)
        self._clock.applied(marks)
        self._metrics.note_evaluation(work.moment.now)
        for outcome, count in left_out.items():
            if count:
                self._metrics.scored.labels(outcome).inc(count)


def _ends(batches: Sequence[DecodedBatch]) -> dict[Partition, Fence]:
    """Return where partitions will stand; those of events have marks that tell more."""
    ends: dict[Partition, Fence] = {}
    for batch in batches:
        raw = batch.raw
        ends[raw.partition] = max(ends.get(raw.partition, Fence(0, 0)), Fence(raw.next_offset, 0))
    return ends
