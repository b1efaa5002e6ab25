"""What takes the memory of Redis: the fields of the customers, their keys, the indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import cast

import redis

#: Customers that are looked at; the rest is taken to be like them.
_SAMPLE = 2_000
#: In a compact hash each name and each value has its length before it and behind it.
_AROUND_A_FIELD = 4
_KINDS = {"_p": "panes: counts by type", "_i": "ids of events", "_v": "version and state", "_s": "version and state"}
PUBLISHED = "published fields"
OTHER = "other internal fields"


def kind_of(name: str) -> str:
    """Return what a field of a customer is for.

    Args:
        name: such as `score` or `_p20410`.

    Returns:
        A few words; fields of one kind have the same.
    """
    return _KINDS.get(name[:2], OTHER) if name.startswith("_") else PUBLISHED


def bytes_by_kind(fields: Mapping[str, str]) -> Counter[str]:
    """Add up names and values of a compact hash.

    Args:
        fields: of one customer.

    Returns:
        Bytes by kind of field; `{"score": "48"}` gives 11 published ones.
    """
    found: Counter[str] = Counter()
    for name, value in fields.items():
        found[kind_of(name)] += len(name.encode()) + len(value.encode()) + _AROUND_A_FIELD
    return found


def taken_apart(client: redis.Redis, namespace: str, customers: int, used: int) -> dict[str, float]:
    """Return what the bytes of each customer are.

    Args:
        client: with decoded answers.
        namespace: of the keys.
        customers: how many are stored.
        used: bytes that all of it takes.

    Returns:
        Bytes per customer by what they are; together they are `used` by `customers`.
    """
    keys = _sampled(client, f"{namespace}:customer:*")
    kinds: Counter[str] = Counter()
    whole = 0
    for key in keys:
        kinds += bytes_by_kind(cast("dict[str, str]", client.hgetall(key)))
        whole += client.memory_usage(key, samples=0) or 0
    parts = {kind: size / len(keys) for kind, size in kinds.most_common()}
    parts["the key: its name, entry and the hash around the fields"] = (whole - kinds.total()) / len(keys)
    for title, pattern in (("bands", "band:*"), ("schedules", "_crossings:*"), ("schedules", "_refreshes:*")):
        sizes = sum(client.memory_usage(key, samples=0) or 0 for key in client.scan_iter(f"{namespace}:{pattern}"))
        parts[f"index: {title}"] = parts.get(f"index: {title}", 0.0) + sizes / customers
    parts["table of all keys, allocator, the rest"] = used / customers - sum(parts.values())
    return parts


def compact_share(client: redis.Redis, namespace: str) -> float:
    """Return how many customers are kept in the compact form.

    Redis gives it up for good once a hash has had a field of more than 64 bytes or more than 128 fields; it then
    takes about three times as much.

    Args:
        client: with decoded answers.
        namespace: of the keys.

    Returns:
        0 to 1, by a sample.
    """
    keys = _sampled(client, f"{namespace}:customer:*")
    compact = [key for key in keys if client.object("encoding", key) == "listpack"]
    return len(compact) / len(keys)


def _sampled(client: redis.Redis, pattern: str) -> list[str]:
    keys: list[str] = []
    for key in client.scan_iter(pattern, count=1_000):
        keys.append(key)
        if len(keys) == _SAMPLE:
            break
    return keys
