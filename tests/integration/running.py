"""A system with one worker that all tests of a file share."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.services.system import System
from tests.services.worker import WorkerProcess


@dataclass
class Running:
    """The system and the worker."""

    system: System
    worker: WorkerProcess

    def restart(self) -> None:
        """Stop the worker in good order and start another."""
        assert self.worker.stop() == 0
        self.start_another()

    def start_another(self) -> None:
        """Start another worker and wait until it is ready."""
        worker = self.system.worker()
        worker.start()
        worker.wait_ready()
        self.worker = worker

    def stop(self) -> int:
        """Stop the worker if it still runs; return its exit status."""
        return self.worker.stop() if self.worker.running else self.worker.process.returncode


@contextmanager
def run_on(
    request: pytest.FixtureRequest, factory: pytest.TempPathFactory, services: str, policy: str, **options: Any
) -> Iterator[Running]:
    """Run a worker.

    Args:
        request: finds the services.
        factory: of temporary folders.
        services: ``real``, the best that the machine has, or ``embedded``.
        policy: its text.
        **options: of the system.

    Yields:
        The system and its worker, which is ready; at the end it must stop with status 0.
    """
    prefix = "embedded_" if services == "embedded" else ""
    kafka = request.getfixturevalue(f"{prefix}kafka_bootstrap")
    redis_url = request.getfixturevalue(f"{prefix}redis_url")
    name = f"test-{secrets.token_hex(6)}"
    with System(kafka, redis_url, name, factory.mktemp("system"), policy=policy, **options) as system:
        asyncio.run(system.create_topics())
        running = Running(system, system.worker())
        running.worker.start()
        running.worker.wait_ready()
        yield running
        assert running.stop() == 0
