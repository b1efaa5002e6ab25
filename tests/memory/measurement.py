"""One worker over one backlog, and how much memory it took at most."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from streams.policy_file.builtin import BUILTIN_POLICY
from tests.memory.backlog import CHANNELS
from tests.polling import wait_until
from tests.services.kafka_client import log_ends
from tests.services.log_reader import read_fences
from tests.services.process_figures import memory
from tests.services.worker import WorkerProcess

MIB = 1 << 20


@dataclass(frozen=True)
class Memory:
    """What was measured, in bytes: at the start, in steps through the run, and at most, as the kernel counted."""

    at_start: int
    curve: tuple[int, ...]
    most: int
    events: int
    customers: int


def measure(
    kafka: str,
    prefix: str,
    redis_url: str,
    worker_redis_url: str,
    folder: Path,
    within: float,
    package: Path | None = None,
) -> Memory:
    """Let a worker apply everything that waits in the topics.

    Args:
        kafka: host:port of a broker.
        prefix: of the topics' names.
        redis_url: of the server.
        worker_redis_url: the way that the worker takes to it.
        folder: for the policy and the log.
        within: seconds.
        package: where the package to run is installed; None for the sources.

    Returns:
        How much memory the worker took.
    """
    policy, namespace = folder / f"{prefix}policy.toml", f"{prefix}{secrets.token_hex(4)}"
    text = BUILTIN_POLICY
    for channel in CHANNELS:
        text = text.replace(f'topic = "{channel}"', f'topic = "{prefix}{channel}"')
    policy.write_text(text)
    settings = {
        "ENGAGEMENT_KAFKA_BROKERS": kafka,
        "ENGAGEMENT_REDIS_URL": worker_redis_url,
        "ENGAGEMENT_NAMESPACE": namespace,
        "ENGAGEMENT_POLICY": str(policy),
        "ENGAGEMENT_KAFKA_SESSION_TIMEOUT": "10",
    }
    if package:
        settings |= {"PYTHONPATH": str(package), "PYTHONSAFEPATH": "1"}
    ends = asyncio.run(log_ends(kafka, [prefix + channel for channel in CHANNELS]))
    wanted = {place: {end} for place, end in ends.items() if end}
    worker = WorkerProcess(settings, folder / f"{namespace}.log", ready_within=120)
    worker.start()
    try:
        # It listens before it reads.
        wait_until(lambda: not worker.running or worker.status("/health") == 200, 60)
        at_start = memory(worker.process.pid)["VmRSS"]
        curve: list[int] = []
        deadline = time.monotonic() + within
        while read_fences(redis_url, namespace) != wanted or not _all_judged(redis_url, namespace):
            assert worker.running, worker.log_tail()
            assert time.monotonic() < deadline, f"not done in {within:g} s\n{worker.log_tail()}"
            curve.append(memory(worker.process.pid)["VmRSS"])
            time.sleep(0.2)
        most = memory(worker.process.pid)["VmHWM"]
        return Memory(at_start, tuple(curve), most, sum(ends.values()), _customers(redis_url, namespace))
    finally:
        worker.kill()
        _forget(redis_url)


def _all_judged(url: str, namespace: str) -> bool:
    """Return whether everybody who is stored has a score: at the start of a backlog events are only put aside."""
    with redis.Redis.from_url(url) as client:
        stored = sum(1 for _ in client.scan_iter(f"{namespace}:customer:*", count=10_000))
    return _customers(url, namespace) == stored


def _customers(url: str, namespace: str) -> int:
    with redis.Redis.from_url(url) as client:
        return sum(client.zcard(key) for key in client.scan_iter(f"{namespace}:band:*", count=10_000))


def _forget(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb(asynchronous=True)
