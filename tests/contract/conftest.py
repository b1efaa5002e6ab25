"""The stores under test: in memory, on the best Redis that the machine has, on the embedded one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio

from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.store.memory.store import MemoryStore
from streams.store.protocol import Store
from streams.store.redis.replacing import ReplaceableStore, rebuilt_store
from streams.store.redis.store import RedisStore
from tests.unit.scoring.customers import POLICY

KINDS = {"memory": "", "redis": "redis_url", "embedded redis": "embedded_redis_url"}


class Stores:
    """Opens stores on the same data, and looks at the data past them."""

    def __init__(self, url: str, namespace: str) -> None:
        """Prepare.

        Args:
            url: of the Redis server; '' for the store in memory.
            namespace: prefix of the keys.
        """
        self.in_memory = not url
        self.url = url
        self.namespace = namespace
        self._memory: MemoryStore | None = None
        self._opened: list[RedisStore] = []
        self._client: Any = redis.asyncio.Redis.from_url(url or "redis://unused")

    async def open(self, policy: Policy | None = None) -> Store:
        """Open a store; in memory only the policy can be another, the data are the same."""
        policy = policy or parse_policy(POLICY)
        if self.in_memory:
            opened = MemoryStore(policy)
            if self._memory is not None:
                vars(opened).update({**vars(self._memory), "_policy": policy})
            self._memory = self._memory or opened
            return opened
        store = RedisStore(Settings(policy, redis_url=self.url, namespace=self.namespace))
        self._opened.append(store)
        await store.open()
        return store

    async def hash_of(self, customer: str) -> dict[bytes, bytes]:
        """Give all fields of a customer as bytes."""
        if self._memory is not None:
            return {name.encode(): value.encode() for name, value in self._memory.hashes.get(customer, {}).items()}
        fields = await self._client.hgetall(f"{self.namespace}:customer:{customer}")
        return fields or await self._client.hgetall(f"{self.namespace}:_unscored:{customer}")

    async def encoding_of(self, customer: str) -> str:
        """Return how Redis keeps the hash of a customer."""
        encoding = await self._client.object("ENCODING", f"{self.namespace}:customer:{customer}")
        return str(encoding, "ascii")

    async def band(self, name: str) -> dict[str, int]:
        """Give the customers of a band, each with the second at which it was entered."""
        if self._memory is not None:
            return dict(self._memory.bands[name])
        entries = await self._client.zrange(f"{self.namespace}:band:{name}", 0, -1, withscores=True)
        return {customer.decode(): int(second) for customer, second in entries}

    async def plant(self, customer: str) -> None:
        """Put something else in the place of a customer's hash, as somebody may who takes the key for another one."""
        if self._memory is not None:
            self._memory.hashes[customer] = {"": "string"}
        else:
            await self._client.set(f"{self.namespace}:customer:{customer}", "planted")

    async def plant_key(self, key: str) -> None:
        """Put a string under a key."""
        await self._client.set(f"{self.namespace}:{key}", "planted")

    async def fields_of(self, key: str) -> int:
        """Count the fields of a hash."""
        return await self._client.hlen(f"{self.namespace}:{key}")

    async def delete(self, customer: str) -> None:
        """Delete a customer's hash, as somebody may who has to erase a person."""
        if self._memory is not None:
            self._memory.hashes.pop(customer, None)
        else:
            await self._client.delete(f"{self.namespace}:customer:{customer}")

    async def spoil(self, customer: str, field: str, value: str | None = "nonsense") -> None:
        """Make a field of a customer unreadable; None removes it."""
        if self._memory is not None:
            fields = self._memory.hashes[customer]
            fields.pop(field, None)
            fields.update({field: value} if value is not None else {})
        elif value is None:
            await self._client.hdel(f"{self.namespace}:customer:{customer}", field)
        else:
            await self.set_field(f"customer:{customer}", field, value)

    async def set_field(self, key: str, field: str, value: str) -> None:
        """Write a field of a hash, as somebody may by hand."""
        await self._client.hset(f"{self.namespace}:{key}", field, value)

    async def close(self) -> None:
        """Remove the data and disconnect."""
        if not self.in_memory:
            async for key in self._client.scan_iter(match=f"{self.namespace}:*"):
                await self._client.delete(key)
        for store in self._opened:
            await store.close()
        await self._client.aclose()


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Stores]:
    """Give the data of a test of its own."""
    fixture = KINDS[request.param]
    opened = Stores(request.getfixturevalue(fixture) if fixture else "", namespace)
    yield opened
    await opened.close()


@pytest.fixture
async def store(stores: Stores) -> Store:
    """Give a store."""
    return await stores.open()


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[ReplaceableStore]:
    """Give the live namespace."""
    store = ReplaceableStore(settings)
    await store.open()
    yield store
    await store.discard()
    await store.close()


@pytest.fixture
async def beside(settings: Settings) -> AsyncIterator[ReplaceableStore]:
    """Give the namespace of the rebuild."""
    store = rebuilt_store(settings)
    await store.open()
    yield store
    await store.discard()
    await store.close()


Open = Callable[..., Awaitable[Store]]
