"""What every test may ask for: a broker, a Redis server, names of its own.

Rests on decision 152.
"""

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.services.discovery import choose_kafka, choose_redis, embedded_kafka, embedded_redis

SERVICES = pytest.StashKey[dict[str, str]]()
"""The titles of the services that were chosen, by what they are."""
# What fails once fails again. Other examples are drawn by --hypothesis-profile=random.
settings.register_profile("same", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile("same")
_OF_WORKERS = "services"


def pytest_configure(config: pytest.Config) -> None:
    """Know of no service: a test that needs none asks for none."""
    config.stash[SERVICES] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to go on if real services are asked for and absent."""
    if os.environ.get("ENGAGEMENT_TEST_REQUIRE_REAL") == "1":
        kafka, redis = choose_kafka(), choose_redis()
        if not (kafka.is_real and redis.is_real):
            pytest.exit(f"real services are required, but here are Kafka: {kafka.title}, Redis: {redis.title}", 1)
        session.config.stash[SERVICES] |= {"Kafka": kafka.title, "Redis": redis.title}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report to the process that prints, if this is another one, which services were chosen."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OF_WORKERS] = session.config.stash[SERVICES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Note which services a process that ran tests beside others has chosen; one that died tells nothing."""
    node.config.stash[SERVICES] |= getattr(node, "workeroutput", {}).get(_OF_WORKERS, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the services that were chosen."""
    for kind, title in sorted(config.stash[SERVICES].items()):
        terminalreporter.write_line(f"{kind}: {title}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs what the embedded broker lacks, where there is no other."""
    for marker in item.iter_markers("beyond_embedded_kafka"):
        if not choose_kafka().is_real:
            pytest.skip(f"the embedded broker {marker.args[0]}")


@pytest.fixture(autouse=True)
def _default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of the user's shell from the test."""
    for name in list(os.environ):
        if name.startswith("ENGAGEMENT_") and not name.startswith("ENGAGEMENT_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def kafka_bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the address of the best broker that the machine has."""
    service = choose_kafka()
    pytestconfig.stash[SERVICES]["Kafka"] = service.title
    with service.open() as address:
        yield address


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the URL of the best Redis server that the machine has."""
    service = choose_redis()
    pytestconfig.stash[SERVICES]["Redis"] = service.title
    with service.open() as url:
        yield url


@pytest.fixture(scope="session")
def embedded_kafka_bootstrap() -> Iterator[str]:
    """Give the address of the broker that the demo uses."""
    with embedded_kafka() as address:
        yield address


@pytest.fixture(scope="session")
def embedded_redis_url() -> Iterator[str]:
    """Give the URL of the Redis server that the demo uses."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
def namespace() -> str:
    """Give a name that nothing else uses, for topics, groups and key prefixes."""
    return f"test-{secrets.token_hex(6)}"
