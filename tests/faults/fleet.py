"""The workers of a run: started, killed, stopped, frozen, and at the end all up again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence

from tests.services.system import System, metric
from tests.services.worker import WorkerProcess

PRODUCT = ("streams", "worker")


class Fleet:
    """The worker processes of a run."""

    def __init__(self, system: System, module: Sequence[str] = PRODUCT) -> None:
        """Start with none.

        Args:
            system: that they work for.
            module: what Python runs, and its arguments.
        """
        self._system = system
        self._module = module
        self._all: list[WorkerProcess] = []
        self.started = 0
        self.applied_before = 0.0

    @property
    def running(self) -> list[WorkerProcess]:
        """The workers that run, the oldest first."""
        return [worker for worker in self._all if worker.running]

    def start(self, module: Sequence[str] = (), **settings: str) -> WorkerProcess:
        """Start a worker without waiting for it.

        Args:
            module: what Python runs, other than for the rest of the fleet.
            **settings: other than those of the system, named without their prefix.

        Returns:
            The worker.
        """
        worker = self._system.worker(module or self._module, **settings)
        worker.start()
        self._all.append(worker)
        self.started += 1
        return worker

    def start_ready(self, number: int) -> None:
        """Start some workers and wait until all are ready."""
        for worker in [self.start() for _ in range(number)]:
            worker.wait_ready()

    def stop(self, worker: WorkerProcess, within: float = 60.0) -> None:
        """Send SIGTERM, not before the start is over; the worker has to end with status 0 within seconds.

        What it has left out as applied before, up to this moment, is added to `applied_before`.
        """
        worker.wait_ready()
        self.applied_before += left_out(worker)
        try:
            status = worker.stop(within)
        except subprocess.TimeoutExpired:
            worker.send(signal.SIGABRT)
            worker.process.wait(10)
            raise AssertionError(f"not gone within {within:g} s:\n{worker.log_tail(200)}") from None
        assert status == 0, worker.log_tail()

    def up(self, number: int) -> None:
        """Bring the fleet to at least so many workers that run and are ready, whatever has happened to it."""
        for worker in self.running:
            worker.send(signal.SIGCONT)
        while len(self.running) < number:
            self.start()
        for worker in self.running:
            worker.wait_ready_or_ended()
        assert self.running, "no worker runs"


def left_out(worker: WorkerProcess) -> float:
    """Ask a worker how many events it has read that had been applied before."""
    return metric(worker, "engagement_scored_events_total", outcome="applied_before")
