"""Faults at a certain step of a worker's round; the worker is `worker_that_dies`."""

from __future__ import annotations

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


def assert_all_died(mortals: Sequence[WorkerProcess]) -> None:
    """Wait until workers have died, and each at its step."""
    for mortal in mortals:
        assert mortal.process.wait(120) == STATUS, mortal.log_tail()
