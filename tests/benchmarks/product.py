"""Runs the product's own worker over the workload and measures it from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import redis
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.policy_file.builtin import BUILTIN_POLICY
from streams.store.redis.store import GROUPS
from tests.benchmarks.shapes import OWN, schema_file
from tests.benchmarks.workload import TOPICS, Workload
from tests.services.process_figures import memory
from tests.services.worker import WorkerProcess

#: Where `make compiled` puts the package.
COMPILED = Path(__file__).parents[2] / "build" / "compiled"
_WITHIN = 3_600.0


def policy_text(prefix: str) -> str:
    """Write the built-in policy for topics with a prefix."""
    text = BUILTIN_POLICY
    for topic in TOPICS:
        text = text.replace(f'topic = "{topic}"', f'topic = "{prefix}{topic}"')
    return text


def settings(
    brokers: str, url: str, namespace: str, policy: Path, package: Path | None = None, clock: str = "wall"
) -> dict[str, str]:
    """Write the environment of a worker.

    Args:
        brokers: host:port.
        url: of Redis.
        namespace: of its keys, and its consumer group.
        policy: file.
        package: where the package to run is installed; None for the sources.
        clock: `wall` or `stream`.

    Returns:
        The ENGAGEMENT_ settings, and where Python finds the package.
    """
    environment = {
        "ENGAGEMENT_KAFKA_BROKERS": brokers,
        "ENGAGEMENT_REDIS_URL": url,
        "ENGAGEMENT_NAMESPACE": namespace,
        "ENGAGEMENT_POLICY": str(policy),
        "ENGAGEMENT_KAFKA_SESSION_TIMEOUT": "10",
        "ENGAGEMENT_CLOCK": clock,
    }
    return environment | ({"PYTHONPATH": str(package), "PYTHONSAFEPATH": "1"} if package else {})


def run(
    brokers: str, url: str, workload: Workload, folder: Path, package: Path | None = None, window: str = "30d"
) -> Mapping[str, float]:
    """Let one worker apply everything.

    Args:
        brokers: host:port.
        url: of Redis.
        workload: what waits in the topics.
        folder: for the policy and the worker's log.
        package: where the package to run is installed; None for the sources.
        window: its length, in the policy's notation.

    Returns:
        Events, seconds from the first fetch until everything is stored, bytes of memory of the worker at most,
        bytes of Redis memory per customer, customers.
    """
    policy = folder / "policy.toml"
    sources = [] if workload.shape is OWN else [workload.shape.source(workload.prefix + name, name) for name in TOPICS]
    text = policy_text(workload.prefix).replace('length = "30d"', f'length = "{window}"')
    policy.write_text("\n".join([text, *sources]))
    namespace = f"{workload.prefix}{time.time_ns()}"
    with redis.Redis.from_url(url) as client:
        before = client.info("memory")["used_memory"]
        environment = settings(brokers, url, namespace, policy, package)
        if sources:
            schemas = folder / "schemas.json"
            schemas.write_text(schema_file())
            environment["ENGAGEMENT_SCHEMA_FILE"] = str(schemas)
        with WorkerProcess(environment, folder / "worker.log") as worker:
            ended = until_stored(client, workload, namespace, worker)
            seconds = ended - worker.metric("engagement_first_fetch_seconds")
            most = memory(worker.process.pid)["VmHWM"]
        customers = customers_scored(client, namespace)
        used = client.info("memory")["used_memory"] - before
    result = {"events": workload.events, "seconds": seconds, "memory": most}
    return {**result, "bytes_per_customer": used / customers, "customers": customers}


def customers_scored(client: redis.Redis, namespace: str) -> int:
    """Count the customers who have a score."""
    return sum(client.zcard(key) for key in client.scan_iter(f"{namespace}:band:*", count=10_000))


def until_stored(client: redis.Redis, workload: Workload, namespace: str, worker: WorkerProcess) -> float:
    """Wait until the fences of all groups say that everything is applied.

    That is where the peers end, too: at the last answer of Redis.

    Args:
        client: of Redis, with answers as bytes.
        workload: what is in the topics, all of it.
        namespace: of the worker.
        worker: the only one; it is an error that shows its log if it ends, and so is an hour without an end.

    Returns:
        When it was seen, Unix seconds; asked every 20 ms.
    """
    fences = [f"{namespace}:_fences:{group}" for group in range(GROUPS)]
    deadline = time.monotonic() + _WITHIN
    while worker.running:
        assert time.monotonic() < deadline, f"not done in {_WITHIN:g} s\n{worker.log_tail()}"
        groups = client.pipeline(transaction=False)
        for key in fences:
            groups.hvals(key)
        applied = [sum(int(fence.partition(b";")[0]) for fence in group) for group in groups.execute()]
        if min(applied) == (workload.records or workload.events):
            return time.time()
        time.sleep(0.02)
    raise AssertionError(worker.log_tail())


async def until_committed(brokers: str, workload: Workload, group: str, workers: list[WorkerProcess]) -> float:
    """Wait until a group has committed the end of every partition.

    The embedded broker tells of a log's end as if its last batch had one record, so the offsets are added up instead.

    Args:
        brokers: host:port.
        workload: what is in the topics, all of it.
        group: the consumer group.
        workers: one that ends is an error that shows its log, and so is an hour without an end.

    Returns:
        When it was seen, Unix seconds; asked every 50 ms.
    """
    partitions = [TopicPartition(topic, number) for topic in workload.topics for number in range(workload.partitions)]
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    deadline = time.monotonic() + _WITHIN
    try:
        while all(worker.running for worker in workers):
            assert time.monotonic() < deadline, f"not done in {_WITHIN:g} s\n{workers[0].log_tail()}"
            places = await admin.list_consumer_group_offsets(group, partitions=partitions)
            if sum(max(place.offset, 0) for place in places.values()) == workload.events:
                return time.time()
            await asyncio.sleep(0.05)
        raise AssertionError("\n".join(worker.log_tail() for worker in workers if not worker.running))
    finally:
        await admin.close()
