"""Which Kafka and which Redis the tests use: the best that this machine has.

In this order: one that runs already (ENGAGEMENT_TEST_KAFKA, ENGAGEMENT_TEST_REDIS; `embedded` there means that one), a
container, one installed here (Kafka by Maven), the embedded one. Asked once, when a test first needs it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache

from streams.embedded import EmbeddedKafka, EmbeddedRedis
from tests.services.containers import KAFKA_IMAGE, REDIS_IMAGE, engine_answers, kafka_container, redis_container
from tests.services.kafka import KAFKA_VERSION, DistributionError, KafkaBroker, class_path
from tests.services.redis import EMBEDDED, installed_redis, local_redis


@dataclass(frozen=True)
class Service:
    """A broker or a Redis server that the tests can use."""

    title: str
    is_real: bool
    open: Callable[[], AbstractContextManager[str]]


@cache
def choose_kafka() -> Service:
    """Choose the broker; it starts when it is opened.

    Returns:
        The best one; opened, it gives its bootstrap address.
    """
    address = os.environ.get("ENGAGEMENT_TEST_KAFKA")
    if address == EMBEDDED:
        return Service("embedded (as asked for)", is_real=False, open=embedded_kafka)
    if address:
        return Service(f"{_without_password(address)} (external)", is_real=True, open=lambda: _external(address))
    if engine_answers():
        return Service(f"{KAFKA_IMAGE} (container)", is_real=True, open=kafka_container)
    try:
        class_path()
    except DistributionError as reason:
        return Service(f"embedded ({reason})", is_real=False, open=embedded_kafka)
    return Service(f"Apache Kafka {KAFKA_VERSION} (from Maven Central)", is_real=True, open=_kafka_from_maven)


@cache
def choose_redis() -> Service:
    """Choose the Redis server; it starts when it is opened.

    Returns:
        The best one; opened, it gives its URL.
    """
    url = os.environ.get("ENGAGEMENT_TEST_REDIS")
    if url == EMBEDDED:
        return Service("embedded (as asked for)", is_real=False, open=embedded_redis)
    if url:
        return Service(f"{_without_password(url)} (external)", is_real=True, open=lambda: _external(url))
    if engine_answers():
        return Service(f"{REDIS_IMAGE} (container)", is_real=True, open=redis_container)
    if found := installed_redis():
        program, title = found
        return Service(f"{title} ({program})", is_real=True, open=_installed_redis)
    return Service("embedded (no redis-server of version 7 on the PATH)", is_real=False, open=embedded_redis)


@contextmanager
def embedded_kafka() -> Iterator[str]:
    """Run the embedded broker.

    Yields:
        Its address, host:port.
    """
    with EmbeddedKafka() as kafka:
        yield kafka.bootstrap


@contextmanager
def embedded_redis() -> Iterator[str]:
    """Run the embedded Redis server.

    Yields:
        Its URL.
    """
    with EmbeddedRedis() as redis:
        yield redis.url


def _without_password(address: str) -> str:
    return address.rpartition("@")[2]


@contextmanager
def _external(address: str) -> Iterator[str]:
    yield address


@contextmanager
def _kafka_from_maven() -> Iterator[str]:
    with KafkaBroker() as kafka:
        yield kafka.bootstrap


@contextmanager
def _installed_redis() -> Iterator[str]:
    with local_redis() as redis:
        yield redis.url
