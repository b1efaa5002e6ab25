"""The Faust app of a worker: where it starts reading, when it is ready, and when the timer takes its turn.

Rests on decisions 35, 63 and 150.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from functools import partial
from typing import Any

from faust.app.base import BootStrategy
from faust.types import TP
from mode import ServiceT
from yarl import URL

from streams.erasures.knowledge import Erasures
from streams.errors import LogGap
from streams.ingest.consumer_thread import BatchApp, RecordBatchConsumerThread
from streams.ingest.dead_letter_limit import Consumption
from streams.ingest.gap_messages import gap_message
from streams.ingest.schemas import Schemas
from streams.ingest.transport import RecordBatchTransport
from streams.kafka.connections import kafka_options
from streams.kafka.group_watch import GroupWatch
from streams.kafka.topics import event_topics
from streams.machine_clock import SteadyClock
from streams.records import Partition
from streams.settings.settings import Settings
from streams.upkeep.timer import INTERVAL
from streams.worker.assigned_partitions import AssignedPartitions
from streams.worker.parts import Parts
from streams.worker.preflight import Preflight
from streams.worker.web import FAILED, OwnPages

#: Messages are whole batches, so a few are enough to keep an agent busy.
_BUFFERED_BATCHES = 4
_METADATA_MAX_AGE_MS = 5_000
#: A worker that is held takes no records, for however long. It stays in its group: Faust would never join again.
_LONGEST_HOLD = 10 * 365 * 86_400.0
_CLOCK_IN_DOUBT = "waiting until it is clear whether the machine's clock is right: it has jumped ahead"
#: How often it is looked whether the timer has to take a turn, in seconds.
_TICK = 0.1


class EngagementBoot(BootStrategy):
    """Starts the web server first, then waits for Redis and Kafka, then starts what needs them."""

    app: EngagementApp

    def server(self) -> Iterable[ServiceT]:
        """List the services in the order of their start; they stop in the opposite order."""
        return self._chain(
            self.sensors(),
            self.web_server(),
            [self.app.preflight, self.app.parts.pipeline],
            self.kafka_consumer(),
            [self.app.group_watch],
            self.agents(),
            self.kafka_conductor(),
            self.tables(),
        )


class EngagementApp(BatchApp):
    """The Faust app: agents, consumer group, timer and web pages."""

    BootStrategy = EngagementBoot
    parts: Parts
    partitions: AssignedPartitions
    preflight: Preflight
    erasures: Erasures
    consumption: Consumption
    schemas: Schemas | None
    steady: SteadyClock
    group_watch: GroupWatch
    _assigned = False
    _next_turn = 0.0
    _timer: asyncio.Task[Any] | None = None

    @property
    def failed(self) -> bool:
        """Whether scoring has failed for good, so that nothing in hand will be finished."""
        return self.parts.pipeline.crashed or self.crashed

    def kafka_options(self) -> dict[str, Any]:
        """Say to a client where the brokers are and how to get in."""
        return kafka_options(self.parts.engine.settings)

    @property
    def stopped_consuming(self) -> bool:
        """Whether too many bad records have stopped consumption, until the worker is started again."""
        return bool(self.consumption.stopped_because)

    async def let_go(self) -> None:
        """Drop what was fetched and not begun, and wait for the round in hand: partitions are about to be given up."""
        self.parts.pipeline.let_go()
        await self.parts.pipeline.rest()

    def not_ready_because(self) -> str:
        """Say why the worker is not ready; '' if it is."""
        parts = self.parts
        if self.failed:
            return FAILED
        if self.preflight.missing:
            return self.preflight.missing
        if self.consumption.stopped_because:
            return f"stopped consuming: {self.consumption.stopped_because}"
        fault = (
            self.consumption.waits_for
            or parts.pipeline.fault
            or parts.timer.fault
            or self.assigning.reason
            or self.group_watch.fault
        )
        if not fault and self.steady.in_doubt:
            fault = _CLOCK_IN_DOUBT
        if fault:
            return fault
        if not self._assigned or self.rebalancing:
            return "waiting for partitions"
        return ""

    @property
    def lags(self) -> dict[Partition, float]:
        """How far partitions are behind, in seconds; none while they change hands, as they may be others' by now."""
        return {} if self.rebalancing or not self._assigned else self.parts.engine.clock.lags()

    def _new_web(self) -> OwnPages:
        return OwnPages(self)

    async def offsets_to_start(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """Return where to start reading assigned partitions: at the fences.

        Args:
            assigned: partitions.

        Returns:
            Offsets; the start of the window for the wall clock, or of the log, where a partition has no fence. None
            at all if the worker is stopped before they are known.

        Raises:
            LogGap: if the log does not hold a fence's offset any more.
        """
        offsets = await self.assigning.until_done(self, partial(self._assign, set(assigned)))
        if offsets is None:
            return {}
        self._assigned = True
        return {TP(*partition): offset for partition, offset in offsets.items()}

    async def _assign(self, assigned: set[TP]) -> dict[Partition, int]:
        ranges = await self.consumer_thread.log_ranges(assigned)
        starts = await self.partitions.starts_of(ranges)
        await self.partitions.check(starts)
        offsets = await self.parts.pipeline.assign(starts)
        for tp, (first, _) in ranges.items():
            offset = offsets[Partition(*tp)]
            if offset < first:
                raise LogGap(gap_message(Partition(*tp), offset, first))
        return offsets

    def reload_policy(self) -> None:
        """Read the policy file again, and put it in force."""
        self.parts.policies.ask()

    def on_rebalance_end(self) -> None:
        """Note when the worker was left without partitions: there may be more workers than partitions."""
        super().on_rebalance_end()
        if not self.partitions.consumer.assignment():
            self.parts.pipeline.positions.leave_all()
            self.parts.engine.clock.own = set()
            self._assigned = True

    async def run_timer(self) -> None:
        """Look again and again whether the timer has to take a turn.

        Not by `app.timer`: it would take each turn that is longer than the pause between two looks for a fault.
        """
        self._timer = asyncio.current_task()
        while not self.should_stop:
            await self.sleep(_TICK)
            await self.timer_turn()

    async def timer_turn(self) -> None:
        """Let the timer do its turn when it is time, or at once while rounds wait for the clock and nothing fails.

        Not while partitions are changing hands.
        """
        if self.rebalancing or not self._assigned or self.should_stop:
            return
        settings, clock, now = self.parts.engine.settings, self.parts.engine.clock, self.loop.time()
        if now < self._next_turn and (clock.known or self.parts.timer.fault):
            return
        self._next_turn = now + INTERVAL[settings.clock]
        positions = self.parts.pipeline.positions
        await self.parts.timer.turn(
            partial(self.partitions.caught_up, positions),
            self.consumer_generation_id,
            self._source_partitions(),
            partial(self.partitions.held, positions),
        )
        if not self.parts.timer.fault:
            await self.parts.figures.turn(clock.evaluation()[0], clock.wall())
            await self.parts.targets.turn(clock.evaluation()[0])

    def _source_partitions(self) -> set[Partition]:
        settings, clock, thread = self.parts.engine.settings, self.parts.engine.clock, self.consumer_thread
        found: set[Partition] = set()
        for topic in event_topics(settings.policy):
            told = {Partition(topic, number) for number in thread.partitions_of(topic)}
            if not told and settings.clock == "stream":
                # A topic that is gone: the clock would go on without it, and what its successor holds be late.
                told = {partition for partition in clock.partitions if partition.topic == topic}
            found |= told
        return found

    @property
    def consumer_thread(self) -> RecordBatchConsumerThread:
        """The thread that talks to Kafka."""
        return self.partitions.consumer.thread

    async def on_stop(self) -> None:
        """Finish what is in hand, commit, leave the group; then let go of Kafka and Redis."""
        await super().on_stop()
        if self._timer is not None:
            # A turn in hand would report as faults that the clients are closed.
            self._timer.cancel()
            await asyncio.wait([self._timer])
        await self.parts.engine.publisher.close()
        await self.erasures.close()
        await self.parts.engine.store.close()
        if self.schemas is not None:
            await self.schemas.close()


def make_app(settings: Settings) -> EngagementApp:
    """Make the Faust app, with none of its parts yet.

    Args:
        settings: name the brokers, the group and the place of the web pages.
    """
    session = settings.kafka_session_timeout
    brokers = [URL(f"kafka://{broker}") for broker in settings.kafka_brokers.split(",")]
    app = EngagementApp(
        settings.namespace,
        broker=brokers,
        store="memory://",
        autodiscover=False,
        datadir=tempfile.gettempdir(),
        web_host=settings.web_host,
        web_bind=settings.web_host,
        web_port=settings.web_port,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_buffer_maxsize=_BUFFERED_BATCHES,
        stream_wait_empty=True,
        broker_commit_interval=0.5,
        broker_session_timeout=session,
        broker_heartbeat_interval=min(session / 10, 3.0),
        broker_max_poll_interval=_LONGEST_HOLD,
        broker_rebalance_timeout=max(session, 10.0),
        broker_request_timeout=max(session * 1.5, 30.0),
        consumer_metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        worker_redirect_stdouts=False,
    )
    app.transport = RecordBatchTransport(brokers, app, loop=app.loop)
    return app
