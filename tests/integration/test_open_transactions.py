"""A producer's transaction that stays open: what stands behind it is unread, not silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH, SECONDS, WINDOW
from tests.polling import poll_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import producer
from tests.services.system import System, event, event_record, instant, metric

#: Longer than the window.
HANGS = WINDOW + 8.0


@asynccontextmanager
async def open_transaction(system: System, customer: str, partition: int = 0) -> AsyncIterator[AIOKafkaProducer]:
    """Open a transaction on a partition, with a purchase in it."""
    async with producer(system.kafka, transactional_id=f"{system.namespace}-hangs") as client:
        await client.begin_transaction()
        body = event_record(event(customer, "purchase", time.time()))
        await client.send_and_wait(system.topic("clickstream"), body.value, partition=partition)
        yield client


async def buy(system: System, customer: str, partition: int = 0) -> None:
    """Buy once, now."""
    await system.send("clickstream", event(customer, "purchase", time.time()), partition=partition)


def drop_of(bought: list[float]) -> int:
    """Return the second at which less than three purchases of 20 points are left in the window."""
    boundary = int(max(bought)) + 1
    while sum(boundary - WINDOW < int(at) for at in bought) >= 3:
        boundary += 1
    return boundary


@pytest.mark.parametrize("ending", ["commit", "abort"])
async def test_who_buys_behind_a_hanging_transaction_is_not_silent(
    make_system: MakeSystem, own_kafka: KafkaBroker, ending: str
) -> None:
    system = make_system(SECONDS, kafka=own_kafka.bootstrap)
    await system.create_topics(2)
    customer, other = system.customer("buys"), system.customer("other")
    topic = system.topic("clickstream")
    bought: list[float] = []
    async with producer(system.kafka) as shop:

        async def buys() -> None:
            bought.append(time.time())
            body = event_record(event(customer, "purchase", bought[-1]))
            await shop.send_and_wait(topic, body.value, partition=0)

        with system.worker() as worker:
            for _ in range(6):
                await buys()
            await system.wait_for_score(customer, "120", within=WINDOW / 2)
            async with open_transaction(system, other) as client:
                until = time.monotonic() + HANGS
                seen = set()
                while time.monotonic() < until:
                    await buys()
                    await asyncio.sleep(0.25)
                    seen.add(float(system.score(customer) or 0))
                assert min(seen) == max(seen) == 120
                assert await system.alerts() == []
                assert (await system.band_changes(customer))[-1]["band"] == "power"
                assert metric(worker, "engagement_lag_seconds", topic=topic, partition="0") > HANGS - 4
                assert metric(worker, "engagement_open_transaction_seconds", topic=topic) > HANGS - 4
                assert worker.status("/ready") == 200
                await (client.commit_transaction() if ending == "commit" else client.abort_transaction())
            # The purchase of the transaction counts once it is committed, and has left the window by now.
            if ending == "commit":
                await poll_until(lambda: system.score(other) is not None, 30)
            await system.wait_for_score(customer, "0", within=3 * WINDOW)
            assert (system.score(other) is not None) == (ending == "commit")
            (alert,) = await system.wait_for_alerts(customer, 1)
            assert (alert["kind"], alert["occurred_at"]) == ("churn_risk", instant(drop_of(bought)))
            await poll_until(lambda: metric(worker, "engagement_lag_seconds", topic=topic, partition="0") < 3, 30)
            assert "engagement_open_transaction_seconds{" not in worker.get("/metrics")[1]
            assert worker.stop() == 0


async def test_what_can_be_read_goes_on_while_a_transaction_hangs(
    make_system: MakeSystem, own_kafka: KafkaBroker
) -> None:
    system = make_system(MONTH, kafka=own_kafka.bootstrap)
    await system.create_topics(2)
    behind, beside, new = (system.customer(name) for name in ("behind", "beside", "new"))
    with system.worker() as worker:
        await buy(system, behind)
        await buy(system, beside, partition=1)
        await system.wait_for_score(beside, "20")
        await system.wait_for_score(behind, "20")
        async with open_transaction(system, behind) as client:
            await buy(system, behind)
            # Longer than what counts as keeping up.
            await poll_until(lambda: metric(worker, "engagement_open_transaction_seconds") > 6, 30)
            for count in range(2, 6):
                await buy(system, beside, partition=1)
                await system.wait_for_score(beside, str(20 * count))
            await buy(system, new, partition=1)
            await system.wait_for_score(new, "20")
            assert system.score(behind) == "20"
            await client.commit_transaction()
        await system.wait_for_score(behind, "60")
        assert worker.stop() == 0
