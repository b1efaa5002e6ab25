"""What a loop does about faults: it counts each attempt, reports a fault once, and reports once that it is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import CommitFailedError, KafkaTimeoutError
from faust.types import TP

from streams.app import build_app
from streams.backoff import Backoff
from streams.errors import AccessDenied, BrokerUnavailable, ClockUnknown, RegistryUnavailable, StoreUnavailable
from streams.ingest.consumer_thread import RecordBatchConsumerThread
from streams.ingest.dead_letter_limit import Consumption
from streams.metrics import Metrics
from streams.policy_file.document import builtin_policy
from streams.records import Partition
from streams.settings.settings import read_settings
from streams.store.memory.store import MemoryStore
from streams.upkeep.figure_report import FigureReport
from streams.worker.assigned_partitions import AssignedPartitions
from streams.worker.faust_app import EngagementApp
from streams.worker.preflight import Preflight

GONE = StoreUnavailable("Redis is gone")


class Clockwork:
    """A service that notes for how long it was to sleep, and is stopped after some sleeps."""

    def __init__(self, sleeps: int = 1_000) -> None:
        """Begin without a sleep."""
        self._sleeps = sleeps
        self.slept: list[float] = []

    @property
    def should_stop(self) -> bool:
        """Whether it has slept often enough."""
        return len(self.slept) >= self._sleeps

    async def sleep(self, n: float) -> None:
        """Note it."""
        self.slept.append(n)


def failing(faults: Iterable[Exception]) -> Callable[..., Awaitable[str]]:
    """Make an attempt that fails in these ways and then succeeds."""
    left = list(faults)

    async def attempt(*_: object, **__: object) -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def retries(metrics: Metrics, what: str = "StoreUnavailable") -> float:
    """Give the count of failed attempts."""
    return metrics.registry.get_sample_value("engagement_retries_total", {"what": what}) or 0


def backoff(metrics: Metrics) -> Backoff:
    """Make one with pauses of 1, 2 and 3 seconds."""
    return Backoff(metrics, logging.getLogger("test"), "waiting", first=1.0, longest=3.0)


async def test_each_failed_attempt_is_counted_and_a_fault_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    metrics, service = Metrics(), Clockwork()
    waiting = backoff(metrics)
    attempt = failing([GONE] * 3 + [BrokerUnavailable("Kafka is gone")] * 2)
    assert await waiting.until_done(service, attempt) == "done"

    assert service.slept == [1.0, 2.0, 3.0, 3.0, 3.0]
    assert (retries(metrics), retries(metrics, "BrokerUnavailable")) == (3, 2)
    assert [record.message for record in caplog.records] == [
        "Redis is gone; waiting",
        "Kafka is gone; waiting",
        "over after 5 failed attempts: Kafka is gone",
    ]
    assert waiting.reason == ""


async def test_the_same_fault_is_reported_again_and_waited_for_shortly_once_it_was_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service, waiting = Clockwork(), backoff(Metrics())
    await waiting.until_done(service, failing([GONE, GONE]))
    await waiting.until_done(service, failing([GONE]))

    assert service.slept == [1.0, 2.0, 1.0]
    assert [record.message for record in caplog.records] == ["Redis is gone; waiting"] * 2


async def test_nothing_is_reported_where_nothing_failed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert await backoff(Metrics()).until_done(Clockwork(), failing([])) == "done"
    assert caplog.records == []


async def test_a_service_that_is_stopped_tries_no_more_and_the_fault_stays_named() -> None:
    waiting = backoff(Metrics())
    assert await waiting.until_done(Clockwork(2), failing([GONE] * 9)) is None
    assert waiting.reason == "Redis is gone"


async def test_the_clock_is_asked_again_soon_and_no_error_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    service = Clockwork()
    await backoff(Metrics()).until_done(service, failing([ClockUnknown("not yet")] * 3))
    assert service.slept == [1.0] * 3
    assert caplog.records == []


async def test_a_fault_that_is_not_to_be_waited_for_is_raised() -> None:
    with pytest.raises(AccessDenied):
        await backoff(Metrics()).until_done(Clockwork(), failing([GONE, AccessDenied("no")]), unless=(AccessDenied,))


def assigned_app(monkeypatch: pytest.MonkeyPatch, store: MemoryStore, clock: str = "stream") -> EngagementApp:
    """Give the app of a worker whose consumer has one partition, of which nothing has been applied."""

    async def log_ranges(partitions: set[Any]) -> dict[Any, tuple[int, int]]:
        return dict.fromkeys(partitions, (0, 9))

    async def logs(_: Iterable[Any]) -> dict[Any, str]:
        return {}

    thread = SimpleNamespace(log_ranges=log_ranges, logs=logs)
    monkeypatch.setattr(AssignedPartitions, "consumer", SimpleNamespace(thread=thread))
    app = build_app(read_settings({"ENGAGEMENT_CLOCK": clock}), store)
    monkeypatch.setattr(app, "sleep", Clockwork().sleep)
    return app


async def test_a_worker_that_waits_in_its_assignment_counts_it_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = MemoryStore(builtin_policy())
    app = assigned_app(monkeypatch, store)
    app.preflight._not_begun = ""
    marks = store.exchange_marks
    reasons: list[str] = []

    async def fails_thrice(*arguments: Any) -> Any:
        if len(reasons) < 3:
            reasons.append(app.not_ready_because())
            raise StoreUnavailable("Redis is a slave and takes no writes")
        return await marks(*arguments)

    monkeypatch.setattr(store, "exchange_marks", fails_thrice)
    assert await app.offsets_to_start([TP("email", 0)]) == {Partition("email", 0): 0}

    assert retries(app.parts.engine.metrics) == 3
    assert reasons[1:] == ["Redis is a slave and takes no writes"] * 2
    assert app.not_ready_because() == ""
    assert [record.message for record in caplog.records] == [
        "Redis is a slave and takes no writes; waiting for it before reading",
        "over after 3 failed attempts: Redis is a slave and takes no writes",
    ]


async def test_a_worker_that_is_stopped_in_its_assignment_starts_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore(builtin_policy())
    app = assigned_app(monkeypatch, store)

    async def fails(_: object) -> Any:
        app._stopped.set()
        raise GONE

    monkeypatch.setattr(store, "exchange_marks", fails)
    assert await app.offsets_to_start([TP("email", 0)]) == {}
    assert app.not_ready_because() != ""


async def test_a_start_counts_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    parts: Any = SimpleNamespace()
    preflight = Preflight(read_settings({}), parts, parts, parts, parts, metrics)
    assert preflight.missing == "starting"
    monkeypatch.setattr(preflight, "_prepare", failing([GONE, GONE, AccessDenied("no")]))
    monkeypatch.setattr(preflight, "sleep", Clockwork().sleep)
    with pytest.raises(AccessDenied):
        await preflight.on_start()
    assert (retries(metrics), preflight.missing) == (2, "Redis is gone")


async def test_figures_that_cannot_be_made_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, store = Metrics(), MemoryStore(builtin_policy())
    report = FigureReport(builtin_policy(), store, metrics)
    monkeypatch.setattr(store.kpi, "take_turn", failing([GONE, GONE]))
    for now in range(1, 9):
        await report.turn(now * 60_000_000, now * 60_000_000)
    assert retries(metrics) == 2


async def test_a_worker_that_is_not_told_of_the_logs_waits_counts_it_and_starts_once_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = assigned_app(monkeypatch, MemoryStore(builtin_policy()))
    app.preflight._not_begun = ""
    thread = app.consumer_thread
    reasons: list[str] = []
    told = thread.log_ranges

    async def log_ranges(partitions: set[Any]) -> dict[Any, tuple[int, int]]:
        if len(reasons) < 3:
            reasons.append(app.not_ready_because())
            raise BrokerUnavailable("Kafka does not tell of the logs")
        return await told(partitions)

    monkeypatch.setattr(thread, "log_ranges", log_ranges)
    assert await app.offsets_to_start([TP("email", 0)]) == {Partition("email", 0): 0}

    assert retries(app.parts.engine.metrics, "BrokerUnavailable") == 3
    assert reasons[1:] == ["Kafka does not tell of the logs"] * 2
    assert app.not_ready_because() == ""


def consumer_thread(monkeypatch: pytest.MonkeyPatch, consumer: Any) -> RecordBatchConsumerThread:
    """Give the consumer's thread of a worker, without a thread, around a client."""
    app = build_app(read_settings({}), MemoryStore(builtin_policy()))
    # One that is made in the ordinary way opens a loop, for a thread.
    thread: Any = RecordBatchConsumerThread.__new__(RecordBatchConsumerThread)
    thread.app = app

    async def call(question: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return await question(*arguments)

    monkeypatch.setattr(thread, "call_thread", call)
    monkeypatch.setattr(thread, "_ensure_consumer", lambda: consumer)
    monkeypatch.setattr(thread, "assignment", lambda: {TP("email", 0)})
    return cast("RecordBatchConsumerThread", thread)


@pytest.mark.parametrize("silent", [False, True])
async def test_a_broker_that_does_not_tell_of_the_logs_is_a_fault_that_passes(
    monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    async def asked(*_: object) -> None:
        if silent:
            await asyncio.sleep(60)
        raise KafkaTimeoutError

    monkeypatch.setattr("streams.ingest.consumer_thread._TOLD_WITHIN", 0.05)
    client = SimpleNamespace(beginning_offsets=asked, end_offsets=asked, offsets_for_times=asked)
    thread = consumer_thread(monkeypatch, client)
    for question in (thread.log_ranges({TP("email", 0)}), thread.offsets_at({TP("email", 0)}, 0)):
        with pytest.raises(BrokerUnavailable, match=r"within 0\.05 s" if silent else "KafkaTimeoutError"):
            await question


async def test_a_commit_that_kafka_refuses_is_counted_and_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = SimpleNamespace(commit=failing([CommitFailedError()] * 3))
    thread = consumer_thread(monkeypatch, client)
    assert [await thread._commit({TP("email", 0): 9}) for _ in range(4)] == [False, False, False, True]

    assert retries(thread.app.parts.engine.metrics, "OffsetsRefused") == 3  # type: ignore[attr-defined]
    lines = [record for record in caplog.records if "commit" in record.message]
    assert [(line.levelname, line.message.partition(":")[0]) for line in lines] == [
        ("WARNING", "Kafka has not taken the offsets to be committed"),
        ("INFO", "over after 3 failed attempts"),
    ]


async def test_a_commit_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ingest.consumer_thread._COMMITTED_WITHIN", 0.05)
    thread = consumer_thread(monkeypatch, SimpleNamespace(commit=lambda _: asyncio.sleep(60)))
    assert not await thread._commit({TP("email", 0): 9})
    assert retries(thread.app.parts.engine.metrics, "OffsetsRefused") == 1  # type: ignore[attr-defined]


async def test_a_consumer_that_does_not_stop_is_left_to_the_end_of_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ingest.consumer_thread._STOPPED_WITHIN", 0.05)
    monkeypatch.setattr("streams.ingest.consumer_thread._REST_WITHIN", 0.05)
    thread: Any = consumer_thread(monkeypatch, None)
    ends = []

    async def stop() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ends.append("the first is taken for another's")
        await asyncio.sleep(60)

    thread._consumer, thread._method_queue, thread.thread_loop = SimpleNamespace(stop=stop), None, thread.app.loop
    async with asyncio.timeout(5):
        await thread.on_thread_stop()
        await thread._gather_remaining_tasks()
    assert ends
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_timer_is_not_in_a_hurry_while_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    app = assigned_app(monkeypatch, MemoryStore(builtin_policy()), "wall")
    monkeypatch.setattr(app.consumer_thread, "partitions_of", lambda _: {0}, raising=False)
    app._assigned = True
    attempts: list[float] = []

    async def fails() -> None:
        attempts.append(app.loop.time())
        raise BrokerUnavailable("Kafka is gone")

    monkeypatch.setattr(app.erasures, "read_on", fails)
    assert not app.parts.engine.clock.known
    for _ in range(9):
        await app.timer_turn()
    assert len(attempts) == 1
    assert app.parts.timer.fault == "Kafka is gone"


async def test_a_channel_that_has_its_schemas_does_not_hide_that_another_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    consumption, waits = Consumption(metrics), [backoff(metrics), backoff(metrics)]
    consumption.schemas += waits
    for _ in range(3):
        waits[0].note(RegistryUnavailable("the registry is gone"))
        waits[1].over()
        assert consumption.waits_for == "the registry is gone"

    assert caplog.messages == ["the registry is gone; waiting"]
    waits[0].over()
    assert consumption.waits_for == ""
