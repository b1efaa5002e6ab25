"""Workers killed, and Redis lost, in the middle of closing a day of the clock of absence."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from scoring.instants import DAY
from tests.faults.conftest import MakeRun
from tests.faults.run import POLICY, FaultRun
from tests.faults.steps import assert_all_died
from tests.faults.stream import SECOND, Mixture
from tests.faults.worker_that_dies import DAY_STEPS
from tests.polling import wait_until

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]

_MODULE = "tests.faults.worker_that_dies"
#: 2,880 events a day, so that days are soon over, and customers stay for two of them.
_SPARSE = Mixture(apart=30 * SECOND)
#: A day passes in twenty seconds: a day is closed once whoever drops before its end has been judged.
_PACE = 144
_DAYS = 5
_ABSENCES = POLICY.read_text(encoding="utf-8") + "\n[alerts.absence]\nmargin = 0.05\n"


def day_ends(make: MakeRun, fault: str, *module: str) -> AbstractContextManager[FaultRun]:
    """Give a run of one worker with alerts of absence, over five days at least."""
    events = _DAYS * DAY // _SPARSE.apart
    options = {"module": module} if module else {}
    return make(
        fault, policy=_ABSENCES, mixture=_SPARSE, events=events, workers=1, session_timeout=3, pace=_PACE, **options
    )


def test_workers_killed_at_a_days_end_report_every_absence_once(fault_run: MakeRun) -> None:
    with day_ends(fault_run, "killed while a day of absence is closed, and after") as run:
        mortals = []
        for number in run.faults(len(DAY_STEPS)):
            mortals.append(run.workers.start((_MODULE, "--at", DAY_STEPS[number])))
            # Another worker might close the day first.
            for worker in run.workers.running:
                if worker not in mortals:
                    worker.kill()
            assert_all_died(mortals)
            run.workers.up(1)


def test_redis_lost_at_a_days_end_is_filled_again_with_every_absence(fault_run: MakeRun) -> None:
    # The first day ends as soon as the worker has begun: before there is anything to lose.
    flushing = (_MODULE, "--flush", "--at", DAY_STEPS[0], "--after", "2")
    with day_ends(fault_run, "FLUSHALL while a day of absence is closed", *flushing) as run:
        for _ in run.faults(1):
            wait_until(Fall(run), 240)


class Fall:
    """Reports that fewer records are applied than once were."""

    def __init__(self, run: FaultRun) -> None:
        """Begin with none."""
        self._run = run
        self._most = 0

    def __call__(self) -> bool:
        """Look again."""
        applied = self._run.applied()
        self._most = max(self._most, applied)
        return applied < self._most
