"""A topic that loses what a rebuild needs: the worker says so when it starts, and works."""

from __future__ import annotations

import time

import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import create_topic, set_topic
from tests.services.system import event, metric


async def test_a_topic_that_kafka_created_by_itself_keeps_too_little(
    make_system: MakeSystem, own_kafka: KafkaBroker
) -> None:
    system = make_system(COUNTING, kafka=own_kafka.bootstrap)
    topic, customer = system.topic("clickstream"), system.customer("week")
    # With the broker's own settings, which is a week.
    await create_topic(system.kafka, topic, 1)
    await system.create_topics()
    with system.worker() as worker:
        await system.send("clickstream", event(customer, "page_view", time.time()))
        await system.wait_for_score(customer, "1")
        assert metric(worker, "engagement_short_retention", topic=topic) == 1
        # The window and the trend.
        assert f"{topic} keeps records for 7d, and the policy looks back 37d" in worker.log.read_text()
        assert worker.stop() == 0


@pytest.mark.beyond_embedded_kafka("cannot change the settings of a topic")
async def test_a_compacted_topic_of_events_is_named(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    topic = system.topic("clickstream")
    await system.create_topics()
    await set_topic(system.kafka, topic, {"cleanup.policy": "compact", "retention.ms": "-1"})
    with system.worker() as worker:
        assert metric(worker, "engagement_short_retention", topic=topic) == 1
        assert f"{topic} is compacted, so Kafka deletes all but the last event of a key" in worker.log.read_text()
        assert worker.stop() == 0


async def test_a_topic_that_the_worker_created_keeps_enough(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    with system.worker() as worker:
        assert worker.stop() == 0
    assert "keeps records for" not in worker.log.read_text()
    with system.worker() as worker:
        await poll_until(lambda: "engagement_ready 1.0" in worker.get("/metrics")[1], 30)
        assert metric(worker, "engagement_short_retention") == 0
        # Nothing is known yet of any time.
        lines = worker.get("/metrics")[1].splitlines()
        assert "engagement_first_fetch_seconds NaN" in lines
        assert all(float(line.split()[-1]) < 1e6 for line in lines if line.startswith("engagement_lag_seconds{"))
        assert worker.stop() == 0
