"""Reads whole topics and whole namespaces, with clients of its own; of the product it knows names and numbers."""

from __future__ import annotations

import json
from typing import Any

import redis
from aiokafka import AIOKafkaConsumer

from streams.store.redis.store import GROUPS
from streams.topic_names import ERASURES
from tests.polling import poll_until


async def read_topic(bootstrap: str, topic: str) -> list[Any]:
    """Read every record that a topic holds now.

    Args:
        bootstrap: host:port of a broker.
        topic: its name.

    Returns:
        aiokafka's consumer records.
    """
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = await poll_until(lambda: list(consumer.assignment()))
        ends = await consumer.end_offsets(partitions)
        for partition, first in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(partition, first)
        records: list[Any] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for fetched in (await consumer.getmany(timeout_ms=500)).values():
                records += fetched
        return records
    finally:
        await consumer.stop()


async def read_messages(bootstrap: str, topic: str) -> list[dict[str, Any]]:
    """Read every message that a topic of JSON values holds now; where it is compacted, erasures leave null values."""
    return [json.loads(record.value) for record in await read_topic(bootstrap, topic) if record.value is not None]


def read_customers(url: str, namespace: str) -> dict[str, dict[str, str]]:
    """Read the published fields of every customer in a namespace.

    Args:
        url: of Redis.
        namespace: the prefix of its keys.

    Returns:
        Fields by customer; customers of whom there is no score yet are left out.
    """
    client: Any = redis.Redis.from_url(url, decode_responses=True)
    prefix = f"{namespace}:customer:"
    found: dict[str, dict[str, str]] = {}
    try:
        keys = list(client.scan_iter(match=f"{prefix}*", count=1000))
        for start in range(0, len(keys), 1000):
            pipeline = client.pipeline(transaction=False)
            some = keys[start : start + 1000]
            for key in some:
                pipeline.hgetall(key)
            for key, fields in zip(some, pipeline.execute(), strict=True):
                published = {name: value for name, value in fields.items() if not name.startswith("_")}
                if published:
                    found[key.removeprefix(prefix)] = published
    finally:
        client.close()
    return found


def read_band_indexes(url: str, namespace: str) -> dict[str, dict[str, float]]:
    """Read the indexes of the bands.

    Args:
        url: of Redis.
        namespace: the prefix of its keys.

    Returns:
        For each band the Unix second of the entry by customer.
    """
    client: Any = redis.Redis.from_url(url, decode_responses=True)
    prefix = f"{namespace}:band:"
    try:
        return {
            key.removeprefix(prefix): dict(client.zrange(key, 0, -1, withscores=True))
            for key in client.scan_iter(match=f"{prefix}*", count=1000)
        }
    finally:
        client.close()


def read_fences(url: str, namespace: str) -> dict[tuple[str, int], set[int]]:
    """Read the fences.

    Args:
        url: of Redis.
        namespace: the prefix of its keys.

    Returns:
        For each source partition the offsets at which its groups stand.
    """
    found: dict[tuple[str, int], set[int]] = {}
    with redis.Redis.from_url(url, decode_responses=True, socket_timeout=10) as client:
        # By their names, as looking for them among a million keys would hold the server up, and the worker with it.
        for group in range(GROUPS):
            for label, fence in client.hgetall(f"{namespace}:_fences:{group}").items():
                topic, _, number = label.rpartition("/")
                if topic == ERASURES:
                    continue
                found.setdefault((topic, int(number)), set()).add(int(fence.partition(";")[0]))
    return found


def read_report_times(url: str, namespace: str) -> dict[tuple[str, int], int]:
    """Read when workers have reported how far they have come.

    Args:
        url: of Redis.
        namespace: the prefix of its keys.

    Returns:
        By partition the time of the last report, in microseconds.
    """
    with redis.Redis.from_url(url, decode_responses=True, socket_timeout=10) as client:
        marks = client.hgetall(f"{namespace}:_marks")
    places = {(label.rpartition("/")[0], int(label.rpartition("/")[2])): mark for label, mark in marks.items()}
    return {place: int(mark.split(";")[1]) for place, mark in places.items()}
