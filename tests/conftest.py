"""What every test may ask for: a broker, a Redis server, names of its own."""

import os
import secrets
from collections.abc import Iterator

import pytest

from tests.services.discovery import Service, choose_kafka, choose_redis, embedded_kafka, embedded_redis

KAFKA = pytest.StashKey[Service]()
REDIS = pytest.StashKey[Service]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the services, and refuse to go on if real ones are asked for and absent."""
    kafka = session.config.stash[KAFKA] = choose_kafka()
    redis = session.config.stash[REDIS] = choose_redis()
    if os.environ.get("ENGAGEMENT_TEST_REQUIRE_REAL") == "1" and not (kafka.is_real and redis.is_real):
        pytest.exit(f"real services are required, but here are Kafka: {kafka.title}, Redis: {redis.title}", 1)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the services."""
    return [f"Kafka: {config.stash[KAFKA].title}", f"Redis: {config.stash[REDIS].title}"]


@pytest.fixture(autouse=True)
def _default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of the user's shell from the test."""
    for name in list(os.environ):
        if name.startswith("ENGAGEMENT_") and not name.startswith("ENGAGEMENT_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def kafka_bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the address of the best broker that the machine has."""
    with pytestconfig.stash[KAFKA].open() as address:
        yield address


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the URL of the best Redis server that the machine has."""
    with pytestconfig.stash[REDIS].open() as url:
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
