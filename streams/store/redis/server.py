"""What a Redis server must be, and what its user must be allowed to do: the worker, and each command that writes.

Rests on decision 62.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.errors import StoreUnavailable, UnsafeStore

_LEAST_VERSION = 7
#: Why a node of a Redis Cluster is refused.
IN_CLUSTER = "this Redis is a node of a Redis Cluster, which is not supported; use a server of its own"
# Each command with as many words as it takes at least; KEY stands for a key.
_COMMANDS = {
    words.split()[0]: tuple(words.split())
    for words in (
        *("INFO", "PING", "FCALL name 1 KEY", "SCAN 0", "GET KEY", "SET KEY value", "EXISTS KEY", "TYPE KEY"),
        *("DEL KEY", "UNLINK KEY", "COPY KEY KEY", "HGET KEY field", "HMGET KEY field", "HGETALL KEY", "HKEYS KEY"),
        *("HSET KEY field value", "HSETNX KEY field value", "HDEL KEY field", "HINCRBY KEY field 1"),
        *("ZADD KEY 1 member", "ZREM KEY member", "ZCARD KEY", "ZSCORE KEY member", "ZRANGE KEY 0 0", "ZSCAN KEY 0"),
        "ZRANGEBYSCORE KEY -inf +inf",
    )
} | {"FUNCTION LOAD": ("FUNCTION", "LOAD", "code")}
#: Keys of each kind that there are in a namespace, without its prefix.
_KEYS = ("customer:x", "band:engaged", "kpi", "_fences:0", "_kpi:0", "_marks")


@dataclass(frozen=True, slots=True)
class Role:
    """Commands that a user needs, and on which keys: those that begin with the namespace and `under`."""

    commands: tuple[str, ...]
    under: str = ""

    def calls(self, prefix: str) -> list[tuple[str, ...]]:
        """List calls of which each must be allowed, with as many words as they take at least.

        Args:
            prefix: of every key of the namespace.
        """
        keys = [f"{prefix}{key}" for key in _KEYS if key.startswith(self.under)]
        return [
            tuple(key if word == "KEY" else word for word in _COMMANDS[command])
            for command in self.commands
            for key in (keys if "KEY" in _COMMANDS[command] else keys[:1])
        ]


_FUNCTIONS = ("PING", "FUNCTION LOAD", "FCALL")
#: What the worker calls, in functions and directly.
WORKER = Role(
    (
        *("INFO", *_FUNCTIONS, "HGET", "HMGET", "HGETALL", "HKEYS", "HSET", "HSETNX", "HDEL", "HINCRBY"),
        *("ZADD", "ZREM", "ZCARD", "ZRANGEBYSCORE", "GET", "SET", "EXISTS", "TYPE", "DEL", "SCAN"),
    )
)
#: `engagement erase`.
ERASER = Role((*_FUNCTIONS, "EXISTS", "HGET", "HGETALL", "HKEYS", "HSET", "HDEL", "HINCRBY", "DEL", "ZREM"))
#: `engagement gaps accept`; the rights on sorted sets are asked for by the function that moves the fences.
GAP_ACCEPTOR = Role(
    ("INFO", *_FUNCTIONS, "EXISTS", "TYPE", "HGET", "HMGET", "HSET", "HSETNX", "HDEL", "ZADD", "ZREM"), under="_"
)
#: `engagement rebuild`, on the live namespace and on the one beside it.
REBUILDER = Role((*WORKER.commands, "COPY", "UNLINK", "ZRANGE", "ZSCAN", "ZSCORE"))


def check_server(info: Mapping[str, Any]) -> None:
    """Refuse a server that would lose or drop scores.

    Args:
        info: what the server tells of itself.

    Raises:
        UnsafeStore: if it is too old, part of a Redis Cluster, or set up so that it drops keys.
        StoreUnavailable: if it is a replica at the moment.
    """
    for fault in server_faults(info):
        raise fault


def server_faults(info: Mapping[str, Any]) -> Iterator[UnsafeStore | StoreUnavailable]:
    """List all for which a server is refused; see `check_server`.

    Args:
        info: what the server tells of itself.
    """
    version = str(info.get("redis_version", "0"))
    if int(version.split(".", maxsplit=1)[0]) < _LEAST_VERSION:
        message = f"Redis {version} has no server-side functions; version {_LEAST_VERSION} or newer is needed"
        yield UnsafeStore(message)
    # Redis names the mode `redis_mode`, Valkey `server_mode`; both say whether a node belongs to a cluster.
    if info.get("cluster_enabled") or "cluster" in (info.get("redis_mode"), info.get("server_mode")):
        yield UnsafeStore(IN_CLUSTER)
    evicting = str(info.get("maxmemory_policy", "noeviction"))
    if evicting != "noeviction":
        dropped = int(info.get("evicted_keys", 0))
        message = (
            f"Redis may drop scores: its maxmemory-policy is {evicting!r}. "
            "Set it to 'noeviction', or use a server of its own for the scores"
        )
        if dropped:
            message += f". It has dropped {dropped} keys already: if any were scores, they have to be made anew"
        yield UnsafeStore(message)
    if info.get("role") not in ("master", None):
        yield StoreUnavailable(f"Redis is a {info['role']} and takes no writes")
