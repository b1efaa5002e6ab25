"""Connections to Redis: to one server, or through Sentinel to whichever server is the primary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from streams.settings.redis_url import parse_sentinel_url
from streams.settings.settings import Settings

_CONNECT_SECONDS, _CALL_SECONDS = 5.0, 10.0
#: Sentinels are asked one after another, before each connection: one that is gone must not hold up the next for long.
_SENTINEL_SECONDS = 1.0


def connect(url: str, secure: Mapping[str, Any] = MappingProxyType({})) -> tuple[Redis, Callable[[], Awaitable[None]]]:
    """Make a client, without connecting.

    Behind Sentinel each new connection goes to the server that is the primary then.

    Args:
        url: in which `redis_url_problems` finds none.
        secure: options of the client that let it in.

    Returns:
        The client, and what closes it.
    """
    # A retry by the client could hide that a call was applied before its answer was lost.
    options: dict[str, Any] = {
        "decode_responses": True,
        # What is not UTF-8 has been put there by somebody else: it must not end the reading of others.
        "encoding_errors": "replace",
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _CALL_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    named = parse_sentinel_url(url)
    if named is None:
        client = Redis.from_url(url, **secure, **options)
        return client, client.aclose
    options |= {**secure, **parse_url(named.server)}
    options.pop("host")
    tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if options.pop("connection_class", None) is not None:
        tls["ssl"] = options["ssl"] = True
    for_sentinels = {
        "socket_connect_timeout": _SENTINEL_SECONDS,
        "socket_timeout": _SENTINEL_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        **tls,
        **dict(named.options),
    }
    sentinel = Sentinel(named.members, sentinel_kwargs=for_sentinels)
    client = sentinel.master_for(named.service, **options)

    async def close() -> None:
        await client.aclose()
        for member in sentinel.sentinels:
            await member.aclose()

    return client, close


def redis_options(settings: Settings) -> dict[str, Any]:
    """Say to a Redis client how to get in; where it is, is in the URL.

    Args:
        settings: name user, password and files.

    Returns:
        Arguments of the client's `from_url`.
    """
    security = settings.redis_security
    options: dict[str, Any] = {}
    if security.username:
        options["username"] = security.username
    if security.password:
        options["password"] = security.password.word
    if urlsplit(settings.redis_url).scheme.startswith("rediss"):
        files = {
            "ssl_ca_certs": security.tls.ca_file,
            "ssl_certfile": security.tls.certificate_file,
            "ssl_keyfile": security.tls.key_file,
        }
        options |= {"ssl_check_hostname": True} | {name: path for name, path in files.items() if path}
    return options
