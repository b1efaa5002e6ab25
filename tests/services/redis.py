"""The Redis server of this machine, whatever its make."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache

from streams.embedded import EmbeddedRedis

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
        self.name = title
        self._program = program

    def program(self) -> str:
        """Name the server's program.

        Returns:
            Its absolute path.
        """
        return self._program


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
        Its absolute path and its make and version, or None.
    """
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
