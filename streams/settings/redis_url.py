"""What may stand in the URL of Redis; a wrong one is refused without repeating what may be a password.

The client takes any option from a URL: one that it does not know ends in a traceback at the first connection, with the
password in it, and one that others rely on, such as `decode_responses`, would be overridden in silence.

Rests on decision 66.
"""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from streams.settings.addresses import is_host

_SENTINEL_PORT = 26379
_MOST_PORT = 65535
_SENTINEL_SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
_OWN_OPTIONS = ("sentinel_username", "sentinel_password")

_NOT_A_URL = "not a URL such as redis://localhost:6379/0 or redis+sentinel://one:26379,two:26379/service/0"
_ESCAPES = "has a /, ?, # or @ where none belongs; in a user's name or a password they are written %2F, %3F, %23, %40"
_OPTION_NAME = re.compile(r"[a-z_]{1,40}")
_DATABASE = re.compile(r"/?|/[0-9]{1,9}")

_Check = tuple[Callable[[str], bool], str]


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _is_cipher_list(text: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(text)
    except ssl.SSLError:
        return False
    return True


def _is_seconds(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


_SECONDS: _Check = (_is_seconds, "a number of seconds greater than 0")
_WHOLE: _Check = (_matches("[0-9]{1,9}"), "a whole number")
_POSITIVE: _Check = (_matches("[1-9][0-9]{0,8}"), "a whole number from 1")
_SWITCH: _Check = (_matches("(?i)yes|no|true|false|1|0"), "yes or no")
_TEXT: _Check = (_matches("(?s).+"), "a text")
_FILE: _Check = (lambda text: Path(text).is_file(), "the path of a file that is there")

_OPTIONS = {
    "db": _WHOLE,
    "username": _TEXT,
    "password": _TEXT,
    "client_name": (_matches("[!-~]+"), "a text without spaces"),
    "protocol": (_matches("2|3"), "2 or 3"),
    "socket_timeout": _SECONDS,
    "socket_connect_timeout": _SECONDS,
    "socket_keepalive": _SWITCH,
    "socket_read_size": _POSITIVE,
    "health_check_interval": _WHOLE,
    "max_connections": _POSITIVE,
}
_TLS_OPTIONS = {
    "ssl_ca_certs": _FILE,
    "ssl_certfile": _FILE,
    "ssl_keyfile": _FILE,
    "ssl_password": _TEXT,
    "ssl_cert_reqs": (_matches("none|optional|required"), "none, optional or required"),
    "ssl_check_hostname": _SWITCH,
    "ssl_ciphers": (_is_cipher_list, "a list of ciphers in OpenSSL's notation"),
    "ssl_min_version": (_matches("771|772"), "771 (TLS 1.2) or 772 (TLS 1.3)"),
}


def redis_url_problems(url: str) -> list[str]:
    """Find what is wrong with a URL of a Redis server, or of Sentinels and a service.

    Args:
        url: `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `rediss+sentinel://`.

    Returns:
        A sentence each, without any value of the URL; none if a client can be made of it.
    """
    try:
        sentinel = parse_sentinel_url(url)
        parts = urlsplit(sentinel.server if sentinel else url)
        if not _names_a_server(parts) or re.search(r"\s", url):
            return [_NOT_A_URL]
        if "#" in url or "@" in parts.query or (parts.scheme != "unix" and "@" in parts.path):
            return [_ESCAPES]
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return [_NOT_A_URL]
    names = [name for name, _ in options]
    problems = [_option_problem(name, value, parts.scheme) for name, value in options]
    problems += [f"option {name} stands twice" for name in sorted(set(names)) if names.count(name) > 1]
    if parts.scheme != "unix":
        if not _DATABASE.fullmatch(parts.path):
            problems.append("the database behind the host is not a number, such as /0")
        elif parts.path.strip("/") and "db" in names:
            problems.append("names the database twice, behind the host and as db")
    return [problem for problem in problems if problem]


def _names_a_server(parts: SplitResult) -> bool:
    if parts.scheme == "unix":
        return bool(parts.path)
    port = 1 if parts.port is None else parts.port
    return (
        parts.scheme in ("redis", "rediss")
        and bool(parts.hostname)
        and port > 0
        and is_host(unquote(parts.hostname or ""))
    )


def _option_problem(name: str, value: str, scheme: str) -> str:
    if name in _TLS_OPTIONS and scheme != "rediss":
        return f"option {name} is only for rediss:// and rediss+sentinel://"
    check = (_OPTIONS | _TLS_OPTIONS).get(name)
    if check is None:
        known = ", ".join((*_OPTIONS, *(_TLS_OPTIONS if scheme == "rediss" else ())))
        return f"option {name if _OPTION_NAME.fullmatch(name) else ''} is not one of {known}".replace("  ", " ")
    return "" if check[0](value) else f"option {name} is not {check[1]}"


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
