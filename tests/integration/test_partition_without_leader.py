"""A partition whose leader is away: what may come to it cannot be read, which is no silence."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka.admin import NewTopic

from tests.integration.conftest import MakeSystem
from tests.integration.policies import SECONDS, WINDOW
from tests.polling import poll_until
from tests.services.kafka import KafkaCluster
from tests.services.kafka_client import admin
from tests.services.system import event, metric

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("kafka_here")]


async def test_nobody_is_silent_on_a_partition_without_a_leader(make_system: MakeSystem) -> None:
    with KafkaCluster() as cluster:
        system = make_system(SECONDS, kafka=cluster.bootstrap)
        topic, customer = system.topic("clickstream"), system.customer("cut-off")
        leaders = {number: [cluster.brokers[number].node_id] for number in (0, 1)}
        async with admin(system.kafka) as client:
            await client.create_topics([NewTopic(topic, -1, -1, replica_assignments=leaders)])
        await system.create_topics(2)
        with system.worker() as worker:
            await system.send("clickstream", *[event(customer, "purchase", time.time()) for _ in range(6)])
            await system.wait_for_score(customer, "120", within=WINDOW / 2)
            cluster.brokers[0].kill()
            await asyncio.sleep(WINDOW + 8.0)
            assert system.score(customer) == "120"
            assert await system.alerts() == []
            assert f"Kafka has not answered for {topic}[0]" in worker.get("/ready")[1]
            assert metric(worker, "engagement_lag_seconds", topic=topic, partition="0") > WINDOW
            cluster.brokers[0].start()
            await poll_until(lambda: worker.status("/ready") == 200, 60)
            (alert,) = await system.wait_for_alerts(customer, 1)
            assert alert["kind"] == "churn_risk"
            assert worker.stop() == 0
