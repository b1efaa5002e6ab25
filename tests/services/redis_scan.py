"""Looks through everything that a Redis server holds, byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import redis


def places_of(url: str, customer: str) -> list[str]:
    """Return where the bytes of an id stand, no digit behind them: in the name of a key or field, a member or value."""
    wanted = re.compile(re.escape(customer.encode()) + rb"(?!\d)")
    client = redis.Redis.from_url(url)
    try:
        return sorted({place for key in client.scan_iter(count=1000) for place in _places(client, key, wanted)})
    finally:
        client.close()


def _places(client: redis.Redis, key: bytes, wanted: re.Pattern[bytes]) -> Iterator[str]:
    if wanted.search(key):
        yield f"key {key!r}"
    if any(wanted.search(content) for content in _contents(client, key)):
        yield f"in {key!r}"


def _contents(client: Any, key: bytes) -> list[bytes]:
    kind = client.type(key)
    if kind == b"hash":
        return [content for pair in client.hgetall(key).items() for content in pair]
    if kind == b"zset":
        return list(client.zrange(key, 0, -1))
    if kind == b"set":
        return list(client.smembers(key))
    if kind == b"list":
        return list(client.lrange(key, 0, -1))
    if kind == b"string":
        return [client.get(key) or b""]
    assert kind == b"none", kind
    return []
