"""Faults of Redis; each is one injection, after which the system can go on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import redis

from tests.faults.run import FaultRun
from tests.polling import wait_until
from tests.services.log_reader import read_fences
from tests.services.sentinel import RedisWithSentinel

#: Seconds within which workers have to notice what has happened to Redis.
_NOTICED_WITHIN = 30.0
#: Records of which the writes have not reached the disk when the power goes.
_UNSAVED = 2_000


def crash(run: FaultRun) -> None:
    """Kill the server with SIGKILL and start it again once a worker has noticed."""
    run.redis_server.kill()
    wait_until_held(run, "Redis")
    run.redis_server.start()


def cut_power(run: FaultRun) -> None:
    """Kill the server and take the end of its append-only file away, as if it had never reached the disk."""
    saved = _append_only_file(run).stat().st_size
    run.wait_for_progress(_UNSAVED)
    run.redis_server.kill()
    os.truncate(_append_only_file(run), saved)
    wait_until_held(run, "Redis")
    run.redis_server.start()


def _append_only_file(run: FaultRun) -> Path:
    folder = run.redis_server.directory / "appendonlydir"
    return max(folder.glob("*.incr.aof"), key=lambda path: path.stat().st_mtime_ns)


def flush(run: FaultRun) -> None:
    """Delete everything in the server while it serves."""
    with redis.Redis.from_url(run.store_url) as client:
        client.flushall()


def fail_over(run: FaultRun) -> int:
    """Let the primary fail while its replica lags; return how many acknowledged records were lost with it."""
    servers = _behind_sentinel(run)
    servers.part_replica()
    run.wait_for_progress(_UNSAVED)
    lost = run.applied() - _applied_at(run, servers.replica.url)
    servers.kill()
    servers.wait_until_promoted()
    servers.bring_back()
    return lost


def fail_over_from_frozen(run: FaultRun) -> int:
    """Freeze the primary, and let it go on when another has taken its place; return as `fail_over` does."""
    servers = _behind_sentinel(run)
    servers.part_replica()
    run.wait_for_progress(_UNSAVED)
    lost = run.applied() - _applied_at(run, servers.replica.url)
    servers.freeze()
    servers.wait_until_promoted()
    servers.thaw()
    servers.bring_back()
    return lost


def _behind_sentinel(run: FaultRun) -> RedisWithSentinel:
    assert isinstance(run.redis_server, RedisWithSentinel)
    return run.redis_server


def _applied_at(run: FaultRun, url: str) -> int:
    return sum(min(offsets) for offsets in read_fences(url, run.system.namespace).values())


def reasons(run: FaultRun) -> list[str]:
    """Tell why workers are not ready, those that are not."""
    pages = [worker.get("/ready") for worker in run.workers.running]
    return [str(json.loads(body)["reason"]) for status, body in pages if status == 503]


def wait_until_held(run: FaultRun, *words: str) -> None:
    """Wait until some worker says one of these words as the reason why it is not ready."""
    wait_until(lambda: any(word in reason for reason in reasons(run) for word in words), _NOTICED_WITHIN)
