"""A connection to Redis with the function libraries loaded, and everything checked that they depend on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

from redis.exceptions import RedisError

from scoring.instants import format_duration
from streams.errors import AccessDenied, StoreUnavailable, UnsafeStore
from streams.settings.settings import Settings
from streams.store.redis.connection import connect, redis_options
from streams.store.redis.errors import lost_library, mapped, missing_rights, naming
from streams.store.redis.policies import POLICY_LIBRARY
from streams.store.redis.server import Role, check_server
from streams.store.redis.wire import Words, call

#: The libraries in Redis carry a version, so that workers of two releases can share a server.
LIBRARY = "engagement_7"
FEED_LIBRARY = "engagement_feeds_1"
_LIBRARIES = {
    LIBRARY: ("engagement.lua", "absences.lua", "links.lua", "unknown_types.lua"),
    FEED_LIBRARY: ("feeds.lua",),
    POLICY_LIBRARY: ("policies.lua",),
}


class RedisSession:
    """What every call of the store goes through."""

    def __init__(self, settings: Settings, role: Role, layout: Mapping[str, str]) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the server, the namespace, and by the policy the panes.
            role: what will be done, and the user must be allowed to do.
            layout: what else the stored numbers depend on, by name.
        """
        self._role = role
        self._prefix = f"{settings.namespace}:"
        pane = format_duration(settings.policy.pane)
        self._format = {"format": "1", **layout, "window.pane": pane, "clock": settings.clock}
        self._client, self._disconnect = connect(settings.redis_url, redis_options(settings))

    async def open(self) -> None:
        """Check the server and load the function library."""
        async with self._mapped_errors():
            check_server(await self._client.info())
            await self._load_library()
            await self._check_access()
            await self._check_format()

    async def check(self) -> None:
        """Check that the server keeps what it is given, and the namespace is written in this way."""
        async with self._mapped_errors():
            check_server(await self._client.info())
        await self._check_format()

    async def _check_access(self) -> None:
        """Ask for every right at once: a function that is refused a command half-way has written the half."""
        calls = self._role.calls(self._prefix)
        words = [word for needed in calls for word in (len(needed), *needed)]
        refused = await self._client.fcall(f"{LIBRARY}_forbidden", 0, *words)
        missing = dict.fromkeys("FUNCTION LOAD" if "FUNCTION" in calls[at] else calls[at][0] for at in refused)
        if missing:
            under = f"{self._prefix}{self._role.under}"
            raise AccessDenied(missing_rights([f"{', '.join(missing)}, on keys that begin with {under!r}"]))

    async def _check_format(self) -> None:
        """Refuse to go on in a namespace that was written in another way: its panes and fences mean other things."""
        key, wanted = f"{self._prefix}_format", self._format
        noted: list[Words] = [["HSETNX", key, name, value] for name, value in wanted.items()]
        *_, values = await self._send([*noted, ["HMGET", key, *wanted]])
        if differing := self._differing(values):
            message = (
                f"the scores under {self._prefix[:-1]!r} were made in another way: {'; '.join(differing)}. "
                "Start with a new ENGAGEMENT_NAMESPACE, and the scores are made anew from the log"
            )
            raise UnsafeStore(message)

    def _differing(self, values: Sequence[str | None]) -> list[str]:
        wanted = self._format
        return [
            f"{name} was {stored} and is {wanted[name]}"
            for name, stored in zip(wanted, values, strict=True)
            if stored not in (wanted[name], None)
        ]

    async def format_differences(self) -> list[str]:
        """Return in what the namespace was written in another way, and note nothing; nothing where it is empty."""
        [values] = await self._send([["HMGET", f"{self._prefix}_format", *self._format]])
        return self._differing(values)

    async def open_readonly(self) -> None:
        """Check only that the server answers."""
        async with self._mapped_errors():
            await self._client.ping()

    async def open_existing(self) -> None:
        """Check rights and that the server answers, and load the function library; what is stored stays as it is."""
        async with self._mapped_errors():
            await self._client.ping()
            await self._load_library()
            await self._check_access()

    async def close(self) -> None:
        """Give up the connections."""
        await self._disconnect()

    async def _load_library(self) -> None:
        for name, files in _LIBRARIES.items():
            library = "".join([(resources.files(__package__) / file).read_text(encoding="utf-8") for file in files])
            await self._client.function_load(library.replace("NAME", name), replace=True)

    async def _send(self, commands: Sequence[Words], *, foreign: bool = False) -> list[Any]:
        """Send commands; `foreign` makes None the answer of a key that holds something else than it should."""
        async with self._mapped_errors():
            answers = await call(self._client, commands)
        for at, (words, answer) in enumerate(zip(commands, answers, strict=True)):
            if foreign and isinstance(answer, RedisError) and str(answer).startswith("WRONGTYPE"):
                answers[at] = None
            elif isinstance(answer, RedisError):
                answer = naming(answer, words)  # noqa: PLW2901 - the same, with its key
                # Of a function, the answer itself tells what is not allowed.
                async with self._mapped_errors("" if words[0] == "FCALL" else f"{words[0]} on {words[1]}"):
                    raise answer
        return answers

    async def _call(self, function: str, key: str, *arguments: str | int) -> Any:
        return (await self._send([["FCALL", f"{LIBRARY}_{function}", 1, key, *arguments]]))[0]

    @asynccontextmanager
    async def _mapped_errors(self, needed: str = "") -> AsyncIterator[None]:
        """Turn the client's errors into those of the contract; load the library again where the server lost it."""
        try:
            yield
        except (RedisError, OSError) as error:
            if lost_library(error):
                await self._restore_library(error)
            raise mapped(error, needed) from error

    async def _restore_library(self, cause: Exception) -> None:
        try:
            await self._load_library()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis has lost the function library: {error}") from error
        raise StoreUnavailable("Redis had lost the function library; it is loaded again") from cause
