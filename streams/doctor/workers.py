"""The workers: how many are in the consumer group, how far they are, and what one of them says of itself."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError, for_code

from streams.doctor.configuration import Configuration
from streams.doctor.finding import Finding, doubtful, not_checked, right, wrong
from streams.doctor.kafka import kafka_admin
from streams.ingest.gaps import find_gaps
from streams.kafka.topic_range import log_ranges
from streams.kafka.topics import read_topics
from streams.records import Partition
from streams.settings.settings import Settings
from streams.store.protocol import Fence
from streams.store.redis.reading import score_reader

_READY_SECONDS = 5.0
#: How the name begins by which a worker is a client of Kafka.
_CLIENT = "faust-"
#: A worker is asked directly, whatever proxy the environment names.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def check_members(configuration: Configuration) -> list[Finding]:
    """Ask for the members of the consumer group; see `member_findings`."""
    group = configuration.settings.namespace
    async with kafka_admin(configuration.settings) as admin:
        (answer,) = await admin.describe_consumer_groups([group])
        ((code, _group, state, _type, _protocol, members, *_),) = answer.groups
        error = for_code(code)
        if code:
            raise error if error is not GroupAuthorizationFailedError else error(group)
    clients = [(str(client), str(host)) for _, client, host, *_ in members]
    workers = sum(name.startswith(_CLIENT) for name, _ in clients)
    return member_findings(group, state, workers) + stranger_findings(group, clients)


def stranger_findings(group: str, clients: Sequence[tuple[str, str]]) -> list[Finding]:
    """Say which members are no workers: nobody scores what they are given.

    Args:
        group: its name.
        clients: the name and the host of each member.
    """
    return [
        wrong(
            f"in the group {group!r} is a client {name!r} at {host.lstrip('/')}, which is no worker: partitions that "
            "it is given are not scored",
            "Give it another group, or the workers another ENGAGEMENT_NAMESPACE",
        )
        for name, host in clients
        if not name.startswith(_CLIENT)
    ]


def member_findings(group: str, state: str, members: int) -> list[Finding]:
    """Say whether there are workers, and whether they have settled who reads what.

    Args:
        group: its name.
        state: as Kafka names it.
        members: how many there are.
    """
    if not members:
        return [doubtful(f"no worker is in the group {group!r}", "Start one: engagement worker")]
    if state != "Stable":
        says = f"workers in the group {group!r}: {members}, and they are settling who reads what ({state})"
        remedy = "Look again; if it lasts, look for workers that are killed or too slow for the session timeout"
        return [doubtful(says, remedy)]
    return [right(f"workers in the group {group!r}: {members}")]


async def check_progress(configuration: Configuration) -> list[Finding]:
    """Compare what has been applied with the logs; see `progress_findings`."""
    settings = configuration.settings
    topics = read_topics(settings.policy)
    store = score_reader(settings, settings.policy)
    try:
        gaps = await find_gaps(settings, store, topics)
        ranges = await log_ranges(settings, topics)
        fences = await store.fences(sorted(ranges))
    finally:
        await store.close()
    lost = [
        wrong(
            f"{gap.partition.label}: the log holds {gap.first:,} to {gap.end:,}, and {gap.applied:,} is next to apply",
            f"See deploy/RUNBOOK.md, The log has a gap; then: engagement gaps accept {gap.partition.label}",
        )
        for gap in gaps
    ]
    return lost or progress_findings(ranges, fences)


def progress_findings(
    ranges: Mapping[Partition, tuple[int, int]], fences: Mapping[Partition, Sequence[Fence | None]]
) -> list[Finding]:
    """Say how much of the logs has been applied.

    Args:
        ranges: first offset and end of each partition's log.
        fences: of each partition, where its groups stand; None where nothing has been applied.
    """
    applied = {
        partition: min(fence.offset for fence in stand if fence is not None)
        for partition, stand in fences.items()
        if any(stand)
    }
    new = sum(end > first for partition, (first, end) in ranges.items() if partition not in applied)
    behind = sum(max(ranges[partition][1] - offset, 0) for partition, offset in applied.items())
    says = f"offsets to be applied: {behind:,}; {len(applied)} of {len(ranges)} partitions have been begun"
    if new:
        return [
            doubtful(
                f"{says}, and {new} that hold records have not",
                "Normal for moments after a start; else see the members of the group",
            )
        ]
    return [right(says)]


async def check_worker(configuration: Configuration) -> list[Finding]:
    """Ask the worker at the web address of the settings whether it is ready; see `ready_findings`."""
    status, body = await asyncio.to_thread(_ready, configuration.settings)
    settings = configuration.settings
    return ready_findings(f"{settings.web_host}:{settings.web_port}", status, body)


def _ready(settings: Settings) -> tuple[int, str]:
    """Give status and body of the answer; 0 and the reason where there is none."""
    request = urllib.request.Request(f"http://{settings.web_host}:{settings.web_port}/ready")
    if settings.web_token:
        request.add_header("Authorization", f"Bearer {settings.web_token.word}")
    try:
        with _OPENER.open(request, timeout=_READY_SECONDS) as answer:
            return int(answer.status), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


def ready_findings(address: str, status: int, body: str) -> list[Finding]:
    """Say what a worker says of itself.

    Args:
        address: of its web port.
        status: of its answer; 0 where there was none.
        body: of its answer, or why there was none.
    """
    if not status:
        return [not_checked(f"no worker answers at {address} ({body})", "Name another with --web-host and --web-port")]
    try:
        page: Any = json.loads(body)
        ready, reason = bool(page["ready"]), str(page.get("reason", ""))
    except (ValueError, KeyError, TypeError):
        return [doubtful(f"what answers at {address} is no worker: status {status}", "Name one with --web-port")]
    if ready:
        return [right(f"the worker at {address} is ready")]
    return [wrong(f"the worker at {address} is not ready: {reason or 'it tells the reason with the token only'}")]
