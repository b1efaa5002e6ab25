"""A schema registry that speaks Confluent's API: Apicurio Registry, straight from Maven Central."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import orjson

from streams.embedded.ports import LOOPBACK
from streams.embedded.server import LoopbackServer
from tests.services.kafka.distribution import CACHE, DistributionError

VERSION = "3.3.3"
NEWER_THAN_JAVA = 17
START_TIMEOUT = 120
MAVEN_TIMEOUT = 240
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_JVMS = Path("/usr/lib/jvm")


class ApicurioRegistry(LoopbackServer):
    """A registry that keeps its schemas in memory."""

    name = f"Apicurio Registry {VERSION}"
    port_count = 2

    def __init__(self) -> None:
        """Prepare the registry without starting it."""
        super().__init__(start_timeout=START_TIMEOUT)

    @property
    def url(self) -> str:
        """The URL of the API that is Confluent's."""
        return f"http://{LOOPBACK}:{self.port}/apis/ccompat/v7"

    def command(self) -> Sequence[str]:
        """Build the command line.

        Returns:
            Java, and its arguments.

        Raises:
            DistributionError: If it is not to be had on this machine.
        """
        options = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return [java(), *options, "-jar", str(registry_home() / "quarkus-run.jar")]

    def environment(self) -> Mapping[str, str]:
        """Name the hosts and ports; by default the management would listen on all addresses."""
        named = zip(("HTTP", "MANAGEMENT"), self.ports, strict=True)
        found: dict[str, str] = {}
        for interface, port in named:
            found |= {f"QUARKUS_{interface}_HOST": LOOPBACK, f"QUARKUS_{interface}_PORT": str(port)}
        return found

    def answers(self) -> bool:
        """Ask for the subjects.

        Returns:
            Whether there is an answer.
        """
        try:
            return isinstance(self._call("GET", "subjects"), list)
        except (URLError, OSError, ValueError):
            return False

    def register(
        self, subject: str, schema: str, kind: str = "AVRO", references: Sequence[Mapping[str, Any]] = ()
    ) -> int:
        """Register a schema as the next version of a subject; give its id."""
        body = {"schema": schema, "schemaType": kind, "references": list(references)}
        return int(self._call("POST", f"subjects/{subject}/versions", body)["id"])

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let it answer nobody for a while."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _call(self, method: str, way: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        data = None if body is None else orjson.dumps(body)
        with urlopen(Request(f"{self.url}/{way}", data, headers, method=method), timeout=20) as answer:  # noqa: S310
            return orjson.loads(answer.read())


@cache
def java() -> str:
    """Find a Java that the registry runs on: the one on the path, or another of the machine.

    Raises:
        DistributionError: If there is none that is new enough.
    """
    beside = sorted(_JVMS.glob("*/bin/java")) if _JVMS.is_dir() else []
    for program in filter(None, [shutil.which("java"), *map(str, beside)]):
        asked = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=False)
        version = re.search(r'version "(\d+)', asked.stderr)
        if version is not None and int(version[1]) > NEWER_THAN_JAVA:
            return program
    raise DistributionError(f"Apicurio Registry needs a Java newer than {NEWER_THAN_JAVA}")


def registry_home() -> Path:
    """Fetch the registry unless it is here.

    Raises:
        DistributionError: If Maven is missing, or could not fetch it.
    """
    java()
    home = CACHE / f"apicurio-{VERSION}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"apicurio-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_dir():
            _download(home)
    return home


def _download(home: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise DistributionError("no mvn on the PATH to fetch Apicurio Registry with")
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="download-") as scratch:
        options = [f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={scratch}"]
        try:
            done = subprocess.run(
                [maven, "-q", "-B", "dependency:copy", *options],
                capture_output=True,
                timeout=MAVEN_TIMEOUT,
                check=False,
                cwd=scratch,
            )
        except subprocess.TimeoutExpired as error:
            raise DistributionError(f"Maven did not fetch Apicurio Registry within {MAVEN_TIMEOUT} s") from error
        if done.returncode:
            raise DistributionError("Maven could not fetch Apicurio Registry")
        (packed,) = Path(scratch).glob("*.tar.gz")
        with tarfile.open(packed) as archive:
            archive.extractall(Path(scratch, "app"), filter="data")
        Path(scratch, "app").rename(home)
