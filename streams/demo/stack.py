"""What the demonstration runs on: the embedded servers, the topics, and the real worker as its own process."""

from __future__ import annotations

import asyncio
import http.client
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import streams
from streams.demo.policy import DEMO_POLICY
from streams.embedded import EmbeddedKafka, EmbeddedRedis
from streams.embedded.child import ChildProcess
from streams.embedded.ports import LOOPBACK, free_ports
from streams.errors import EmbeddedServerError
from streams.kafka.topics import ensure_topics
from streams.settings.environment import PREFIX
from streams.settings.settings import Settings, read_settings

# The embedded broker answers a join only after half of it.
_SESSION_SECONDS = 6
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.1
_PARTITIONS = 4


class WorkerEndedError(EmbeddedServerError):
    """The worker of the demonstration ended, or did not get ready; says how its log ends."""


class Stack:
    """A context that stops, in the opposite order, what was started in it."""

    settings: Settings

    def __init__(self) -> None:
        """Prepare, without starting anything."""
        self._running = ExitStack()
        self._worker: ChildProcess | None = None

    def __enter__(self) -> Self:
        """Return the stack, in which nothing runs yet."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop everything."""
        self._running.close()

    def start(self, announce: Callable[[str], None]) -> None:
        """Start everything and wait until the worker is ready.

        Args:
            announce: told what is being started.

        Raises:
            EmbeddedServerError: if something does not start.
            BrokerUnavailable: if the topics cannot be created.
        """
        announce("starting the embedded Kafka broker")
        kafka = self._running.enter_context(EmbeddedKafka())
        announce("starting the embedded Redis server")
        redis = self._running.enter_context(EmbeddedRedis())
        directory = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="engagement-demo-")))
        self.settings = _settings(kafka.bootstrap, redis.url, directory)
        announce("creating the topics")
        # Aside, as Ctrl-C in the main thread while a loop is being made would leave it half made.
        with ThreadPoolExecutor(max_workers=1) as aside:
            aside.submit(lambda: asyncio.run(ensure_topics(self.settings, _PARTITIONS))).result()
        announce("starting the worker")
        self._worker = _start_worker(self.settings, directory)
        self._running.callback(self.stop_worker)
        self._await_ready()

    @property
    def worker_status(self) -> int | None:
        """The worker's exit status, negative for a signal, None while it runs."""
        return self._worker.exit_code if self._worker else None

    def stop_worker(self) -> None:
        """Ask the worker to end and wait for it; one that does not end in time is killed."""
        if self._worker is not None:
            self._worker.stop(_STOP_SECONDS)

    def worker_ended(self) -> WorkerEndedError:
        """Say how the worker ended, with the end of its log."""
        log = self._worker.log_tail() if self._worker else ""
        return WorkerEndedError(f"the worker ended with status {self.worker_status}; its log ends with\n{log}")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers_ready(self.settings.web_port):
            if self.worker_status is not None:
                raise self.worker_ended()
            if time.monotonic() > deadline:
                log = self._worker.log_tail() if self._worker else ""
                raise WorkerEndedError(
                    f"the worker was not ready within {_READY_SECONDS:g} s; its log ends with\n{log}"
                )
            time.sleep(_POLL_SECONDS)


def _settings(brokers: str, redis_url: str, directory: Path) -> Settings:
    policy = directory / "policy.toml"
    policy.write_text(DEMO_POLICY, encoding="utf-8")
    chosen = {
        "KAFKA_BROKERS": brokers,
        "KAFKA_SESSION_TIMEOUT": str(_SESSION_SECONDS),
        "REDIS_URL": redis_url,
        "POLICY": str(policy),
        "WEB_PORT": str(free_ports(1)[0]),
    }
    return read_settings({PREFIX + name: value for name, value in chosen.items()})


def _start_worker(settings: Settings, directory: Path) -> ChildProcess:
    # Nothing of the user's environment: the demonstration is the same everywhere. The package may not be installed.
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(streams.__path__[0]).parent)}
    return ChildProcess(
        [sys.executable, "-m", "streams", "worker"],
        directory=directory,
        environment=environment | settings.environment(),
        log=directory / "worker.log",
    )


def _answers_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
