"""Faults of workers; each is one injection, after which the system can go on."""

from __future__ import annotations

from tests.faults.run import FaultRun


def kill(run: FaultRun) -> None:
    """Kill any worker with SIGKILL and start another at once."""
    run.dice.choice(run.workers.running).kill()
    run.workers.start()
