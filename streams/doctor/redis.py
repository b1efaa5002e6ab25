"""Redis: whether it can be reached, is a server that keeps scores, and lets the worker do its work."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError

from scoring.instants import SECOND
from streams.doctor.configuration import Configuration
from streams.doctor.finding import Finding, Untold, doubtful, right, wrong
from streams.errors import AccessDenied, StoreUnavailable
from streams.settings.settings import Settings
from streams.store.redis.connection import connect, redis_options
from streams.store.redis.errors import mapped
from streams.store.redis.server import server_faults
from streams.store.redis.store import RedisStore

#: The share of its memory above which a server is about to refuse writes.
_NEARLY_FULL = 0.9
#: Microseconds by which two clocks may differ: a worker's own is followed up to here, see `SteadyClock`.
_CLOCKS_APART = 2 * SECOND


@asynccontextmanager
async def redis_client(settings: Settings) -> AsyncIterator[Redis]:
    """Connect a client, and turn its errors into those of the package."""
    client, close = connect(settings.redis_url, redis_options(settings))
    try:
        yield client
    except (RedisError, OSError) as error:
        raise mapped(error) from error
    finally:
        await close()


async def check_access(configuration: Configuration) -> list[Finding]:
    """Log in and ask for a sign of life."""
    try:
        async with redis_client(configuration.settings) as client:
            await client.ping()
    except AccessDenied as error:
        return [wrong(str(error), "Correct user, password or certificate: ENGAGEMENT_REDIS_...")]
    except StoreUnavailable as error:
        return [wrong(str(error), "Start it, or correct ENGAGEMENT_REDIS_URL")]
    user = configuration.settings.redis_security.username
    return [right("it answers" + (f" to the user {user!r}" if user else ""))]


async def check_server(configuration: Configuration) -> list[Finding]:
    """Look whether it is a server that keeps what it is given; see `server_findings`."""
    return server_findings(await _info(configuration))


async def _info(configuration: Configuration) -> dict[str, Any]:
    async with redis_client(configuration.settings) as client:
        return dict(await client.info())


def server_findings(info: Mapping[str, Any]) -> list[Finding]:
    """Say for what a worker would refuse the server, and whether its memory is nearly full.

    Args:
        info: what the server says of itself.
    """
    findings = [wrong(str(fault)) for fault in server_faults(info)]
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > most * _NEARLY_FULL:
        says = f"{used:,} of {most:,} bytes of its memory are in use; when it is full, it takes no writes"
        findings.append(doubtful(says, "Raise maxmemory"))
    version, policy = info.get("redis_version"), info.get("maxmemory_policy")
    return findings or [right(f"version {version}, a primary, maxmemory-policy {policy}")]


async def check_persistence(configuration: Configuration) -> list[Finding]:
    """Look at what would be left of the scores after a restart; see `persistence_findings`."""
    async with redis_client(configuration.settings) as client:
        info = dict(await client.info())
        try:
            snapshots = str((await client.config_get("save")).get("save", ""))
        except NoPermissionError:
            snapshots = None
    return persistence_findings(info, snapshots)


def persistence_findings(info: Mapping[str, Any], snapshots: str | None) -> list[Finding]:
    """Say whether the server keeps the scores on disk.

    Args:
        info: what the server says of itself.
        snapshots: when it makes them, as it is configured; '' for never, None where this user may not see it.
    """
    failed = [name for name in ("rdb_last_bgsave_status", "aof_last_write_status") if info.get(name, "ok") != "ok"]
    if failed:
        says = f"its last write to the disk has failed ({', '.join(failed)}); it may refuse all writes"
        return [wrong(says, "Look at its log and at the disk")]
    if info.get("aof_enabled"):
        return [right("every write goes to an append-only file")]
    if snapshots:
        return [right(f"snapshots are made (save {snapshots}); what is newer is applied again from the log")]
    if snapshots is None:
        raise Untold("without an append-only file; this user may not see whether snapshots are made (CONFIG GET)")
    return [
        doubtful(
            "nothing is kept on disk: after a restart all scores are made anew from the log, and what the topics do "
            "not keep is gone",
            "Set appendonly yes",
        )
    ]


async def check_rights(configuration: Configuration) -> list[Finding]:
    """Load the functions and ask for all that a worker does, as it does itself when it starts."""
    store = RedisStore(configuration.settings)
    try:
        await store.open_existing()
    finally:
        await store.close()
    return [right("no right is missing that a worker needs, and its functions are loaded")]


async def check_namespace(configuration: Configuration) -> list[Finding]:
    """Look whether the scores under the namespace were made in the way of these settings."""
    store = RedisStore(configuration.settings)
    try:
        differing = await store.format_differences()
    finally:
        await store.close()
    name = configuration.settings.namespace
    if differing:
        remedy = "Start with a new ENGAGEMENT_NAMESPACE, and the scores are made anew from the log"
        return [wrong(f"the scores under {name!r} were made in another way: {'; '.join(differing)}", remedy)]
    return [right(f"what is stored under {name!r} fits the settings")]


async def check_clock(configuration: Configuration) -> list[Finding]:
    """Compare the clocks of this machine and of Redis; see `clock_findings`."""
    before = time.time_ns() // 1_000
    info = await _info(configuration)
    return clock_findings(info, before, time.time_ns() // 1_000)


def clock_findings(info: Mapping[str, Any], before: int, after: int) -> list[Finding]:
    """Say whether the clocks of this machine and of the server differ.

    Args:
        info: what the server says of itself.
        before: this machine's clock when the server was asked, in microseconds.
        after: the same, when the answer had come.
    """
    if "server_time_usec" not in info:
        raise Untold("this server does not tell its time")
    there = int(info["server_time_usec"])
    apart = max(before - there, there - after, 0)
    if apart > _CLOCKS_APART:
        ahead = "behind" if there > after else "ahead of"
        says = f"this machine's clock is {apart / SECOND:,.1f} s {ahead} that of Redis"
        return [doubtful(says, "Let both follow a time server: scores and silence are judged by a worker's clock")]
    return [right("this machine's clock and that of Redis agree")]
