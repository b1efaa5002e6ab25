"""The locks: everything that is installed, each at one version, with the digests of its files and no addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.docs.reading import DEPLOY

EVERYTHING, WORKER = DEPLOY / "requirements.lock", DEPLOY / "requirements-worker.lock"
BENCHMARKS = sorted((DEPLOY.parent / "tests" / "benchmarks").rglob("*.lock"))
OWN = "engagement-streams"
#: Comes with the environment itself; what builds the package is in the locks.
OF_THE_ENVIRONMENT = {"pip"}
BUILDS = {"setuptools"}

_ENTRY = re.compile(r"^(\S+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


def entries(path: Path) -> dict[str, tuple[str, str]]:
    """Give version and digests by the name of the package."""
    return {canonicalize_name(name): (version, hashes) for name, version, hashes in _ENTRY.findall(path.read_text())}


def needed(name: str, extras: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Give what an installed package needs on this machine."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def closure(extras: frozenset[str]) -> set[str]:
    """Name everything that the package needs, directly or not."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [(OWN, extras)]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += needed(*package)
    return {name for name, _ in found} - {OWN}


@pytest.mark.parametrize("path", [EVERYTHING, WORKER, *BENCHMARKS], ids=lambda path: path.name)
def test_a_lock_holds_versions_and_digests_and_nothing_else(path: Path) -> None:
    rest = _ENTRY.sub("", re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE))

    assert rest.strip() == ""
    assert entries(path)
    assert "://" not in path.read_text()


def test_what_is_installed_is_in_the_lock_at_the_same_version() -> None:
    installed = {canonicalize_name(found.metadata["Name"]): found.version for found in distributions()}
    locked = {name: version for name, (version, _) in entries(EVERYTHING).items()}

    assert {name: installed[name] for name in installed.keys() - OF_THE_ENVIRONMENT - {OWN}} == locked


def test_what_the_package_and_its_extras_need_is_in_the_lock() -> None:
    assert (
        closure(frozenset({"embedded", "encodings", "receive", "sentiment", "validate", "test", "lint"}))
        <= entries(EVERYTHING).keys()
    )


def test_the_lock_of_the_worker_is_what_it_needs_out_of_the_other() -> None:
    everything, worker = entries(EVERYTHING), entries(WORKER)

    assert worker.keys() == closure(frozenset({"encodings", "receive", "sentiment"})) | BUILDS
    assert worker.items() <= everything.items()
