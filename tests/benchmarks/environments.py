"""The peers in environments of their own: Python packages from a lock, a Java program by Maven."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.benchmarks.rounds import NotRun
from tests.services.kafka.distribution import DistributionError, java

ROOT = Path(__file__).parents[2]
#: Where they are built; `make clean` removes it.
BUILT = ROOT / "build" / "peers"
_PEERS = Path(__file__).parent / "peers"
_BUILD_SECONDS = 600
_PEER_SECONDS = 900


def peer(name: str, *arguments: str) -> Mapping[str, float]:
    """Run a peer in a process of its own.

    Args:
        name: of the module; one with a lock beside it runs in the environment that the lock describes.
        *arguments: of the program.

    Returns:
        What it printed: `events` and `seconds`.

    Raises:
        NotRun: if it cannot be installed here, or failed.
    """
    lock = _PEERS / f"{name}.lock"
    python = _python(lock) if lock.exists() else sys.executable
    return _result([python, "-m", f"tests.benchmarks.peers.{name}", *arguments])


def java_peer(name: str, main_class: str, *arguments: str) -> Mapping[str, float]:
    """Run a peer that is a Maven project.

    Args:
        name: of its folder.
        main_class: what is run.
        *arguments: of the program.

    Returns:
        What it printed: `events` and `seconds`.

    Raises:
        NotRun: if it cannot be built here, or failed.
    """
    classes = _jars(name) / "*"
    return _result([java(), "-Xmx1g", "-cp", str(classes), main_class, *arguments])


def drawn(curves: Path, folder: Path) -> None:
    """Draw curves with the program that needs matplotlib.

    Args:
        curves: JSON file.
        folder: for the drawings.

    Raises:
        NotRun: if it cannot be installed here, or failed.
    """
    program = Path(__file__).parent / "plots.py"
    _build([_python(program.with_suffix(".lock")), str(program), str(curves), str(folder)])


def _result(command: Sequence[str]) -> Mapping[str, float]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PEER_SECONDS, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        raise NotRun(f"not done within {_PEER_SECONDS} s") from None
    # Some print a spinner or a log of their own between the lines.
    found = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        raise NotRun(f"it ended with {done.returncode}: {last_line(done.stderr or done.stdout)}")
    result: dict[str, float] = json.loads(found[-1])
    return result


@cache
def _python(lock: Path) -> str:
    home = BUILT / lock.stem
    python, stamp = home / "bin" / "python", home / "installed.lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        print(f"  installing {lock.stem} into {home.relative_to(ROOT)} ...", flush=True)
        options = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
        _build([sys.executable, "-m", "venv", "--clear", str(home)])
        _build([str(python), "-m", "pip", "install", *options, "--requirement", str(lock)])
        shutil.copy(lock, stamp)
    return str(python)


@cache
def _jars(name: str) -> Path:
    target, sources = BUILT / name, _PEERS / name
    try:
        java()
    except DistributionError as reason:
        raise NotRun(str(reason)) from reason
    maven = shutil.which("mvn")
    if maven is None:
        raise NotRun("no mvn on the PATH to build it with")
    newest = max(path.stat().st_mtime for path in sources.rglob("*") if path.is_file())
    stamp = target / "built"
    if not stamp.exists() or stamp.stat().st_mtime < newest:
        print(f"  building {name} into {target.relative_to(ROOT)} ...", flush=True)
        _build([maven, "-q", "-B", "-f", str(sources / "pom.xml"), f"-Dtarget={target}", "clean", "package"])
        stamp.touch()
    return target / "lib"


def _build(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotRun(f"not built within {_BUILD_SECONDS} s") from None
    except OSError as error:
        raise NotRun(f"not built: {error.strerror}") from error
    if done.returncode:
        raise NotRun(f"{Path(command[0]).name} failed: {last_line(done.stderr or done.stdout)}")


def last_line(output: str) -> str:
    """Take the line of an output that tells most, without addresses, to stand in a table.

    Args:
        output: of a program that failed; the last line that speaks of an error, else the last one.

    Returns:
        At most 200 characters.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it does not say why"]
    told = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)] or lines
    return re.sub(r"\S+://\S+", "...", told[-1]).replace("|", "/")[:200]
