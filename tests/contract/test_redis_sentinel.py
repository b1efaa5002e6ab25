"""A store behind Sentinel: it goes to the server that is the primary, whichever that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from streams.errors import StoreUnavailable, TransientError
from streams.policy_file.document import parse_policy
from streams.settings.security import Secret, Tls
from streams.settings.settings import Settings, read_settings
from streams.store.redis.store import RedisStore
from tests.contract.records import engaged, write
from tests.polling import poll_until
from tests.services.certificates import Authority
from tests.services.rights import redis_user
from tests.services.sentinel import SENTINEL_PASSWORD, Guard, RedisWithSentinel
from tests.unit.scoring.customers import POLICY

WORD = "word-of-the-test"


def store_at(url: str) -> RedisStore:
    """Make a store, not opened."""
    return RedisStore(Settings(parse_policy(POLICY), redis_url=url))


async def answer(store: RedisStore, customer: str) -> str:
    """Wait until the store answers again; give the version of a customer, '' for none."""
    found: list[str] = []

    async def answers() -> bool:
        try:
            found.append((await store.load([customer]))[0].version)
        except StoreUnavailable:
            return False
        return True

    await poll_until(answers, 30)
    return found[0]


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

        assert await answer(store, "ben") == ""
        await write(store, ben=engaged()[1])
        assert (await store.load(["ben"]))[0].version
        await store.close()


async def test_a_service_that_the_sentinels_do_not_know_is_waited_for() -> None:
    with RedisWithSentinel() as servers:
        store = store_at(servers.sentinel_url.replace("/scores/", "/others/"))
        with pytest.raises(StoreUnavailable, match="No master found for 'others'"):
            await store.open()
        await store.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisWithSentinel, Settings]]:
    """Run servers and Sentinels that demand TLS and passwords, and give the settings of the worker's user."""
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    certificate, key = authority.issue("server")
    with RedisWithSentinel(Guard(certificate, key, authority.certificate, redis_user("engagement", WORD))) as servers:
        environment = {
            "ENGAGEMENT_REDIS_URL": servers.sentinel_url,
            "ENGAGEMENT_REDIS_USERNAME": "engagement",
            "ENGAGEMENT_REDIS_PASSWORD": WORD,
            "ENGAGEMENT_REDIS_CA_FILE": str(authority.certificate),
        }
        yield servers, read_settings(environment)


async def refused(settings: Settings) -> str:
    """Open a store that must not be let in; give what is said."""
    store = RedisStore(settings)
    with pytest.raises(TransientError) as found:
        await store.open()
    await store.close()
    assert WORD not in str(found.value)
    assert SENTINEL_PASSWORD not in str(found.value)
    return str(found.value)


async def test_who_lacks_a_password_or_the_authority_is_not_let_in(
    guarded: tuple[RedisWithSentinel, Settings],
) -> None:
    _, settings = guarded
    security, url = settings.redis_security, settings.redis_url
    wrong = replace(settings, redis_security=replace(security, password=Secret("another")))
    assert "Redis does not let this user in" in await refused(wrong)
    no_password = replace(settings, redis_url=url.partition("?")[0])
    assert "No master found" in await refused(no_password)
    stranger = replace(settings, redis_url=url.replace(SENTINEL_PASSWORD, "another"))
    assert "No master found" in await refused(stranger)
    distrustful = replace(settings, redis_security=replace(security, tls=Tls()))
    assert "No master found" in await refused(distrustful)
    plain = replace(settings, redis_url=url.replace("rediss+", "redis+"))
    assert "No master found" in await refused(plain)


async def test_over_tls_with_passwords_a_store_follows_a_failover(guarded: tuple[RedisWithSentinel, Settings]) -> None:
    servers, settings = guarded
    store = RedisStore(settings)
    await store.open()
    await write(store, anna=engaged()[1])
    servers.kill()
    with pytest.raises(StoreUnavailable):
        await store.load(["anna"])
    servers.wait_until_promoted()
    assert await answer(store, "anna")
    await store.check()
    await store.close()
