"""Runs the product's own worker over the workload and measures it from outside."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import redis
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from tests.benchmarks.workload import PARTITIONS, TOPICS
from tests.services.worker import WorkerProcess


def policy_text(prefix: str) -> str:
    """Write the built-in policy for topics with a prefix."""
    from scoring.builtin import BUILTIN_POLICY  # noqa: PLC0415 - only here

    text = BUILTIN_POLICY
    for topic in TOPICS:
        text = text.replace(f'topic = "{topic}"', f'topic = "{prefix}{topic}"')
    return text


def run(brokers: str, prefix: str, url: str, count: int, folder: Path, package: Path | None = None) -> dict[str, float]:
    """Let one worker apply everything.

    Args:
        brokers: host:port.
        prefix: of the topics' names; with the time, also of the namespace.
        url: of Redis.
        count: events in the topics.
        folder: for the policy and the worker's log.
        package: where the package to run is installed; None for the sources.

    Returns:
        Events, seconds from the first fetch until all offsets are committed, bytes of Redis memory per customer.
    """
    policy = folder / "policy.toml"
    policy.write_text(policy_text(prefix))
    namespace = f"{prefix}{time.time_ns()}"
    environment = {
        "ENGAGEMENT_KAFKA_BROKERS": brokers,
        "ENGAGEMENT_REDIS_URL": url,
        "ENGAGEMENT_NAMESPACE": namespace,
        "ENGAGEMENT_POLICY": str(policy),
        "ENGAGEMENT_KAFKA_SESSION_TIMEOUT": "10",
    }
    if package:
        environment |= {"PYTHONPATH": str(package), "PYTHONSAFEPATH": "1"}
    client = redis.Redis.from_url(url)
    before = client.info("memory")["used_memory"]
    with WorkerProcess(environment, folder / "worker.log") as worker:
        ended = asyncio.run(_until_committed(brokers, prefix, namespace, count, worker))
        seconds = ended - worker.metric("engagement_first_fetch_seconds")
    customers = sum(client.zcard(key) for key in client.scan_iter(f"{namespace}:band:*"))
    used = client.info("memory")["used_memory"] - before
    client.close()
    return {"events": count, "seconds": seconds, "bytes_per_customer": used / customers, "customers": customers}


async def _until_committed(brokers: str, prefix: str, group: str, count: int, worker: WorkerProcess) -> float:
    partitions = [TopicPartition(prefix + topic, number) for topic in TOPICS for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers)
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await consumer.start()
    await admin.start()
    try:
        ends = await consumer.end_offsets(partitions)
        assert sum(ends.values()) == count
        while worker.running:
            committed = await admin.list_consumer_group_offsets(group)
            if all(tp in committed and committed[tp].offset == end for tp, end in ends.items()):
                return time.time()
            await asyncio.sleep(0.05)
        raise AssertionError(worker.log_tail())
    finally:
        await consumer.stop()
        await admin.close()
