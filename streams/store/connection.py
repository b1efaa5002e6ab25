"""Connections to Redis: to one server, or through Sentinel to whichever server is the primary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from streams.addresses import is_host

_CONNECT_SECONDS, _CALL_SECONDS = 5.0, 10.0
#: Sentinels are asked one after another, before each connection: one that is gone must not hold up the next for long.
_SENTINEL_SECONDS = 1.0
_SENTINEL_PORT = 26379
_MOST_PORT = 65535
_SENTINEL_SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
_OWN_OPTIONS = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """A URL such as `redis+sentinel://one:26379,two:26379/service/0`, taken apart.

    `server` is a plain URL with what holds for the Redis servers: user, password, database, options; its host is not
    used. `options` are user and password for the Sentinels themselves.
    """

    members: tuple[tuple[str, int], ...]
    service: str
    server: str
    options: tuple[tuple[str, str], ...] = ()


def parse_sentinel_url(url: str) -> SentinelUrl | None:
    """Take a URL apart that names Sentinels.

    Args:
        url: `redis+sentinel://[user:password@]host[:port][,host[:port]...]/service[/database][?option=value&...]`, or
            `rediss+sentinel://` for TLS to the servers and to the Sentinels. The options `sentinel_username` and
            `sentinel_password` are for the Sentinels, all others are those of the client for the servers.

    Returns:
        The parts; None if it is a URL of another kind.

    Raises:
        ValueError: if it is wrong; the message does not repeat it, as it may hold a password.
    """
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in _SENTINEL_SCHEMES:
        return None
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    credentials, at, members = authority.rpartition("@")
    service, _, database = path.partition("/")
    if not service or not (database or "0").isdecimal():
        raise ValueError("no name of a service, or no number of a database")
    options = parse_qsl(query, strict_parsing=bool(query))
    for_servers = urlencode([option for option in options if option[0] not in _OWN_OPTIONS])
    server = f"{_SENTINEL_SCHEMES[scheme.lower()]}://{credentials}{at}server/{database or 0}?{for_servers}"
    return SentinelUrl(
        members=tuple(_member(member) for member in members.split(",")),
        service=unquote(service),
        server=server,
        options=tuple((name.removeprefix("sentinel_"), value) for name, value in options if name in _OWN_OPTIONS),
    )


def _member(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    port = _SENTINEL_PORT if parts.port is None else parts.port
    named = parts.hostname and is_host(parts.hostname) and not parts.path and parts.username is None
    if not named or not 0 < port <= _MOST_PORT:
        raise ValueError("a Sentinel is not named as host or host:port")
    return str(parts.hostname), port


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
