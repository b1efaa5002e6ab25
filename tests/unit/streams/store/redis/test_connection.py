"""URLs of Redis: a server, or Sentinels that know it."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from redis.asyncio.sentinel import SentinelConnectionPool, SentinelManagedSSLConnection

from streams.settings.redis_url import SentinelUrl, parse_sentinel_url, redis_url_problems
from streams.store.redis.connection import connect

WORD, OTHER = "the-word", "another-word"


def test_a_url_of_sentinels_is_taken_apart() -> None:
    found = parse_sentinel_url(
        f"redis+sentinel://user:{WORD}%40@one:1,two.example,[::1]:3/my%20service/4"
        "?sentinel_password=another-word&sentinel_username=watch&socket_keepalive=yes"
    )

    assert found == SentinelUrl(
        members=(("one", 1), ("two.example", 26379), ("::1", 3)),
        service="my service",
        server=f"redis://user:{WORD}%40@server/4?socket_keepalive=yes",
        options=(("password", OTHER), ("username", "watch")),
    )


def test_a_url_of_a_server_is_none_of_sentinels() -> None:
    for url in ("redis://host", "rediss://host", "unix:///run/redis.sock", "http://host", "host"):
        assert parse_sentinel_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        *("redis+sentinel://one/service", "rediss+sentinel://one:1,two:2/service/0", "REDIS+SENTINEL://one/service"),
        *("redis://host", "rediss://host:1/2", "unix:///run/redis.sock"),
    ],
)
def test_a_client_can_be_made_of_it(url: str) -> None:
    assert not redis_url_problems(url)
    assert isinstance(connect(url)[0], Redis)


@pytest.mark.parametrize(
    "url",
    [
        *("redis+sentinel://", "redis+sentinel:///service", "redis+sentinel://one", "redis+sentinel://one/"),
        *("redis+sentinel://one/service/first", "redis+sentinel://one:0/service", "redis+sentinel://one:99999/service"),
        *("redis+sentinel://one:x/service", "redis+sentinel://one,,two/service", "redis+sentinel://[::1/service"),
        *("redis+sentinel://one/service/1/2", "redis+sentinel://one/service?x", "sentinel://one/service"),
        "redis+sentinel://one/service?socket_timeout=soon",
    ],
)
def test_a_url_from_which_no_client_can_be_made(url: str) -> None:
    assert redis_url_problems(url)


def pool_of(url: str) -> SentinelConnectionPool:
    """Give the pool of a client that asks Sentinels."""
    pool = connect(url)[0].connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    return pool


def test_user_and_password_of_the_servers_are_not_told_to_the_sentinels() -> None:
    pool = pool_of(f"redis+sentinel://user:{WORD}@one,two/service/4?sentinel_password={OTHER}")

    assert pool.service_name == "service"
    assert (pool.connection_kwargs["username"], pool.connection_kwargs["password"]) == ("user", WORD)
    assert pool.connection_kwargs["db"] == 4
    for member in pool.sentinel_manager.sentinels:
        assert member.connection_pool.connection_kwargs["password"] == OTHER
        assert member.connection_pool.connection_kwargs.get("username") is None


def test_tls_holds_for_the_servers_and_for_the_sentinels() -> None:
    pool = pool_of("rediss+sentinel://one/service?ssl_ca_certs=/ca.pem")

    assert pool.connection_class is SentinelManagedSSLConnection
    assert pool.connection_kwargs["ssl_ca_certs"] == "/ca.pem"
    [member] = pool.sentinel_manager.sentinels
    assert member.connection_pool.connection_kwargs["ssl_ca_certs"] == "/ca.pem"
    assert "ssl" in member.connection_pool.connection_class.__name__.lower()


def test_no_call_is_repeated_by_the_client_itself() -> None:
    for url in ("redis://host", "redis+sentinel://one/service"):
        assert connect(url)[0].connection_pool.connection_kwargs["retry"].get_retries() == 0
