"""Faults of workers; each is one injection, after which the system can go on."""

from __future__ import annotations

import signal

from tests.faults.run import FaultRun


def kill(run: FaultRun) -> None:
    """Kill any worker with SIGKILL and start another at once."""
    run.dice.choice(run.workers.running).kill()
    run.workers.start()


def replace(run: FaultRun, within: float = 60.0) -> None:
    """Stop any worker with SIGTERM, which has to leave within seconds, and start another once it has left."""
    run.workers.stop(run.dice.choice(run.workers.running), within)
    run.workers.start().wait_ready()


def join(run: FaultRun) -> None:
    """Let one more worker join."""
    run.workers.start().wait_ready()


def leave(run: FaultRun) -> None:
    """Let any worker leave in good order."""
    run.workers.stop(run.dice.choice(run.workers.running))


def vanish(run: FaultRun) -> None:
    """Let any worker leave without a word; the group notices after the session timeout."""
    run.dice.choice(run.workers.running).kill()
    run.wait_for_all_partitions()


def freeze(run: FaultRun) -> None:
    """Freeze any worker until the others have taken over all that it had; then let it go on where it was."""
    sleeper = run.dice.choice(run.workers.running)
    sleeper.send(signal.SIGSTOP)
    try:
        run.wait_for_all_partitions()
    finally:
        sleeper.send(signal.SIGCONT)
