"""Redis or the broker absent, killed, or set up wrongly: a clear word, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.embedded.ports import free_ports
from tests.integration.conftest import MakeSystem
from tests.integration.flow import Flow
from tests.integration.policies import COUNTING
from tests.polling import poll_until, wait_until
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis
from tests.services.system import System, event, metric, wait_for_metric
from tests.services.worker import WorkerProcess

ON_DISK = {"appendonly": "yes", "appendfsync": "always"}
AT = time.time() - 3600
ENDS_WITHIN = 30


def reason(worker: WorkerProcess) -> str:
    """Read why a worker is not ready; '' if it is, or does not answer."""
    status, body = worker.get("/ready")
    return str(json.loads(body)["reason"]) if status == 503 else ""


async def while_events_flow(system: System, worker: WorkerProcess, happens: Callable[[], Any]) -> None:
    """Let something happen while events flow; at the end every customer must have what was written."""
    flow = Flow(system)
    flowing = asyncio.create_task(flow.run())
    try:
        await poll_until(lambda: metric(worker, "engagement_round_events_total") >= 500, 30)
        await asyncio.to_thread(happens)
        await flow.go_on(500)
        flow.stop()
        await asyncio.wait_for(flowing, 60)
    finally:
        flowing.cancel()
    await flow.wait_until_exact()
    await poll_until(lambda: worker.status("/ready") == 200, 30)


async def test_a_worker_waits_for_redis_and_says_so(make_system: MakeSystem) -> None:
    server = local_redis()
    server.ports = tuple(free_ports(1))
    with_redis = make_system(COUNTING, redis_url=server.url)
    await with_redis.create_topics()
    customer = with_redis.customer("patient")
    await with_redis.send("clickstream", event(customer, "page_view", AT))
    worker = with_redis.worker()
    worker.start()
    try:
        await poll_until(lambda: "Redis does not answer" in reason(worker), 30)
        assert worker.status("/health") == 200
        assert metric(worker, "engagement_ready") == 0
        assert worker.running
        server.start()
        await asyncio.to_thread(worker.wait_ready)
        await with_redis.send("clickstream", event(customer, "page_view", AT))
        await with_redis.wait_for_score(customer, "2")
        await wait_for_metric(1, worker, "engagement_ready")
        assert worker.stop() == 0
    finally:
        worker.kill()
        server.close()


@pytest.mark.usefixtures("kafka_here")
async def test_a_worker_waits_for_the_broker_and_goes_on_after_its_crash(make_system: MakeSystem) -> None:
    broker = KafkaBroker()
    broker.ports = tuple(free_ports(2))
    try:
        system = make_system(COUNTING, kafka=broker.bootstrap)
        worker = system.worker()
        worker.start()
        await poll_until(lambda: f"Kafka at {broker.bootstrap} does not answer" in reason(worker), 30)
        assert worker.status("/health") == 200
        assert worker.running
        await asyncio.to_thread(broker.start)
        await asyncio.to_thread(worker.wait_ready)
        assert "created the topics" in worker.log.read_text()
        await system.create_topics()

        def crash() -> None:
            broker.kill()
            wait_until(lambda: not worker.running or "Kafka" in reason(worker), 25)
            assert worker.running, worker.log_tail()
            assert worker.status("/health") == 200
            broker.start()

        await while_events_flow(system, worker, crash)
        assert worker.stop() == 0
        assert await system.committed() == {tp: end for tp, end in (await system.log_ends()).items() if end}
    finally:
        worker.kill()
        broker.close()


@pytest.mark.parametrize("config", [ON_DISK, {}], ids=["append-only", "memory"])
async def test_a_worker_goes_on_after_a_crash_of_redis(make_system: MakeSystem, config: dict[str, str]) -> None:
    with local_redis(config) as server:
        system = make_system(COUNTING, redis_url=server.url)
        await system.create_topics()
        with system.worker() as worker:

            def crash() -> None:
                server.kill()
                wait_until(lambda: "Redis" in reason(worker), 30)
                assert worker.status("/health") == 200
                server.start()

            await while_events_flow(system, worker, crash)
            assert worker.stop() == 0
        assert await system.committed() == {tp: end for tp, end in (await system.log_ends()).items() if end}


async def test_a_worker_that_is_held_for_hours_stays_in_its_group_and_goes_on(make_system: MakeSystem) -> None:
    with local_redis(ON_DISK) as server:
        system = make_system(COUNTING, redis_url=server.url)
        await system.create_topics(1)
        customer = system.customer("patient")
        with system.worker(("tests.integration.worker_with_fast_idleness",)) as worker:
            await system.send("clickstream", event(customer, "page_view", AT))
            await system.wait_for_score(customer, "1")
            server.kill()
            # More messages than fit into all queues, then hours by the client's clock.
            for _ in range(20):
                await system.send("clickstream", event(customer, "page_view", AT))
                await asyncio.sleep(0.2)
            await asyncio.sleep(8)
            server.start()
            await system.wait_for_score(customer, "21")
            assert "LeaveGroup" not in worker.log.read_text()
            assert worker.stop() == 0


async def test_a_redis_that_evicts_is_refused(make_system: MakeSystem) -> None:
    with local_redis({"maxmemory-policy": "allkeys-lru", "maxmemory": "64mb"}) as server:
        worker = make_system(COUNTING, redis_url=server.url).worker()
        worker.start()
        assert await asyncio.to_thread(worker.process.wait, ENDS_WITHIN) not in (0, None)
        text = worker.log.read_text()
    assert "Redis may drop scores: its maxmemory-policy is 'allkeys-lru'" in text
    assert "Set it to 'noeviction'" in text


async def test_a_redis_that_evicts_later_ends_the_worker(make_system: MakeSystem) -> None:
    with local_redis() as server:
        system = make_system(COUNTING, redis_url=server.url)
        await system.create_topics()
        worker = system.worker()
        worker.start()
        try:
            await asyncio.to_thread(worker.wait_ready)
            system.redis.config_set("maxmemory-policy", "allkeys-lru")
            assert await asyncio.to_thread(worker.process.wait, ENDS_WITHIN) not in (0, None)
            assert "Redis may drop scores: its maxmemory-policy is 'allkeys-lru'" in worker.log.read_text()
        finally:
            worker.kill()


def refused(worker: WorkerProcess) -> list[str]:
    """Start a worker that must refuse its settings; return what it says."""
    worker.start()
    assert worker.process.wait(ENDS_WITHIN) == 2
    text = worker.log.read_text()
    assert "Traceback" not in text
    return text.splitlines()


def test_wrong_settings_stop_the_start_with_every_problem(tmp_path: Path) -> None:
    wrong = {
        "KAFKA_BROKERS": "localhost",
        "KAFKA_SESSION_TIMEOUT": "soon",
        "REDIS_URL": "http://:secret@localhost",
        "POLICY": str(tmp_path / "absent.toml"),
        "NAMESPACE": "a b",
        "CLOCK": "sun",
    }
    lines = refused(WorkerProcess({f"ENGAGEMENT_{name}": value for name, value in wrong.items()}, tmp_path / "log"))
    for name in wrong:
        assert sum(f"ENGAGEMENT_{name}:" in line for line in lines) == 1, lines
    assert not any("secret" in line for line in lines)
    assert len(lines) <= len(wrong) + 1


def test_a_wrong_policy_stops_the_start_with_every_problem(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("""
        wheather = "fine"
        [window]
        length = "30d"
        pane = "7d"
        [bands]
        engaged = 80
        highly_engaged = 70
        [channels.email]
        topic = "email"
        weights = { open = "much", click = nan, reply = true, bounce = -5 }
        cap = { open = 0, print = 1 }
        colour = "red"
    """)
    lines = refused(WorkerProcess({"ENGAGEMENT_POLICY": str(policy)}, tmp_path / "log"))
    for key in (
        "wheather: unknown key",
        "window.pane: 7d does not divide window.length 30d",
        "bands: out of order",
        "channels.email.colour: unknown key",
        "channels.email.weights.open: 'much' is not a number",
        "channels.email.weights.click: nan is not a number",
        "channels.email.weights.reply: True is not a number",
        "channels.email.cap.open: 0 is not a whole number",
        "channels.email.cap.print: there is no weight",
    ):
        assert sum(key in line for line in lines) == 1, (key, lines)
    assert len(lines) == 10
