"""Kafka and Redis in containers, on a machine where a Docker engine runs."""

import gc
import socket
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache

import docker
import requests
from docker.errors import DockerException

from streams.embedded.kafka_metadata import fetch_metadata
from streams.embedded.ports import LOOPBACK, free_ports
from tests.polling import wait_until
from tests.services.kafka.broker import DEFAULTS
from tests.services.kafka.distribution import KAFKA_VERSION

KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
REDIS_IMAGE = "redis:7"
ENGINE_TIMEOUT = 3
START_TIMEOUT = 90
KAFKA_PORT = 9092
REDIS_PORT = 6379


@cache
def engine_answers() -> bool:
    """Ask whether a Docker engine runs.

    Returns:
        Whether one answered in time.
    """
    with warnings.catch_warnings():
        # A client that reaches no engine leaves its socket open, which would fail whichever test runs next.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with closing(docker.from_env(timeout=ENGINE_TIMEOUT)) as engine:
                return bool(engine.ping())
        except (DockerException, requests.RequestException):
            return False
        finally:
            gc.collect()


@contextmanager
def kafka_container() -> Iterator[str]:
    """Run Apache Kafka in a container.

    Yields:
        Its address, host:port.
    """
    # Only where an engine runs: the import takes half a second.
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    # Kafka tells its clients where it is, so the port outside has to be known before it starts.
    (port,) = free_ports(1)
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(KAFKA_PORT, port).with_envs(**_kafka_environment(port))
    with container:
        wait_until(lambda: _kafka_answers(port), START_TIMEOUT)
        yield f"{LOOPBACK}:{port}"


@contextmanager
def redis_container() -> Iterator[str]:
    """Run Redis in a container.

    Yields:
        Its URL.
    """
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - as above

    with DockerContainer(REDIS_IMAGE).with_exposed_ports(REDIS_PORT) as container:
        host, port = container.get_container_host_ip(), int(container.get_exposed_port(REDIS_PORT))
        wait_until(lambda: _redis_answers(host, port), START_TIMEOUT)
        yield f"redis://{host}:{port}/0"


def _kafka_environment(port: int) -> dict[str, str]:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://:{KAFKA_PORT},CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": "1@localhost:9093",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        **DEFAULTS,
    }
    return {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in settings.items()}


def _kafka_answers(port: int) -> bool:
    try:
        return port in fetch_metadata(LOOPBACK, port).broker_ports
    except OSError:
        return False


def _redis_answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
