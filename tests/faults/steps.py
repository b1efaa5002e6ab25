"""Faults at a certain step of a worker's round; the worker is `worker_that_dies`."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence

from tests.faults.run import FaultRun
from tests.faults.worker_that_dies import STATUS
from tests.polling import wait_until
from tests.services.worker import WorkerProcess

_MODULE = "tests.faults.worker_that_dies"
#: Times at most that a step is passed alive, so that deaths come at different places of the stream.
_PASSES = 8
#: That run at one time, besides one worker of the product.
_MORTALS = 2

FAILING_COMMITS = (_MODULE, "--failing-commits", "0.9")


def die_at(run: FaultRun, step: str) -> WorkerProcess:
    """Start a worker that will die at a step; wait until no more than two such are about."""
    passes = str(run.dice.randrange(_PASSES))
    mortal = run.workers.start((_MODULE, "--at", step, "--after", passes))
    wait_until(lambda: len(run.workers.running) <= run.plan.workers + _MORTALS - 1, 120)
    return mortal


def freeze_at(run: FaultRun, step: str) -> None:
    """Freeze a worker at a step until the others have taken over all that it had; it goes on with what is in its hand.

    At the end it is killed, as it is one too many.
    """
    passes = str(run.dice.randrange(_PASSES))
    sleeper = run.workers.start((_MODULE, "--at", step, "--after", passes, "--freeze"))
    wait_until(lambda: _is_frozen(sleeper), 120)
    run.wait_for_all_partitions()
    sleeper.send(signal.SIGCONT)
    run.wait_for_all_partitions()
    sleeper.kill()


def _is_frozen(worker: WorkerProcess) -> bool:
    asked = ["ps", "-o", "state=", "-p", str(worker.process.pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip().startswith("T")


def assert_all_died(mortals: Sequence[WorkerProcess]) -> None:
    """Wait until workers have died, and each at its step."""
    for mortal in mortals:
        assert mortal.process.wait(120) == STATUS, mortal.log_tail()
