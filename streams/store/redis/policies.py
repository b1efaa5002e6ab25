"""The policy in force, in Redis.

Rests on decisions 45 and 124.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from scoring.instants import MILLISECOND
from streams.errors import UnreadableKey
from streams.store.policies import POLICY_VERSION, SHADOW_VERSION, StoredPolicy, SweepPlace, parse_place
from streams.store.redis.wire import Words

POLICY_LIBRARY = "engagement_policies_2"
_LEASE_MS = 5_000
_SHADOW = ("own", "shadow", "shadow_digest", "shadow_text", "shadow_since")


class Send(Protocol):
    """Sends commands and maps errors; see `RedisSession`."""

    async def __call__(self, commands: Sequence[Words], *, foreign: bool = False) -> list[Any]:
        """Give an answer for each command."""
        ...


class RedisPolicies:
    """See `streams.store.policies.PolicyStore` for the contract."""

    def __init__(self, send: Send, prefix: str) -> None:
        """Prepare.

        Args:
            send: sends commands and maps errors.
            prefix: of all keys.
        """
        self._send = send
        self._prefix = prefix
        self._key = f"{prefix}_policy"
        self._lease = f"{prefix}_lease:policy"

    async def in_force(self) -> StoredPolicy | None:
        """Read the policy in force."""
        [values] = await self._send([["HMGET", self._key, "number", "version", "digest", "text", "since", *_SHADOW]])
        number, version, digest, text, since, own, *shadow, shadow_since = values
        if number is None:
            return None
        if not (number.isdecimal() and (since or "").isdecimal()):
            raise UnreadableKey(self._key, "since" if number.isdecimal() else "number")
        stored = StoredPolicy(int(number), version, digest, text, int(since) * MILLISECOND, own or digest)
        if not shadow[0]:
            return stored
        shadow_version, shadow_digest, shadow_text = shadow
        return stored._replace(
            shadow_version=shadow_version,
            shadow_digest=shadow_digest,
            shadow_text=shadow_text,
            shadow_since=int(shadow_since) * MILLISECOND,
        )

    async def state(self) -> tuple[int, str]:
        """Read number and digest."""
        [(number, digest)] = await self._send([["HMGET", self._key, "number", "digest"]])
        return int(number or 0), digest or ""

    async def propose(self, offer: StoredPolicy, seen: int | None) -> str:
        """Put a policy in force."""
        words = (offer.version, offer.digest, offer.text, offer.since // MILLISECOND)
        shadow = (offer.shadow_version, offer.shadow_digest, offer.shadow_text, offer.shadow_since // MILLISECOND)
        number = "" if seen is None else seen
        return str(await self._call("propose", 1, *words, number, offer.number, offer.own_digest, *shadow))

    async def sweep(self, worker: str) -> tuple[bool, SweepPlace]:
        """Return how far the sweep has come."""
        mine, place = await self._call("walk", 2, worker, _LEASE_MS)
        return bool(mine), parse_place(place)

    async def swept(self, worker: str, place: SweepPlace) -> bool:
        """Note how far the sweep has come."""
        return bool(await self._call("walked", 2, worker, place.number, place.text(), _LEASE_MS))

    async def page(self, cursor: int, count: int) -> tuple[list[str], int]:
        """Give some ids."""
        customer = f"{self._prefix}customer:"
        [(after, keys)] = await self._send([["SCAN", cursor, "MATCH", f"{customer}*", "COUNT", count]])
        return [key[len(customer) :] for key in keys], int(after)

    async def versions(self, customers: Sequence[str]) -> list[tuple[str, str]]:
        """Return by which version each was judged."""
        customer = f"{self._prefix}customer:"
        commands: list[Words] = [["HMGET", customer + name, POLICY_VERSION, SHADOW_VERSION] for name in customers]
        found = [versions or ("", "") for versions in await self._send(commands, foreign=True)]
        return [(own or "", shadow or "") for own, shadow in found]

    async def place(self) -> SweepPlace:
        """Return how far the sweep has come."""
        [place] = await self._send([["HGET", self._key, "walk"]])
        return parse_place(place or "")

    async def server(self) -> str:
        """Name the run of the server."""
        [info] = await self._send([["INFO", "server"]])
        lines = (info if isinstance(info, str) else info.decode()).splitlines()
        return next((line.partition(":")[2] for line in lines if line.startswith("run_id:")), "")

    async def _call(self, function: str, keys: int, *arguments: str | int) -> Any:
        names = (self._key, self._lease)[:keys]
        [answer] = await self._send([["FCALL", f"{POLICY_LIBRARY}_{function}", keys, *names, *arguments]])
        return answer
