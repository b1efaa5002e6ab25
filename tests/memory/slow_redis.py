"""A Redis server that answers slowly: a proxy that passes each piece of an answer on after a while."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Self

from streams.embedded.ports import free_ports

_PIECE = 65_536


class SlowProxy(threading.Thread):
    """A context: while it is open, the port leads to the server."""

    def __init__(self, port: int, delay: float) -> None:
        """Prepare.

        Args:
            port: of the server, on this machine.
            delay: seconds by which each answer comes later.
        """
        super().__init__(name="slow-redis", daemon=True)
        self.port = free_ports(1)[0]
        self._server_port = port
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()

    def __enter__(self) -> Self:
        """Listen."""
        self.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cut all connections."""
        self._loop.call_soon_threadsafe(self._end.set)
        self.join(10)

    def run(self) -> None:
        """Pass on until the end; the thread's own loop."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self._ready.set()
        await self._end.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pass(reader, back_writer, 0), self._pass(back_reader, writer, self._delay))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        try:
            while piece := await reader.read(_PIECE):
                await asyncio.sleep(delay)
                writer.write(piece)
                await writer.drain()
        finally:
            writer.close()
