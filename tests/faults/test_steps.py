"""Workers that die at every step of a round in turn, and offset commits that fail after the writes."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.steps import FAILING_COMMITS, assert_all_died, die_at, freeze_at
from tests.faults.worker_that_dies import STEPS
from tests.faults.workers import kill

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]

#: Steps at which a worker that wakes up still has something to do that others have done.
ASLEEP = (
    "after the dead letters",
    "before the write",
    "half-way through the write",
    "after the write",
    "before the commit",
)


def test_workers_that_die_at_every_step_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    with fault_run(f"killed at each of {len(STEPS)} steps in turn", workers=1, session_timeout=3) as run:
        assert_all_died([die_at(run, STEPS[number % len(STEPS)]) for number in run.faults(4 * len(STEPS))])


def test_workers_that_freeze_with_a_round_in_hand_change_nothing_when_they_wake_up(fault_run: MakeRun) -> None:
    title = f"SIGSTOP at each of {len(ASLEEP)} steps past the session timeout"
    with fault_run(title, session_timeout=3) as run:
        for number in run.faults(2 * len(ASLEEP)):
            freeze_at(run, ASLEEP[number % len(ASLEEP)])


def test_commits_that_fail_after_the_writes_change_nothing(fault_run: MakeRun) -> None:
    title = "9 of 10 offset commits fail after the writes, and SIGKILL"
    with fault_run(title, session_timeout=3, module=FAILING_COMMITS) as run:
        for _ in run.faults(10):
            kill(run)
