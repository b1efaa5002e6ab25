"""The one place that wires the parts together, and the worker process around them.

Rests on decisions 35 and 70.
"""

from __future__ import annotations

import gc
import logging
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from faust.app.base import BootStrategy
from faust.types import TP
from mode import ServiceT
from yarl import URL

from scoring.events.profiles import event_reader
from scoring.instants import MILLISECOND
from scoring.policy.policy import Channel
from streams.backoff import Backoff
from streams.erasures.knowledge import Erasures
from streams.errors import LogGap
from streams.ingest.dead_letter_limit import Consumption, DeadLetterLimit
from streams.ingest.event_decoding import Decoder
from streams.ingest.gaps import check_logs
from streams.ingest.link_decoding import LinkDecoder, as_channel
from streams.ingest.profile_decoding import PROFILES, ProfileDecoder
from streams.ingest.schemas import Schemas, schemas_from
from streams.ingest.source_decoding import SourceDecoder, sources_by_topic
from streams.ingest.source_decoding import as_channel as as_sources
from streams.ingest.transport import (
    BatchApp,
    RecordBatchConsumer,
    RecordBatchConsumerThread,
    RecordBatchTransport,
    gap_message,
)
from streams.kafka.connections import kafka_options
from streams.kafka.group_watch import GroupWatch
from streams.kafka.publisher import Publisher
from streams.kafka.topics import event_topics
from streams.machine_clock import SteadyClock, wall_clock
from streams.metrics import Metrics
from streams.policies.in_force import PolicyInForce
from streams.records import Partition
from streams.rounds.evaluation_clock import EvaluationClock
from streams.rounds.feed_watch import FeedWatch
from streams.rounds.linker import Linker
from streams.rounds.pipeline import Pipeline
from streams.rounds.scorer import Scorer
from streams.settings.settings import Settings
from streams.store.protocol import Store
from streams.store.redis.store import RedisStore
from streams.upkeep.absence_watch import AbsenceWatch
from streams.upkeep.figure_report import FigureReport
from streams.upkeep.policy_walk import PolicyWalk
from streams.upkeep.segment_watch import SegmentWatch
from streams.upkeep.timer import INTERVAL, Timer
from streams.worker.agents import add_agent, add_link_agent
from streams.worker.logs import quiet_logs
from streams.worker.preflight import Preflight
from streams.worker.web import FAILED, OwnPages, add_pages
from streams.worker.worker_process import EngagementWorker

logger = logging.getLogger(__name__)

#: Messages are whole batches, so a few are enough to keep an agent busy.
_BUFFERED_BATCHES = 4
_METADATA_MAX_AGE_MS = 5_000
_CLOCK_IN_DOUBT = "waiting until it is clear whether the machine's clock is right: it has jumped ahead"
#: How often it is looked whether the timer has to take a turn, in seconds.
_TICK = 0.1
_GARBAGE_THRESHOLDS = (1_000_000, 50, 100)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of."""

    settings: Settings
    metrics: Metrics
    clock: EvaluationClock
    store: Store
    publisher: Publisher
    scorer: Scorer
    feeds: FeedWatch
    erasures: Erasures
    pipeline: Pipeline
    policies: PolicyInForce
    preflight: Preflight
    timer: Timer
    figures: FigureReport
    consumption: Consumption
    schemas: Schemas | None


class EngagementBoot(BootStrategy):
    """Starts the web server first, then waits for Redis and Kafka, then starts what needs them."""

    app: EngagementApp

    def server(self) -> Iterable[ServiceT]:
        """List the services in the order of their start; they stop in the opposite order."""
        parts = self.app.parts
        return self._chain(
            self.sensors(),
            self.web_server(),
            [parts.preflight, parts.pipeline],
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
    steady: SteadyClock
    assigning: Backoff
    group_watch: GroupWatch
    _assigned = False
    _next_turn = 0.0

    @property
    def failed(self) -> bool:
        """Whether scoring has failed for good, so that nothing in hand will be finished."""
        return self.parts.pipeline.crashed or self.crashed

    def kafka_options(self) -> dict[str, Any]:
        """Tell a client where the brokers are and how to get in."""
        return kafka_options(self.parts.settings)

    @property
    def stopped_consuming(self) -> bool:
        """Whether too many bad records have stopped consumption, until the worker is started again."""
        return bool(self.parts.consumption.stopped_because)

    async def let_go(self) -> None:
        """Drop what was fetched and not begun, and wait for the round in hand: partitions are about to be given up."""
        self.parts.pipeline.let_go()
        await self.parts.pipeline.rest()

    def not_ready_because(self) -> str:
        """Say why the worker is not ready; '' if it is."""
        parts = self.parts
        if self.failed:
            return FAILED
        if parts.preflight.missing:
            return parts.preflight.missing
        if parts.consumption.stopped_because:
            return f"stopped consuming: {parts.consumption.stopped_because}"
        fault = (
            parts.consumption.waits_for
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

    def _new_web(self) -> OwnPages:
        return OwnPages(self)

    async def offsets_to_start(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """Tell where to start reading assigned partitions: at the fences.

        Args:
            assigned: partitions.

        Returns:
            Offsets; the start of the window for the wall clock, or of the log, where a partition has no fence. None
            at all if the worker is stopped before they are known.

        Raises:
            LogGap: if the log does not hold a fence's offset any more.
        """
        ranges = await self._batch_consumer.thread.log_ranges(set(assigned))
        offsets = await self.assigning.until_done(self, partial(self._assign, await self._starts(ranges)))
        if offsets is None:
            return {}
        for tp, (first, _) in ranges.items():
            offset = offsets[Partition(*tp)]
            if offset < first:
                raise LogGap(gap_message(Partition(*tp), offset, first))
        self._assigned = True
        return {TP(*partition): offset for partition, offset in offsets.items()}

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Tell where to start reading partitions of which nothing has been applied.

        Args:
            partitions: assigned ones.

        Returns:
            Offsets: the start of the window for the wall clock, the start of the log for the stream clock.
        """
        assigned = list(partitions)
        # What the store has forgotten has to be noted again.
        await self._check_logs(assigned)
        return await self._starts(await self._batch_consumer.thread.log_ranges({TP(*tp) for tp in assigned}))

    async def _check_logs(self, partitions: Iterable[Partition]) -> None:
        """Hold the logs that partitions are read from against those of which the fences speak."""
        logs = await self._batch_consumer.thread.logs(TP(*tp) for tp in partitions)
        await check_logs(self.parts.store, logs)
        self.parts.erasures.read_from(logs)

    async def _starts(self, ranges: Mapping[TP, tuple[int, int]]) -> dict[Partition, int]:
        parts = self.parts
        if parts.settings.clock == "stream":
            return {Partition(*tp): first for tp, (first, _) in ranges.items()}
        policy = parts.settings.policy
        events = {tp for tp in ranges if tp.topic in event_topics(policy)}
        window_start = (parts.clock.wall() - policy.length - policy.trend) // MILLISECOND
        found = await self._batch_consumer.thread.offsets_at(events, max(window_start, 0))
        starts = {Partition(*tp): ranges[tp][1] if offset is None else offset for tp, offset in found.items()}
        # A profile, or a link, holds for good, however old it is.
        return starts | {Partition(*tp): first for tp, (first, _) in ranges.items() if tp not in events}

    async def _assign(self, starts: Mapping[Partition, int]) -> dict[Partition, int]:
        parts = self.parts
        await self._check_logs(starts)
        async with parts.pipeline.lock:
            offsets = await parts.pipeline.cursors.assign(starts)
            newest = {partition: parts.pipeline.cursors.newest(partition) for partition in starts}
            marks = await parts.store.exchange_marks({})
            await parts.feeds.learn(marks)
            parts.clock.take_over(newest, marks)
        return offsets

    def reload_policy(self) -> None:
        """Read the policy file again, and put it in force."""
        self.parts.policies.ask()

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Go to offsets of partitions, as far as they are still assigned."""
        consumer = self._batch_consumer
        assigned = consumer.assignment()
        wanted = {TP(*partition): offset for partition, offset in offsets.items()}
        await consumer.seek_batches({tp: offset for tp, offset in wanted.items() if tp in assigned})

    def unread(self) -> set[Partition]:
        """Tell of which assigned partitions more is to be fetched; of none while partitions change hands."""
        consumer = self._batch_consumer
        if self.rebalancing or self.stopped_consuming:
            return set()
        return {Partition(*tp) for tp in consumer.assignment() if consumer.end_of_log(tp) is None}

    def on_rebalance_end(self) -> None:
        """Note when the worker was left without partitions: there may be more workers than partitions."""
        super().on_rebalance_end()
        if not self._batch_consumer.assignment():
            self.parts.pipeline.cursors.leave_all()
            self.parts.clock.own = set()
            self._assigned = True

    async def run_timer(self) -> None:
        """Look again and again whether the timer has to take a turn.

        Not by `app.timer`: it would take each turn that is longer than the pause between two looks for a fault.
        """
        while not self.should_stop:
            await self.sleep(_TICK)
            await self.timer_turn()

    async def timer_turn(self) -> None:
        """Let the timer do its turn when it is time, or at once while rounds wait for the clock.

        Not while partitions are changing hands.
        """
        if self.rebalancing or not self._assigned or self.should_stop:
            return
        clock, now = self.parts.clock, self.loop.time()
        if clock.known and now < self._next_turn:
            return
        self._next_turn = now + INTERVAL[self.parts.settings.clock]
        thread = self._batch_consumer.thread
        topics = event_topics(self.parts.settings.policy)
        partitions = {Partition(topic, number) for topic in topics for number in thread.partitions_of(topic)}
        await self.parts.timer.turn(self._caught_up, self.consumer_generation_id, partitions, self._held)
        if not self.parts.timer.fault:
            await self.parts.figures.turn(clock.evaluation()[0], clock.wall())

    def _caught_up(self) -> dict[Partition, bool]:
        """Tell of each assigned partition whether nothing is left to fetch, and everything fetched has been applied."""
        consumer, cursors = self._batch_consumer, self.parts.pipeline.cursors
        return {
            Partition(*tp): not self.rebalancing
            and (end := consumer.end_of_log(tp)) is not None
            and cursors.has_applied(Partition(*tp), end)
            and consumer.thread.held(tp) is None
            for tp in consumer.assignment()
        }

    def _held(self) -> dict[Partition, int]:
        """Tell of which assigned partitions all is read up to an open transaction, and where that begins."""
        consumer, cursors = self._batch_consumer, self.parts.pipeline.cursors
        if self.rebalancing:
            return {}
        return {
            Partition(*tp): held
            for tp in consumer.assignment()
            if (end := consumer.end_of_log(tp)) is not None
            and cursors.has_applied(Partition(*tp), end)
            and (held := consumer.thread.held(tp)) is not None
        }

    @property
    def consumer_thread(self) -> RecordBatchConsumerThread:
        """The thread that talks to Kafka."""
        return self._batch_consumer.thread

    @property
    def _batch_consumer(self) -> RecordBatchConsumer:
        consumer = self.consumer
        assert isinstance(consumer, RecordBatchConsumer)  # noqa: S101 - the transport makes no other
        return consumer

    async def on_stop(self) -> None:
        """Finish what is in hand, commit, leave the group; then let go of Kafka and Redis."""
        await super().on_stop()
        await self.parts.publisher.close()
        await self.parts.erasures.close()
        await self.parts.store.close()
        if self.parts.schemas is not None:
            await self.parts.schemas.close()


def build_app(settings: Settings, store: Store | None = None, wall: Callable[[], int] = wall_clock) -> EngagementApp:
    """Wire a worker.

    Args:
        settings: what it is told from outside.
        store: another store than Redis.
        wall: reads the machine's clock, in microseconds since 1970.

    Returns:
        The app, not started.
    """
    app = _faust_app(settings)
    metrics = Metrics()
    app.assigning = Backoff(metrics, logger, "waiting for it before reading", longest=1.0)
    steady = app.steady = SteadyClock(wall)
    clock = EvaluationClock(settings.policy, settings.clock, steady)
    store = store or RedisStore(settings)
    publisher = Publisher(settings, metrics)
    scorer = Scorer(settings.policy, store, publisher, metrics, clock.wall, namespace=settings.namespace)
    feeds = FeedWatch(settings.policy, settings.clock, store, publisher, metrics, clock.wall, settings.namespace)
    erasures = Erasures(settings, store, clock.wall)
    policies = PolicyInForce(settings, store, metrics, clock.wall)
    pipeline = Pipeline(store, scorer, publisher, clock, metrics, app, feeds, erasures)
    pipeline.go_by(policies)
    walk = PolicyWalk(store, scorer, pipeline, clock, policies, metrics, settings.policy_rate)
    figures = FigureReport(settings.policy, store, metrics)
    timer = Timer(store, scorer, publisher, pipeline, clock, metrics, feeds)
    timer.go_on_with(walk)
    absences = AbsenceWatch(settings.policy, store, scorer, pipeline.moments, lambda: walk.done)
    where = (store, publisher, metrics, clock.wall, settings.namespace)
    segments = SegmentWatch(settings.policy, settings.clock, *where)
    timer.watch(absences, segments)
    policies.told_to(absences, segments)
    preflight = Preflight(settings, store, publisher, erasures, policies, metrics)
    consumption = Consumption(metrics)
    app.parts = Parts(
        settings,
        metrics,
        clock,
        store,
        publisher,
        scorer,
        feeds,
        erasures,
        pipeline,
        policies,
        preflight,
        timer,
        figures,
        consumption,
        schemas_from(settings.schemas),
    )
    app.group_watch = GroupWatch(settings, metrics, lambda: app.consumer_thread)
    _add_agents(app)
    _add_link_agent(app)
    app.task(app.run_timer)
    add_pages(app, metrics, app.not_ready_because, settings.web_token, lambda: timer.transactions.reports)
    return app


def _add_agents(app: EngagementApp) -> None:
    parts, policy = app.parts, app.parts.settings.policy
    window = policy.length if parts.settings.clock == "wall" else 0
    decoders: list[Decoder | ProfileDecoder | SourceDecoder] = []
    for channel in policy.own_channels:
        limit = DeadLetterLimit(channel, policy, parts.clock.wall, parts.consumption)
        decoder = Decoder(channel.name, event_reader(channel, policy), parts.metrics, window, limit)
        add_agent(app, channel, decoder, parts.pipeline, parts.metrics, app.steady, limit)
        decoders.append(decoder)
    for topic, sources in sources_by_topic(policy).items():
        stands_for = as_sources(sources)
        limit = DeadLetterLimit(stands_for, policy, parts.clock.wall, parts.consumption)
        foreign = SourceDecoder(topic, policy, parts.metrics, window, limit, parts.schemas)
        add_agent(app, stands_for, foreign, parts.pipeline, parts.metrics, app.steady, limit)
        decoders.append(foreign)
    if policy.profiles is not None:
        source = Channel(PROFILES, policy.profiles.topic, ())
        limit = DeadLetterLimit(source, policy, parts.clock.wall, parts.consumption)
        profiles = ProfileDecoder(policy.profiles, parts.metrics, limit)
        add_agent(app, source, profiles, parts.pipeline, parts.metrics, app.steady, limit)
        decoders.append(profiles)
    parts.policies.told_to(parts.scorer, parts.feeds, parts.figures, *decoders)


def _add_link_agent(app: EngagementApp) -> None:
    parts, policy = app.parts, app.parts.settings.policy
    if not policy.identities:
        return
    linker = Linker(policy, parts.store, parts.scorer, parts.metrics, parts.clock.wall, parts.settings.namespace)
    parts.pipeline.link_with(linker)
    limit = DeadLetterLimit(as_channel(policy.identities), policy, parts.clock.wall, parts.consumption)
    decoder = LinkDecoder(parts.metrics, limit)
    add_link_agent(app, policy.identities, decoder, parts.pipeline, parts.consumption)
    parts.policies.told_to(linker)


def _faust_app(settings: Settings) -> EngagementApp:
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
        broker_rebalance_timeout=max(session, 10.0),
        broker_request_timeout=max(session * 1.5, 30.0),
        consumer_metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        worker_redirect_stdouts=False,
    )
    app.transport = RecordBatchTransport(brokers, app, loop=app.loop)
    return app


def run_worker(settings: Settings) -> int:
    """Run a worker until it is told to stop or fails.

    Args:
        settings: what it is told from outside.

    Returns:
        The exit status of the process: 0 after SIGTERM or SIGINT.
    """
    return run_app(build_app(settings))


def run_app(app: EngagementApp) -> int:
    """Run a worker that is wired already, as `run_worker` does.

    Args:
        app: by `build_app`.

    Returns:
        The exit status of the process.
    """
    # What is loaded by now stays, and records hold no cycles: looking for garbage among them took a third of the time.
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    worker = EngagementWorker(app, loglevel=app.parts.settings.log_level, redirect_stdouts=False)
    quiet_logs(worker.logger)
    status: Any = 0
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        status = end.code
    if status:
        logger.critical("the worker ends: %s", worker.why_ended)
        # Tasks that the end has cut off say so when they go, and this is to be the last line.
        logging.getLogger("asyncio").disabled = True
    return int(status or 0)
