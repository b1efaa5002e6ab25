"""The scores computed anew, in a namespace beside the live one; nothing of it is published.

Rests on decisions 42, 53 and 142.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from scoring.events.event import MOST_AHEAD, Event
from scoring.judging.absence_judging import readings_at
from scoring.judging.moment import Moment
from scoring.rules.details import PROFILE, Detail
from streams.erasures.knowledge import Erasures
from streams.errors import FenceMoved, RebuildRefused
from streams.ingest.schemas import schemas_from
from streams.ingest.source_decoding import SourceDecoder
from streams.kafka.publisher import Publisher
from streams.kafka.topics import event_topics
from streams.machine_clock import wall_clock
from streams.metrics import Metrics
from streams.rebuild.bounds import Bounds, horizon_of
from streams.rebuild.source_log import SourceLog
from streams.records import DecodedBatch, Message, Partition, RecordBatch
from streams.rounds.engine import build_engine
from streams.rounds.work import Work
from streams.settings.settings import Settings
from streams.store.protocol import Fence, FenceMove
from streams.store.redis.replacing import rebuilt_store

_WORKER = "rebuild"
_AT_ONCE = 500

Show = Callable[[int, int, int], None]


class SilentPublisher(Publisher):
    """Publishes nothing: what the rebuild judges, the live workers have judged."""

    async def publish(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Do nothing."""


class RebuiltScores:
    """Applies the log to a namespace of its own, exactly as far as the live scores have come."""

    def __init__(self, settings: Settings, log: SourceLog) -> None:
        """Put the parts together.

        Args:
            settings: of the live namespace.
            log: connected by the time of `catch_up`.
        """
        self._settings = settings
        self._policy = settings.policy
        self._log = log
        self.store = rebuilt_store(settings)
        self.erasures = Erasures(settings, self.store, wall_clock)
        self.schemas = schemas_from(settings.schemas)
        metrics = Metrics()
        engine = build_engine(
            settings,
            self.store,
            SilentPublisher(settings, metrics),
            metrics,
            wall_clock,
            self.erasures,
            schemas=self.schemas,
        )
        self._clock, self._scorer, self._linker = engine.clock, engine.scorer, engine.linker
        self._decoders = {topic: intake.decoder for topic, intake in engine.intakes.items()}
        self._starts: dict[Partition, int] = {}
        self._fences: dict[Partition, list[Fence | None]] = {}
        self._events = 0

    async def open(self, *, from_beginning: bool) -> None:
        """Begin anew, or go on with what an earlier run has left, if it began in the same way.

        Args:
            from_beginning: see `SourceLog.starts`.

        Raises:
            TransientError: if Kafka or Redis does not answer.
        """
        await self.store.open_existing()
        versions = [each.version for each in (self._policy, self._policy.shadow) if each is not None]
        wanted = {"from": "beginning" if from_beginning else "window", "policy": " ".join(versions)}
        if await self.store.note(**wanted) != wanted:
            await self.store.discard()
            await self.store.note(**wanted)
        logs = {tp: log for tp, log in (await self._log.logs()).items() if log}
        self.erasures.read_from(logs)
        noted = await self.store.logs(list(logs))
        if any(noted[tp] not in ("", log) for tp, log in logs.items()):
            # An earlier run has read other logs under the same names.
            await self.store.discard()
            await self.store.note(**wanted)
        await self.store.note_logs(logs)
        await self.store.check()
        await self.erasures.settle()
        self._starts = await self._log.starts(from_beginning=from_beginning)
        self._fences = await self.store.fences(self._log.partitions)
        newest = {
            partition: max(fence.newest if fence else 0 for fence in fences)
            for partition, fences in self._fences.items()
        }
        events = event_topics(self._policy)
        self._clock.partitions = {partition for partition in self._log.partitions if partition.topic in events}
        self._clock.take_over(newest, {})

    async def close(self) -> None:
        """Give up the connections."""
        await self.erasures.close()
        await self.store.close()
        if self.schemas is not None:
            await self.schemas.close()

    def _moment(self, bounds: Bounds, time: int, arrived: int = 0) -> Moment:
        """Make the moment as of which to judge; what the live workers know stands in for what this knows."""
        horizon, erasures = horizon_of(self._settings, time), self.erasures.known
        return Moment(time, horizon, bounds.feeds, bounds.clocks, arrived=arrived, erasures=erasures)

    def _stands(self, partition: Partition, group: int) -> int:
        fence = self._fences[partition][group]
        return fence.offset if fence else self._starts[partition]

    async def catch_up(self, bounds: Bounds, show: Show) -> int:
        """Apply the log up to where the live scores stand, and judge up to when they have been judged.

        Args:
            bounds: where they stand.
            show: gets how many offsets have been passed, of how many, and how many events have been applied.

        Returns:
            How many offsets were passed.

        Raises:
            RebuildRefused: if the live scores have gone back, or another rebuild is at work.
            TransientError: if Kafka or Redis does not answer; what has been applied stays.
        """
        groups = range(self.store.groups)
        places = {tp: min(self._stands(tp, group) for group in groups) for tp in self._log.partitions}
        ends = {tp: bounds.end(tp) for tp in self._log.partitions if bounds.end(tp) > places[tp]}
        for tp in self._log.partitions:
            for group in groups:
                if self._fences[tp][group] and self._stands(tp, group) > bounds.offset(tp, group):
                    await self.store.discard()
                    raise RebuildRefused("the live scores have gone back since the rebuild began; start it again")
        await self._log.seek({tp: places[tp] for tp in ends})
        self._clock.report({tp: tp not in ends for tp in self._log.partitions}, 0)
        passed, total = 0, sum(end - places[tp] for tp, end in ends.items())
        try:
            while ends:
                batches, positions = await self._log.read(ends)
                await self._apply(batches, bounds)
                passed += sum(min(position, ends[tp]) - places[tp] for tp, position in positions.items())
                places |= {tp: min(position, ends[tp]) for tp, position in positions.items()}
                ends = {tp: end for tp, end in ends.items() if places[tp] < end}
                self._clock.report({tp: tp not in ends for tp in self._log.partitions}, 0)
                show(passed, total, self._events)
            await self._align(bounds)
            await self._judge_due(bounds)
        except FenceMoved as error:
            raise RebuildRefused(f"another rebuild of the same namespace is at work: {error}") from error
        return passed

    async def _apply(self, batches: Sequence[RecordBatch], bounds: Bounds) -> None:
        if not batches:
            return
        latest, ends = wall_clock() + MOST_AHEAD, {batch.partition: Fence(batch.next_offset, 0) for batch in batches}
        for batch in batches:
            decoder = self._decoders.get(batch.partition.topic)
            if isinstance(decoder, SourceDecoder):
                await decoder.prepare(batch)
        decoded = [self._decoders[batch.partition.topic].decode(batch, latest) for batch in batches]
        await self.erasures.read_on()
        await self._link(decoded, bounds)
        marks = self._clock.with_batches(decoded)
        time = min(self._clock.evaluation(marks)[0], bounds.time)
        moment = self._moment(bounds, time, self._clock.arrival(marks))
        chosen, _ = self.erasures.choose(decoded)
        events = self._by_group(chosen, bounds)
        await self.erasures.carry_out(customer for found in events.values() for customer in found)
        ends |= {tp: Fence(mark.offset, mark.newest) for tp, mark in marks.items()}
        moves = {group: self._moves(group, ends, bounds) for group in range(self.store.groups)}
        groups = {group: events.get(group, {}) for group in moves if moves[group]}
        await self._scorer.apply(Work(groups, moves, moment))
        self._applied(moves)
        self._clock.applied(marks)

    async def _link(self, batches: Sequence[DecodedBatch], bounds: Bounds) -> None:
        """Apply links as far as the live scores have; in which order they and events come makes no difference."""
        found = [
            sent
            for batch in batches
            for sent in batch.links
            if sent.record.offset < bounds.offset(batch.raw.partition, self.store.group_of(sent.link.id))
        ]
        if found:
            await self._linker.apply(found, self._moment(bounds, min(self._clock.evaluation()[0], bounds.time)))

    def _by_group(self, batches: Sequence[DecodedBatch], bounds: Bounds) -> dict[int, dict[str, list[Event]]]:
        groups: dict[int, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
        for batch in batches:
            tp = batch.raw.partition
            spans = [(self._stands(tp, group), bounds.offset(tp, group)) for group in range(self.store.groups)]
            for offset, customer, event in batch.events:
                group = self.store.group_of(customer)
                start, end = spans[group]
                if start <= offset < end:
                    groups[group][customer].append(event)
                    self._events += 1
        return groups

    def _moves(self, group: int, ends: Mapping[Partition, Fence], bounds: Bounds) -> list[FenceMove]:
        moves = []
        for tp, end in ends.items():
            fence = self._fences[tp][group]
            to = min(end.offset, bounds.offset(tp, group))
            if to > self._stands(tp, group) or (fence is None and to == self._stands(tp, group)):
                newest = max(end.newest, fence.newest if fence else 0)
                moves.append(FenceMove(tp, fence.offset if fence else None, Fence(to, newest)))
        return moves

    def _applied(self, moves: Mapping[int, Sequence[FenceMove]]) -> None:
        for group, group_moves in moves.items():
            for move in group_moves:
                self._fences[move.partition][group] = move.moved

    async def _align(self, bounds: Bounds) -> None:
        """Move the fences to where the live ones stand: gaps at the end of the log, partitions without records."""
        moves: dict[int, list[FenceMove]] = {}
        for group in range(self.store.groups):
            moves[group] = [
                FenceMove(tp, mine.offset if mine else None, Fence(fence.offset, mine.newest if mine else 0))
                for tp in self._log.partitions
                if (fence := bounds.fences[tp][group]) is not None
                and ((mine := self._fences[tp][group]) is None or mine.offset != fence.offset)
            ]
        groups: dict[int, dict[str, list[Event]]] = {group: {} for group in moves if moves[group]}
        await self._scorer.apply(Work(groups, moves, self._moment(bounds, bounds.time)))
        self._applied(moves)

    async def check_alone(self) -> None:
        """Raise `RebuildRefused` if another rebuild has gone on with what this one has applied, or discarded it."""
        if await self.store.fences(self._log.partitions) != self._fences:
            raise RebuildRefused("another rebuild of the same namespace is at work")

    async def learn_segments(self, told: Mapping[str, tuple[int, str]], bounds: Bounds) -> None:
        """Take over segments of which the log does not tell any more.

        Args:
            told: by customer, when it was reported (microseconds), and the segment.
            bounds: up to where has been judged.

        Raises:
            TransientError: if Redis does not answer.
        """
        events = {
            customer: [Event(at, PROFILE, "", Detail((), "", segment))] for customer, (at, segment) in told.items()
        }
        await self._apply_at(events, bounds.time, bounds)

    async def judge(self, customers: Sequence[str], time: int, bounds: Bounds) -> None:
        """Judge customers up to a time that may be later than that of the bounds.

        Args:
            customers: who are stored.
            time: microseconds.
            bounds: say what is known of feeds.

        Raises:
            TransientError: if Redis does not answer.
        """
        await self._apply_at({customer: [] for customer in customers}, time, bounds)

    async def _apply_at(self, events: Mapping[str, list[Event]], time: int, bounds: Bounds) -> None:
        groups: dict[int, dict[str, list[Event]]] = defaultdict(dict)
        for customer, some in events.items():
            groups[self.store.group_of(customer)][customer] = some
        await self._scorer.apply(Work(groups, {}, self._moment(bounds, time)))

    async def _judge_due(self, bounds: Bounds) -> None:
        for group in range(self.store.groups):
            for crossing in (True, False):
                while await self._judge_some(group, bounds, crossing=crossing) == _AT_ONCE:
                    pass
            readings = readings_at(bounds.clocks, bounds.time)
            while absent := await self.store.absences.due(group, readings, _AT_ONCE, _WORKER):
                await self._evaluate(group, absent, bounds)
                await self.store.absences.prune(group, list(readings), absent, ())

    async def _judge_some(self, group: int, bounds: Bounds, *, crossing: bool) -> int:
        at = bounds.time
        due = await self.store.due(group, crossing=crossing, until=at, limit=_AT_ONCE, worker=_WORKER)
        if due:
            await self._evaluate(group, due, bounds)
        return len(due)

    async def _evaluate(self, group: int, customers: Sequence[str], bounds: Bounds) -> None:
        await self._scorer.evaluate(group, customers, self._moment(bounds, bounds.time))
