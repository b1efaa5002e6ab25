"""The Redis server of this machine, whatever its make."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.embedded import EmbeddedRedis
from streams.embedded.ports import LOOPBACK

ADMIN_PASSWORD = "the-administrators-word"  # noqa: S105
#: What ENGAGEMENT_TEST_REDIS and ENGAGEMENT_TEST_KAFKA say instead of an address where no other is to be used.
EMBEDDED = "embedded"
PROGRAMS = ("redis-server", "valkey-server")
# The first with functions, which the store is made of.
OLDEST_VERSION = 7
VERSION_TIMEOUT = 10


class InstalledRedis(EmbeddedRedis):
    """A Redis server from a program on the PATH.

    `stop`, `kill` and `start` keep its port and its directory; `close` removes them.
    """

    def __init__(self, program: str, title: str, config: Mapping[str, str] | None = None) -> None:
        """Prepare the server without starting it.

        Args:
            program: The absolute path of the server.
            title: Its make and version.
            config: Directives of redis.conf with their arguments, over the defaults.
        """
        super().__init__(config)
        self.name = title  # type: ignore[misc]
        self._program = program

    def program(self) -> str:
        """Name the server's program.

        Returns:
            Its absolute path.
        """
        return self._program


class SecuredRedis(InstalledRedis):
    """A Redis server that speaks TLS only, with users and their rights."""

    def __init__(self, program: str, title: str, certificate: Path, key: Path, authority: Path, users: str) -> None:
        """Prepare the server without starting it.

        Args:
            program: The absolute path of the server.
            title: Its make and version.
            certificate: Of the server.
            key: Of the certificate.
            authority: That it and clients' certificates come from.
            users: Lines of its ACL file; `default` has the password `ADMIN_PASSWORD`.
        """
        super().__init__(program, title)
        self._authority = authority
        (self.directory / "users.acl").write_text(f"user default on >{ADMIN_PASSWORD} ~* &* +@all\n{users}")
        self.config |= {
            "port": "0",
            "tls-cert-file": str(certificate),
            "tls-key-file": str(key),
            "tls-ca-cert-file": str(authority),
            "tls-auth-clients": "optional",
            "aclfile": str(self.directory / "users.acl"),
        }

    @property
    def url(self) -> str:
        """The URL without a user."""
        return f"rediss://{LOOPBACK}:{self.port}/0"

    @property
    def admin_url(self) -> str:
        """The URL of a user who may do everything."""
        return f"rediss://default:{ADMIN_PASSWORD}@{LOOPBACK}:{self.port}/0?ssl_ca_certs={self._authority}"

    def command(self) -> Sequence[str]:
        """Build the command line, with the port for TLS."""
        self.config["tls-port"] = str(self.port)
        return super().command()

    def answers(self) -> bool:
        """Ask the server for its process id."""
        try:
            with redis.Redis.from_url(self.admin_url, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.info("server")["process_id"] == self.pid)
        except redis.RedisError:
            return False


def local_redis(config: Mapping[str, str] | None = None) -> EmbeddedRedis:
    """Prepare a Redis server of one's own: to stop, kill and start again at will.

    Args:
        config: Directives of redis.conf with their arguments, over the defaults.

    Returns:
        The installed server, or the embedded one where none is; not started.
    """
    found = installed_redis()
    return InstalledRedis(*found, config) if found else EmbeddedRedis(config)


@cache
def installed_redis() -> tuple[str, str] | None:
    """Look for a server on the PATH that is new enough.

    Returns:
        Its absolute path and its make and version, or None; also where the embedded one is asked for.
    """
    if os.environ.get("ENGAGEMENT_TEST_REDIS") == EMBEDDED:
        return None
    for name in PROGRAMS:
        program = shutil.which(name)
        version = _version(program) if program else None
        if program and version and int(version.split(".")[0]) >= OLDEST_VERSION:
            return program, f"{name} {version}"
    return None


def _version(program: str) -> str | None:
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT, check=False)
    version = re.search(r"v=([\d.]+)", asked.stdout)
    return version[1] if version else None
