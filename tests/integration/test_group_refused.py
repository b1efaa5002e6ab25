"""Kafka refuses a worker the group, or falls silent: it is named, and the worker goes on once the cause is gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.kafka import KafkaBroker
from tests.services.system import System, event
from tests.services.worker import WorkerProcess

pytestmark = pytest.mark.usefixtures("kafka_here")

AT = time.time() - 3600
LIMITS = {"group.min.session.timeout.ms": "6000", "group.max.session.timeout.ms": "60000"}
NO_LIMITS = {"group.min.session.timeout.ms": "1000", "group.max.session.timeout.ms": "1800000"}


def reason(worker: WorkerProcess) -> str:
    """Read why a worker is not ready; '' if it is, or does not answer."""
    status, body = worker.get("/ready")
    return str(json.loads(body)["reason"]) if status == 503 else ""


@contextmanager
def broker(properties: Mapping[str, str]) -> Iterator[KafkaBroker]:
    """Run a broker."""
    with KafkaBroker(properties) as server:
        yield server


async def must_be_named(worker: WorkerProcess, words: str, within: float = 40.0) -> None:
    """Wait until `/ready` says why; the log must say it once, and the worker must live."""
    await poll_until(lambda: words in reason(worker), within)
    assert worker.status("/health") == 200
    assert worker.running
    said = [line for line in worker.log.read_text().splitlines() if words in line and "GroupWatch" in line]
    assert len(said) == 1, said


async def must_score(system: System, worker: WorkerProcess) -> None:
    """Wait until the worker is ready, and scores."""
    await poll_until(lambda: worker.status("/ready") == 200, 60)
    await system.send("clickstream", event(system.customer("patient"), "page_view", AT))
    await system.wait_for_score(system.customer("patient"), "1")
    assert worker.stop() == 0


@pytest.mark.parametrize("seconds", [3, 600], ids=["lower", "higher"])
async def test_a_refused_session_timeout_is_named_and_taken_once_the_broker_allows_it(
    make_system: MakeSystem, seconds: float
) -> None:
    with broker(LIMITS) as kafka:
        system = make_system(COUNTING, kafka=kafka.bootstrap, session_timeout=seconds)
        await system.create_topics()
        worker = system.worker()
        worker.start()
        await must_be_named(worker, f"Kafka refuses the session timeout of {seconds} s")
        assert "ENGAGEMENT_KAFKA_SESSION_TIMEOUT" in reason(worker)
        await poll_until(lambda: worker.metric("engagement_retries_total") > 0)
        kafka.properties |= NO_LIMITS
        await asyncio.to_thread(kafka.stop)
        await asyncio.to_thread(kafka.start)
        await must_score(system, worker)


async def test_a_group_of_another_service_is_named_until_that_has_left(
    make_system: MakeSystem, own_kafka: KafkaBroker
) -> None:
    system = make_system(COUNTING, kafka=own_kafka.bootstrap)
    await system.create_topics()
    stranger = AIOKafkaConsumer(
        system.topic("clickstream"),
        bootstrap_servers=system.kafka,
        group_id=system.namespace,
        partition_assignment_strategy=[RangePartitionAssignor],
    )
    await stranger.start()
    try:
        worker = system.worker()
        worker.start()
        await must_be_named(worker, "are no workers of this service")
    finally:
        await stranger.stop()
    await must_score(system, worker)


async def test_a_full_group_is_named_until_a_member_leaves(make_system: MakeSystem) -> None:
    with broker({"group.max.size": "1"}) as kafka:
        system = make_system(COUNTING, kafka=kafka.bootstrap)
        await system.create_topics()
        with system.worker() as first:
            second = system.worker()
            second.start()
            await must_be_named(second, "group.max.size")
            assert first.status("/ready") == 200
        await must_score(system, second)
