"""SIGTERM under load: the batch in hand is finished and committed, and nothing is applied twice."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.flow import Flow
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis
from tests.services.system import event, metric, wait_for_metric

PARTITIONS = 12
EVENTS = 240_000
#: A worker finishes what it has fetched: some batches for each partition.
STOPS_WITHIN = 10.0
#: The broker waits so long for a member that has not left.
SESSION = 40.0
ON_DISK = {"appendonly": "yes", "appendfsync": "always"}


@pytest.mark.beyond_embedded_kafka("answers a join after half of the session timeout, whoever has left")
async def test_a_worker_stopped_under_load_leaves_nothing_half_done(make_system: MakeSystem) -> None:
    system = make_system(COUNTING, session_timeout=SESSION)
    await system.create_topics(PARTITIONS)
    flow = Flow(system, PARTITIONS)
    await flow.write_backlog(EVENTS)
    ends = await system.log_ends()
    assert sum(ends.values()) == EVENTS

    first = system.worker()
    first.start()
    await poll_until(lambda: metric(first, "engagement_round_events_total") >= EVENTS / 20, 30)
    began = time.monotonic()
    assert first.stop() == 0
    assert time.monotonic() - began < STOPS_WITHIN
    committed = await system.committed()
    done = sum(committed.values())
    assert EVENTS / 20 <= done < EVENTS, "the load was over before the stop"
    # What has been committed is what has been applied, by every group of customers.
    assert system.fences() == {tp: {offset} for tp, offset in committed.items()}

    began = time.monotonic()
    with system.worker() as second:
        # The first has left the group: otherwise this one would wait until its session is over.
        assert time.monotonic() - began < SESSION * 3 / 4
        await flow.wait_until_exact()
        # Together they have read every record once.
        await wait_for_metric(EVENTS - done, second, "engagement_events_total", outcome="read")
        await wait_for_metric(EVENTS - done, second, "engagement_round_events_total")
        assert second.stop() == 0
    assert flow.wrong() == {}
    assert await system.committed() == ends
    assert system.fences() == {tp: {offset} for tp, offset in ends.items()}


async def test_a_worker_that_is_held_by_redis_stops_all_the_same(make_system: MakeSystem) -> None:
    with local_redis(ON_DISK) as server:
        system = make_system(COUNTING, redis_url=server.url)
        await system.create_topics()
        flow = Flow(system)
        await flow.write_backlog(EVENTS)
        first = system.worker()
        first.start()
        await poll_until(lambda: metric(first, "engagement_round_events_total") >= EVENTS / 20, 30)
        server.kill()
        await poll_until(lambda: first.status("/ready") == 503, 30)
        began = time.monotonic()
        assert await asyncio.to_thread(first.stop) == 0
        assert time.monotonic() - began < STOPS_WITHIN
        server.start()
        with system.worker():
            await flow.wait_until_exact(60)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("kafka_here")
@pytest.mark.parametrize("frozen", [False, True])
async def test_a_worker_without_kafka_stops_all_the_same(make_system: MakeSystem, *, frozen: bool) -> None:
    with KafkaBroker() as broker:
        system = make_system(COUNTING, kafka=broker.bootstrap, session_timeout=6)
        await system.create_topics(1)
        with system.worker() as worker:
            await system.send("clickstream", event(system.customer("anna"), "page_view"))
            await system.wait_for_score(system.customer("anna"), "1")
            assert broker.pid is not None
            os.kill(broker.pid, signal.SIGSTOP if frozen else signal.SIGKILL)
            await poll_until(lambda: worker.status("/ready") == 503, 60)
            # Kubernetes gives a container 30 seconds to stop in.
            assert await asyncio.to_thread(worker.stop, 30) == 0
            assert "Traceback" not in worker.log.read_text()
        broker.kill()


async def test_a_worker_that_stops_reports_no_faults(make_system: MakeSystem) -> None:
    system = make_system(COUNTING, clock="stream")
    await system.create_topics(1)
    for _ in range(3):
        with system.worker() as worker:
            await poll_until(lambda: worker.status("/ready") == 200, 30)
            assert await asyncio.to_thread(worker.stop) == 0
            assert "ERROR" not in worker.log.read_text()
