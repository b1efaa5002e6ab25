"""A TCP proxy before a Redis server, that can be slow, let packets drop, or answer with an error itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import closing
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import hiredis

from streams.embedded.ports import LOOPBACK

_CHUNK = 1 << 16
#: What a client says to begin a connection; only what comes after it is answered with an error.
_GREETINGS = (b"HELLO", b"CLIENT", b"AUTH", b"SELECT")


class RedisProxy:
    """A proxy in a thread of its own; as a context manager it runs.

    New connections go to the port `target`. `delay` is in seconds for each answer, one after another on a connection.
    `refusal` is the error, without its `-`, that is given to every command while it is set; `refused` counts them.

    While `hold` is on, nothing is read, written or closed in either direction, as if every packet got lost: what was
    under way arrives when it is over, also if its sender has long given up.
    """

    def __init__(self, port: int) -> None:
        """Prepare.

        Args:
            port: of the Redis server, on this machine.
        """
        self.delay = 0.0
        self.refusal = b""
        self.refused = 0
        self.target = port
        self._loop = asyncio.new_event_loop()
        self._going = asyncio.Event()
        self._going.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="redis-proxy", daemon=True)
        self._port = 0
        self._writers: WeakSet[asyncio.StreamWriter] = WeakSet()

    @property
    def url(self) -> str:
        """The URL for Redis clients."""
        return f"redis://{LOOPBACK}:{self._port}/0"

    def hold(self) -> None:
        """Let nothing through, and close nothing."""
        self._loop.call_soon_threadsafe(self._going.clear)

    def release(self) -> None:
        """Let everything through again, what was held back first."""
        self._loop.call_soon_threadsafe(self._going.set)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._port = self._call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        self._going.set()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._going.wait()
            answers, requests = await asyncio.open_connection(LOOPBACK, self.target)
            with closing(requests):
                self._writers.add(requests)
                async with asyncio.TaskGroup() as directions:
                    directions.create_task(self._pass_requests(reader, requests, writer))
                    directions.create_task(self._pass_answers(answers, writer))
        except* (OSError, EOFError):
            pass
        finally:
            writer.close()

    async def _pass_requests(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        commands = hiredis.Reader()
        within = False
        while data := await reader.read(_CHUNK):
            await self._going.wait()
            commands.feed(data)
            words = _complete(commands)
            if self.refusal and not within:
                while commands.has_data():
                    commands.feed(await reader.readexactly(1))
                    words += _complete(commands)
                for command in words:
                    if command[0].upper() in _GREETINGS:
                        server.write(hiredis.pack_command(tuple(command)))
                    else:
                        self.refused += 1
                        client.write(b"-" + self.refusal + b"\r\n")
            else:
                server.write(data)
                within = commands.has_data()
            await server.drain()
        raise ConnectionResetError

    async def _pass_answers(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        answers = hiredis.Reader()
        while data := await reader.read(_CHUNK):
            await self._going.wait()
            answers.feed(data)
            await asyncio.sleep(self.delay * len(_complete(answers)))
            client.write(data)
            await client.drain()
        raise ConnectionResetError


def _complete(words: hiredis.Reader) -> list[Any]:
    """Take out the commands, or the answers, that have come in whole."""
    found = []
    while words.has_data() and (one := words.gets()) is not False:
        found.append(one)
    return found
