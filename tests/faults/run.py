"""One run of the fault suite: a stream that flows through the whole system while faults are injected."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from streams.embedded import EmbeddedRedis
from tests.faults.feeder import Feeder
from tests.faults.fleet import PRODUCT, Fleet
from tests.faults.stream import HOUR, EventStream, Mixture
from tests.faults.verdict import Verdict
from tests.polling import wait_until
from tests.services.log_reader import read_fences
from tests.services.system import System

POLICY = Path(__file__).with_name("policy.toml")
#: Event time that is judged after the stream has ended: some have dropped by silence then, some are still engaged.
_TAIL = 3 * HOUR // 2
_SHOWN = 20


@dataclass(frozen=True)
class Result:
    """A row of the table."""

    fault: str
    injected: int
    records: int
    workers: int
    alerts: int
    repeated: int
    differences: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """How a run is made.

    Attributes:
        seed: of the stream and of the injections.
        events: records that the stream has at least; it goes on until the last fault has been injected.
        pace: records a second.
        workers: how many run at the beginning and, at least, at the end.
        partitions: of each topic.
        session_timeout: of the consumer group, in seconds.
        redis_url: what the workers are given, where it is not that of the run's server itself (a proxy).
        mixture: what the stream is made of.
        policy: text; `NAMESPACE` in it stands for the namespace.
        environment: further settings of the workers, by their whole names.
        module: what Python runs as a worker, and its arguments.
        settle_within: seconds that it may take until everything has been judged after the last event.
    """

    seed: int = 1
    events: int = 100_000
    pace: float = 2_500
    workers: int = 2
    partitions: int = 4
    session_timeout: float = 6.0
    redis_url: str | None = None
    mixture: Mixture = field(default_factory=Mixture)
    policy: str = POLICY.read_text(encoding="utf-8")
    environment: Mapping[str, str] = field(default_factory=dict)
    module: Sequence[str] = PRODUCT
    settle_within: float = 240.0


class FaultRun:
    """A context: at its beginning workers and the stream run, at its end all that came out must be exact."""

    def __init__(
        self, fault: str, plan: Plan, kafka: str, redis_server: EmbeddedRedis, folder: Path, namespace: str
    ) -> None:
        """Prepare.

        Args:
            fault: what is injected, for the table.
            plan: how large, how fast, with what.
            kafka: host:port of a broker.
            redis_server: started and closed by the run.
            folder: for logs.
            namespace: of the run's own.
        """
        self.fault = fault
        self.plan = plan
        self.dice = random.Random(plan.seed)
        self.injected = 0
        self.redis_server = redis_server
        self.result: Result | None = None
        self._kafka = kafka
        self._folder = folder
        self._namespace = namespace
        self._begun = 0.0

    def __enter__(self) -> Self:
        """Start Redis, the topics, the workers, and then the stream."""
        self._begun = time.monotonic()
        self.redis_server.start()
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def _open(self) -> None:
        plan = self.plan
        self.system = System(
            self._kafka,
            plan.redis_url or self.redis_server.url,
            self._namespace,
            self._folder,
            policy=plan.policy,
            clock="stream",
            session_timeout=plan.session_timeout,
        )
        self.system.environment |= plan.environment
        asyncio.run(self.system.create_topics(plan.partitions))
        self.workers = Fleet(self.system, plan.module)
        self.feeder = Feeder(
            self._kafka,
            EventStream(plan.seed, f"{self._namespace}/", plan.mixture),
            {channel.name: channel.topic for channel in self.system.settings.policy.channels},
            plan.partitions,
            self._folder / f"{self._namespace}-events.jsonl",
            pace=plan.pace,
            least=plan.events,
        )
        self.workers.start_ready(plan.workers)
        self.feeder.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let the stream end and compare, unless the test has failed already; stop everything."""
        try:
            if error is None:
                self._settle_and_compare()
        finally:
            self._close()

    def _close(self) -> None:
        if hasattr(self, "feeder"):
            self.feeder.abandon()
        if hasattr(self, "system"):
            self.system.__exit__()
        self.redis_server.close()

    # --- While it flows

    @property
    def store_url(self) -> str:
        """The server itself, for the harness to read, whatever way the workers take to it."""
        return self.redis_server.url

    def faults(self, times: int, *, apart: int = 500, within: float = 120.0) -> Iterator[int]:
        """Give the moments at which to inject: under load, each after the system has gone on since the one before.

        Args:
            times: how many.
            apart: records that have to be applied in between.
            within: seconds in which that must happen.

        Yields:
            The number of the injection, from 0.
        """
        for number in range(times):
            self.wait_for_progress(apart, within)
            time.sleep(self.dice.uniform(0, 0.5))
            self.injected += 1
            yield number

    def wait_for_progress(self, records: int, within: float = 120.0) -> None:
        """Wait until so many more records have been applied."""
        wanted = self.applied() + records
        try:
            wait_until(lambda: self.applied() >= wanted, within)
        except AssertionError:
            states = [(worker.log.name, worker.get("/ready")) for worker in self.workers.running]
            text = f"{self.applied()} records applied, not {wanted}; {self.feeder.sent} are written; {states}"
            raise AssertionError(text) from self.feeder.error

    def wait_for_all_partitions(self, within: float = 120.0) -> None:
        """Wait until records have been applied from every partition."""
        before = read_fences(self.store_url, self._namespace)

        def went_on() -> bool:
            now = read_fences(self.store_url, self._namespace)
            return all(min(now[place]) > max(offsets) for place, offsets in before.items())

        wait_until(went_on, within)

    def applied(self) -> int:
        """Count the records that every group has applied, as the fences tell; 0 while Redis does not answer."""
        try:
            return sum(min(offsets) for offsets in read_fences(self.store_url, self._namespace).values())
        except redis.RedisError:
            return 0

    # --- The end

    def _settle_and_compare(self) -> None:
        lateness = self.system.settings.policy.lateness
        self.workers.up(self.plan.workers)
        end = self.feeder.finish(lateness + _TAIL, self.plan.settle_within) - lateness
        verdict = Verdict(self.system, self.store_url, self.feeder)
        differences = verdict.differences(end, self.plan.settle_within)
        self.result = Result(
            fault=self.fault,
            injected=self.injected,
            records=self.feeder.sent,
            workers=self.workers.started,
            alerts=verdict.alerts,
            repeated=verdict.repeated,
            differences=len(differences),
            seconds=time.monotonic() - self._begun,
        )
        print("\n".join(differences[:_SHOWN]))
        assert not differences, f"{len(differences)} differences, the first: {differences[:_SHOWN]}"
