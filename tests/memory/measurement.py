"""One worker over one backlog, and how much memory it took at most."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from scoring.builtin import BUILTIN_POLICY
from tests.memory.backlog import CHANNELS
from tests.polling import wait_until
from tests.services.kafka_client import log_ends
from tests.services.log_reader import read_fences
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


def measure(kafka: str, prefix: str, redis_url: str, worker_redis_url: str, folder: Path, within: float) -> Memory:
    """Let a worker apply everything that waits in the topics.

    Args:
        kafka: host:port of a broker.
        prefix: of the topics' names.
        redis_url: of the server.
        worker_redis_url: the way that the worker takes to it.
        folder: for the policy and the log.
        within: seconds.

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
    ends = asyncio.run(log_ends(kafka, [prefix + channel for channel in CHANNELS]))
    wanted = {place: {end} for place, end in ends.items() if end}
    worker = WorkerProcess(settings, folder / f"{namespace}.log", ready_within=120)
    worker.start()
    try:
        # It listens before it reads.
        wait_until(lambda: not worker.running or worker.status("/health") == 200, 60)
        at_start = _resident(worker.process.pid)
        curve: list[int] = []
        deadline = time.monotonic() + within
        while read_fences(redis_url, namespace) != wanted or not _all_judged(redis_url, namespace):
            assert worker.running, worker.log_tail()
            assert time.monotonic() < deadline, f"not done in {within:g} s\n{worker.log_tail()}"
            curve.append(_resident(worker.process.pid))
            time.sleep(0.2)
        status = _status(worker.process.pid)
        return Memory(at_start, tuple(curve), status["VmHWM"], sum(ends.values()), _customers(redis_url, namespace))
    finally:
        worker.kill()
        _forget(redis_url)


def _status(pid: int) -> Mapping[str, int]:
    """Read what the kernel says of a process's memory, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}


def _resident(pid: int) -> int:
    return _status(pid)["VmRSS"]


def _all_judged(url: str, namespace: str) -> bool:
    """Tell whether everybody who is stored has a score: at the start of a backlog events are only put aside."""
    with redis.Redis.from_url(url) as client:
        stored = sum(1 for _ in client.scan_iter(f"{namespace}:customer:*", count=10_000))
    return _customers(url, namespace) == stored


def _customers(url: str, namespace: str) -> int:
    with redis.Redis.from_url(url) as client:
        return sum(client.zcard(key) for key in client.scan_iter(f"{namespace}:band:*", count=10_000))


def _forget(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb(asynchronous=True)
