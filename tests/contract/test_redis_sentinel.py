"""A store behind Sentinel: it goes to the server that is the primary, whichever that is."""

from __future__ import annotations

import pytest

from scoring.policy_file import parse_policy
from streams.errors import StoreUnavailable
from streams.settings import Settings
from streams.store.redis import RedisStore
from tests.contract.records import engaged, write
from tests.polling import poll_until
from tests.services.sentinel import RedisWithSentinel
from tests.unit.scoring.customers import POLICY


def store_at(url: str) -> RedisStore:
    """Make a store, not opened."""
    return RedisStore(Settings(parse_policy(POLICY), redis_url=url))


async def test_a_store_follows_a_failover() -> None:
    with RedisWithSentinel() as servers:
        store = store_at(servers.sentinel_url)
        await store.open()
        await write(store, anna=engaged()[1])
        servers.part_replica()
        await write(store, ben=engaged()[1])
        servers.kill()
        with pytest.raises(StoreUnavailable):
            await store.load(["anna"])
        servers.wait_until_promoted()

        async def follows() -> bool:
            try:
                return (await store.load(["ben"]))[0].version == ""
            except StoreUnavailable:
                return False

        assert await poll_until(follows, 30)
        await write(store, ben=engaged()[1])
        assert (await store.load(["ben"]))[0].version
        await store.close()


async def test_a_service_that_the_sentinels_do_not_know_is_waited_for() -> None:
    with RedisWithSentinel() as servers:
        store = store_at(servers.sentinel_url.replace("/scores/", "/others/"))
        with pytest.raises(StoreUnavailable, match="No master found for 'others'"):
            await store.open()
        await store.close()
