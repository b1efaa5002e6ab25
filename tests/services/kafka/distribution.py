"""The jars of Apache Kafka: fetched once by Maven, kept in the repository's cache folder."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
CACHE = HERE.parents[2] / ".cache"
OLDEST_JAVA = 17
MAVEN_TIMEOUT = 240
JAVA_TIMEOUT = 20


class DistributionError(RuntimeError):
    """Apache Kafka cannot run on this machine; the message says why."""


def _kafka_version() -> str:
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", POM.read_text())
    if found is None:
        raise DistributionError(f"{POM.name} names no kafka.version")
    return found[1]


KAFKA_VERSION = _kafka_version()


@cache
def java() -> str:
    """Find a Java that Kafka 4 runs on.

    Returns:
        The absolute path of the program.

    Raises:
        DistributionError: If there is none, or it is too old.
    """
    program = shutil.which("java")
    if program is None:
        raise DistributionError("no java on the PATH")
    # Some systems have a java that only says where to get one.
    asked = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=JAVA_TIMEOUT, check=False)
    version = re.search(r'version "(\d+)', asked.stderr)
    if asked.returncode or version is None or int(version[1]) < OLDEST_JAVA:
        raise DistributionError(f"Kafka needs Java {OLDEST_JAVA} or newer")
    return program


def is_cached() -> bool:
    """Say whether the jars are here already.

    Returns:
        Whether a broker can start without a download.
    """
    stamp = _home() / "pom.xml"
    return stamp.exists() and stamp.read_bytes() == POM.read_bytes()


def class_path() -> str:
    """Fetch Kafka's jars unless they are here.

    Returns:
        The class path of a broker.

    Raises:
        DistributionError: If Java or Maven is missing, Maven could not fetch the jars, or the embedded broker is asked
            for.
    """
    if os.environ.get("ENGAGEMENT_TEST_KAFKA") == "embedded":
        raise DistributionError("ENGAGEMENT_TEST_KAFKA asks for the embedded broker")
    java()
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"kafka-{KAFKA_VERSION}.lock").open("w") as lock:
        # Two test runs on a fresh clone: the second one waits and finds the jars.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_cached():
            _download(_home())
    return str(_home() / "lib" / "*")


def _home() -> Path:
    return CACHE / f"kafka-{KAFKA_VERSION}"


def _download(home: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise DistributionError("no mvn on the PATH to fetch Kafka with")
    # Beside its final place, and moved there when whole: an interrupted download leaves nothing that looks done.
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="download-") as scratch:
        staged = Path(scratch) / "kafka"
        _copy_dependencies(maven, staged / "lib")
        shutil.copy(POM, staged / "pom.xml")
        shutil.rmtree(home, ignore_errors=True)
        staged.rename(home)


def _copy_dependencies(maven: str, target: Path) -> None:
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    options = [f"-DoutputDirectory={target}", "-DincludeScope=runtime"]
    try:
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=MAVEN_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise DistributionError(f"Maven did not fetch Kafka within {MAVEN_TIMEOUT} s") from error
    if done.returncode:
        raise DistributionError(f"Maven could not fetch Kafka: {_first_error(done.stdout)}")


def _first_error(output: str) -> str:
    found = re.search(r"\[ERROR\] (\S.*)", output)
    # One line in the header of the tests: what is missing, without the address it was looked for at.
    return re.split(r"(?: in| from)? \(?\w+://", found[1])[0] if found else "it does not say why"
