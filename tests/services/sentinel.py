"""Redis as it is run for availability: a primary, a replica, and three Sentinels that fail over."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.embedded import EmbeddedRedis
from streams.embedded.ports import LOOPBACK, free_ports
from streams.embedded.running import Running
from streams.embedded.server import LoopbackServer
from tests.polling import wait_until
from tests.services.redis import ADMIN_PASSWORD, SecuredRedis, installed_redis, local_redis

SERVICE = "scores"
SENTINEL_PASSWORD = "the-sentinels-word"  # noqa: S105
_SENTINELS, _QUORUM = 3, 2
_DOWN_AFTER_MS, _FAILOVER_MS = 3_000, 6_000
#: A machine that is busy with other things makes Sentinels distrust their own clocks for half a minute.
_SETTLED_WITHIN = 90.0


@dataclass(frozen=True)
class Guard:
    """What servers demand and show: a certificate with its key, of an authority, and users of the Redis servers."""

    certificate: Path
    key: Path
    authority: Path
    users: str = ""

    def redis(self) -> SecuredRedis:
        """Prepare a Redis server that can be a replica of another."""
        found = installed_redis()
        if found is None:
            pytest.skip("needs an installed redis-server")
        server = SecuredRedis(*found, self.certificate, self.key, self.authority, self.users)
        server.config |= {"masterauth": ADMIN_PASSWORD, "tls-replication": "yes"}
        return server

    def lines(self, port: int) -> list[str]:
        """Write what a Sentinel has to be told besides."""
        return [
            *("port 0", f"tls-port {port}", "tls-replication yes", "tls-auth-clients no"),
            *(f"tls-cert-file {self.certificate}", f"tls-key-file {self.key}", f"tls-ca-cert-file {self.authority}"),
            *(f"requirepass {SENTINEL_PASSWORD}", f"sentinel sentinel-pass {SENTINEL_PASSWORD}"),
            f"sentinel auth-pass {SERVICE} {ADMIN_PASSWORD}",
        ]

    def options(self, password: str) -> dict[str, Any]:
        """Give the options of a client."""
        return {"ssl": True, "ssl_ca_certs": str(self.authority), "password": password}


class Sentinel(LoopbackServer):
    """One Sentinel that watches a primary."""

    name = "a Redis Sentinel"

    def __init__(self, program: str, primary: int, guard: Guard | None = None) -> None:
        """Prepare it.

        Args:
            program: absolute path of a Redis server, which is a Sentinel if told so.
            primary: port of the server that is the primary at first.
            guard: what it demands of clients; None for nothing.
        """
        super().__init__()
        self._program = program
        self._first = primary
        self._guard = guard

    def command(self) -> Sequence[str]:
        """Write the configuration and build the command line."""
        watched = f"{SERVICE} {LOOPBACK} {self._first} {_QUORUM}"
        lines = [
            f"bind {LOOPBACK}",
            f"sentinel monitor {watched}",
            *(self._guard.lines(self.port) if self._guard else [f"port {self.port}"]),
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
            with self._client() as client:
                return bool(client.info("server")["process_id"] == self.pid)
        except redis.RedisError:
            return False

    def _client(self) -> redis.Redis:
        return _client(self.port, self._guard.options(SENTINEL_PASSWORD) if self._guard else {})

    def primary(self) -> int:
        """Return the port of the server that it takes for the primary."""
        with self._client() as client:
            return int(client.sentinel_master(SERVICE)["port"])

    def sees(self, primary: int, replica: int, sentinels: int) -> bool:
        """Return whether it knows these ports as primary and replica, both up, and so many other Sentinels."""
        with self._client() as client:
            state, others = client.sentinel_master(SERVICE), client.sentinel_slaves(SERVICE)
        return (state["port"], state["flags"], state["num-other-sentinels"]) == (primary, "master", sentinels) and [
            (other["port"], other["flags"], other["master-port"]) for other in others
        ] == [(replica, "slave", primary)]


class RedisWithSentinel(Running):
    """A primary, a replica and three Sentinels; `url` is that of the server that is the primary."""

    def __init__(self, guard: Guard | None = None) -> None:
        """Prepare them without starting.

        Args:
            guard: what they demand of clients and of each other; None for nothing.
        """
        self._guard = guard
        self.primary = guard.redis() if guard else local_redis()
        self.replica = guard.redis() if guard else local_redis()
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
        if self._guard:
            return f"rediss+sentinel://{members}/{SERVICE}/0?sentinel_password={SENTINEL_PASSWORD}"
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
            self.sentinels = [
                Sentinel(self.primary.program(), self.primary.port, self._guard) for _ in range(_SENTINELS)
            ]
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
            with self._client(self.replica) as client:
                state = client.info("replication")
        except redis.RedisError:
            return False
        following = (state["role"], state.get("master_port"), state.get("master_link_status"))
        return following == ("slave", self.primary.port, "up")

    def part_replica(self) -> None:
        """Cut the replication: what is written from now on does not reach the replica."""
        # The primary asks for no password, or for another, so one that gives this is turned away.
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
        self._tell(self.primary, "CONFIG", "SET", "masterauth", ADMIN_PASSWORD if self._guard else "")
        # It comes back as it was configured: empty, and a primary in its own eyes until a Sentinel tells it otherwise.
        self.replica.config.pop("replicaof", None)
        wait_until(lambda: all(each.primary() == self.primary.port for each in self.sentinels), _SETTLED_WITHIN)

    def bring_back(self) -> None:
        """Start the server that failed, if it does not run, and wait until it follows."""
        self.replica.start()
        self.wait_until_settled()

    def _promoted(self) -> bool:
        try:
            with self._client(self.replica) as client:
                return bool(client.info("replication")["role"] == "master")
        except redis.RedisError:
            return False

    def _tell(self, server: EmbeddedRedis, *words: str) -> None:
        with self._client(server) as client:
            client.execute_command(*words)

    def _client(self, server: EmbeddedRedis) -> redis.Redis:
        return _client(server.port, self._guard.options(ADMIN_PASSWORD) if self._guard else {})

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


def _signal(server: EmbeddedRedis, number: signal.Signals) -> None:
    assert server.pid is not None
    os.kill(server.pid, number)


def _client(port: int, options: Mapping[str, Any]) -> redis.Redis:
    settings = {"decode_responses": True, "socket_timeout": 2, "retry": Retry(NoBackoff(), 0), **options}
    return redis.Redis(LOOPBACK, port, **settings)
