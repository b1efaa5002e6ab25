"""Faults of Redis; each is one injection, after which the system can go on."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import redis

from tests.faults.run import FaultRun
from tests.polling import wait_until
from tests.services.log_reader import read_fences
from tests.services.redis_proxy import RedisProxy
from tests.services.sentinel import RedisWithSentinel

#: What a server needs for `cut_power`.
ON_DISK = {"appendonly": "yes", "appendfsync": "everysec", "auto-aof-rewrite-percentage": "0"}
#: Seconds within which workers have to notice what has happened to Redis.
_NOTICED_WITHIN = 120.0
#: Records of which the writes have not reached the disk when the power goes.
_UNSAVED = 2_000
#: Bytes that the server may still take.
_ROOM = 200_000
_BUSY_AFTER_MS = 100


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


def fill(run: FaultRun) -> None:
    """Let the server run into its memory limit, and lift the limit once workers hold."""
    with redis.Redis.from_url(run.store_url) as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"] + _ROOM)
        try:
            wait_until_held(run, "OOM")
            wait_until_retried(run)
        finally:
            client.config_set("maxmemory", 0)


def keep_busy(run: FaultRun) -> None:
    """Let a script of another client run without an end, and kill it once workers hold."""
    with redis.Redis.from_url(run.store_url) as client, ThreadPoolExecutor(1) as pool:
        client.config_set("busy-reply-threshold", _BUSY_AFTER_MS)
        script = pool.submit(_run_forever, run.store_url)
        try:
            wait_until_held(run, "BUSY", "busy running a script")
            wait_until_retried(run)
        finally:
            client.script_kill()
        script.result(_NOTICED_WITHIN)


def _run_forever(url: str) -> None:
    with redis.Redis.from_url(url, socket_timeout=None) as client:
        try:
            client.eval("while true do end", 0)
        except redis.ResponseError as error:
            assert "killed by user" in str(error)  # noqa: PT017 - nothing else is expected of it


def demote(run: FaultRun) -> None:
    """Make the server a replica of nobody, and a primary again once workers hold."""
    with redis.Redis.from_url(run.store_url) as client:
        client.replicaof("127.0.0.1", "1")
        try:
            wait_until_held(run, "READONLY", "takes no writes")
            wait_until_retried(run)
        finally:
            client.replicaof("NO", "ONE")


def answer_with(run: FaultRun, proxy: RedisProxy, error: str) -> None:
    """Answer every command with an error until workers hold and have tried again."""
    refused = proxy.refused
    proxy.refusal = error.encode()
    try:
        wait_until_held(run, error.partition(" ")[0])
        wait_until_retried(run)
    finally:
        proxy.refusal = b""
    assert proxy.refused > refused


def drop_packets(run: FaultRun, proxy: RedisProxy, seconds: float) -> None:
    """Let no byte through to the server for a while, and none back, while the connections stay open."""
    proxy.hold()
    try:
        wait_until_held(run, "Redis does not answer")
        held = run.applied()
        time.sleep(seconds)
        assert run.applied() == held
    finally:
        proxy.release()


def plant(run: FaultRun, key: str) -> None:
    """Put something else under a key until a worker has ended because of it, then put back what it held."""
    name, aside = f"{run.system.namespace}:{key}", f"{run.system.namespace}:aside"
    with redis.Redis.from_url(run.store_url) as client:
        wait_until(lambda: client.exists(name), _NOTICED_WITHIN)
        with client.pipeline() as swap:
            swap.rename(name, aside).set(name, "planted").execute()
        workers = run.workers.running
        wait_until(lambda: any(not worker.running for worker in workers), _NOTICED_WITHIN)
        client.rename(aside, name)
    logs = [worker.log.read_text(errors="replace") for worker in workers if not worker.running]
    assert all("WRONGTYPE" in log for log in logs)
    run.workers.up(run.plan.workers)


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
    """Return why workers are not ready, those that are not."""
    pages = [worker.get("/ready") for worker in run.workers.running]
    return [str(json.loads(body)["reason"]) for status, body in pages if status == 503]


def wait_until_retried(run: FaultRun, times: int = 3) -> None:
    """Wait until workers have tried some more times in vain."""
    wanted = _retries(run) + times
    wait_until(lambda: _retries(run) >= wanted, _NOTICED_WITHIN)


def _retries(run: FaultRun) -> float:
    return sum(worker.metric("engagement_retries_total") for worker in run.workers.running)


def wait_until_held(run: FaultRun, *words: str) -> None:
    """Wait until some worker says one of these words as the reason why it is not ready."""
    wait_until(lambda: any(word in reason for reason in reasons(run) for word in words), _NOTICED_WITHIN)
