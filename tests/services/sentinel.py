"""Redis as it is run for availability: a primary, a replica, and three Sentinels that fail over."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.embedded import EmbeddedRedis
from streams.embedded.ports import LOOPBACK, free_ports
from streams.embedded.server import LoopbackServer
from tests.polling import wait_until
from tests.services.redis import local_redis

SERVICE = "scores"
_SENTINELS, _QUORUM = 3, 2
_DOWN_AFTER_MS, _FAILOVER_MS = 3_000, 6_000
#: A machine that is busy with other things makes Sentinels distrust their own clocks for half a minute.
_SETTLED_WITHIN = 90.0


class Sentinel(LoopbackServer):
    """One Sentinel that watches a primary."""

    name = "a Redis Sentinel"

    def __init__(self, program: str, primary: int) -> None:
        """Prepare it.

        Args:
            program: absolute path of a Redis server, which is a Sentinel if told so.
            primary: port of the server that is the primary at first.
        """
        super().__init__()
        self._program = program
        self._first = primary

    def command(self) -> Sequence[str]:
        """Write the configuration and build the command line."""
        watched = f"{SERVICE} {LOOPBACK} {self._first} {_QUORUM}"
        lines = [
            f"port {self.port}",
            f"bind {LOOPBACK}",
            f"sentinel monitor {watched}",
            f"sentinel down-after-milliseconds {SERVICE} {_DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {_FAILOVER_MS}",
            f"sentinel parallel-syncs {SERVICE} 1",
        ]
        configuration = self.directory / "sentinel.conf"
        configuration.write_text("\n".join(lines) + "\n")
        return [self._program, str(configuration), "--sentinel"]

    def answers(self) -> bool:
        """Ask the Sentinel for its process id."""
        try:
            with _client(self.port) as client:
                return bool(client.info("server")["process_id"] == self.pid)
        except redis.RedisError:
            return False

    def primary(self) -> int:
        """Tell the port of the server that it takes for the primary."""
        with _client(self.port) as client:
            return int(client.sentinel_master(SERVICE)["port"])

    def sees(self, primary: int, replica: int, sentinels: int) -> bool:
        """Tell whether it knows these ports as primary and replica, both up, and so many other Sentinels."""
        with _client(self.port) as client:
            state, others = client.sentinel_master(SERVICE), client.sentinel_slaves(SERVICE)
        return (state["port"], state["flags"], state["num-other-sentinels"]) == (primary, "master", sentinels) and [
            (other["port"], other["flags"], other["master-port"]) for other in others
        ] == [(replica, "slave", primary)]


class RedisWithSentinel:
    """A primary, a replica and three Sentinels; `url` is that of the server that is the primary."""

    def __init__(self) -> None:
        """Prepare them without starting."""
        self.primary = local_redis()
        self.replica = local_redis()
        for server in (self.primary, self.replica):
            server.ports = tuple(free_ports(1))
        self.replica.config["replicaof"] = f"{LOOPBACK} {self.primary.port}"
        self.sentinels: list[Sentinel] = []

    @property
    def url(self) -> str:
        """The URL of the primary itself."""
        return self.primary.url

    @property
    def sentinel_url(self) -> str:
        """The URL for clients that ask the Sentinels."""
        members = ",".join(f"{LOOPBACK}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{members}/{SERVICE}/0"

    @property
    def directory(self) -> Path:
        """Where the primary works."""
        return self.primary.directory

    def start(self) -> None:
        """Start all that does not run, and wait until the Sentinels would fail over."""
        self.primary.start()
        self.replica.start()
        if not self.sentinels:
            self.sentinels = [Sentinel(self.primary.program(), self.primary.port) for _ in range(_SENTINELS)]
        for sentinel in self.sentinels:
            sentinel.start()
        self.wait_until_settled()

    def wait_until_settled(self) -> None:
        """Wait until the replica follows the primary and all Sentinels know them and each other."""
        try:
            wait_until(self._follows, _SETTLED_WITHIN)
        except AssertionError as late:
            logs = [server.log.read_text(errors="replace")[-2000:] for server in (self.replica, *self.sentinels)]
            raise AssertionError("the replica does not follow:\n" + "\n".join(logs)) from late
        ports = (self.primary.port, self.replica.port)
        wait_until(lambda: all(each.sees(*ports, _SENTINELS - 1) for each in self.sentinels), _SETTLED_WITHIN)

    def _follows(self) -> bool:
        # On a busy machine the Sentinels can fail over once more, of their own accord.
        if all(each.primary() == self.replica.port for each in self.sentinels):
            self.primary, self.replica = self.replica, self.primary
        try:
            with _client(self.replica.port) as client:
                state = client.info("replication")
        except redis.RedisError:
            return False
        following = (state["role"], state.get("master_port"), state.get("master_link_status"))
        return following == ("slave", self.primary.port, "up")

    def part_replica(self) -> None:
        """Cut the replication: what is written from now on does not reach the replica."""
        # The primary asks for no password, so one that gives a password is turned away.
        self._tell(self.replica, "CONFIG", "SET", "masterauth", "unwanted")
        self._tell(self.primary, "CLIENT", "KILL", "TYPE", "REPLICA")

    def freeze(self) -> None:
        """Freeze the primary: it has not failed, and will not know that another has taken its place."""
        _signal(self.primary, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server that was frozen go on; a replica by now, but nobody has told it."""
        _signal(self.replica, signal.SIGCONT)

    def wait_until_promoted(self) -> None:
        """Wait until the replica has become the primary; the other is the replica from then on."""
        wait_until(self._promoted, _SETTLED_WITHIN)
        self.primary, self.replica = self.replica, self.primary
        self._tell(self.primary, "CONFIG", "SET", "masterauth", "")
        # It comes back as it was configured: empty, and a primary in its own eyes until a Sentinel tells it otherwise.
        self.replica.config.pop("replicaof", None)
        wait_until(lambda: all(each.primary() == self.primary.port for each in self.sentinels), _SETTLED_WITHIN)

    def bring_back(self) -> None:
        """Start the server that failed, if it does not run, and wait until it follows."""
        self.replica.start()
        self.wait_until_settled()

    def _promoted(self) -> bool:
        try:
            with _client(self.replica.port) as client:
                return bool(client.info("replication")["role"] == "master")
        except redis.RedisError:
            return False

    def _tell(self, server: EmbeddedRedis, *words: str) -> None:
        with _client(server.port) as client:
            client.execute_command(*words)

    def kill(self) -> None:
        """Kill the primary."""
        self.primary.kill()

    def stop(self) -> None:
        """Stop all, keep their data."""
        for server in (*self.sentinels, self.replica, self.primary):
            server.stop()

    def close(self) -> None:
        """Stop all for good."""
        for server in (*self.sentinels, self.replica, self.primary):
            server.close()

    def __enter__(self) -> Self:
        """Start all."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop all for good."""
        self.close()


def _signal(server: EmbeddedRedis, number: signal.Signals) -> None:
    assert server.pid is not None
    os.kill(server.pid, number)


def _client(port: int) -> redis.Redis:
    return redis.Redis(port=port, decode_responses=True, socket_timeout=2, retry=Retry(NoBackoff(), 0))
