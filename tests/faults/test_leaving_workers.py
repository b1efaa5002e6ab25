"""Workers that come and go, in good order, without a word, or only for a while."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.fleet import left_out
from tests.faults.workers import freeze, join, leave, replace, vanish

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


def test_a_stopped_worker_leaves_in_time_and_nothing_is_read_twice(fault_run: MakeRun) -> None:
    with fault_run("SIGTERM under load: leaves within 10 s, nothing reprocessed") as run:
        for _ in run.faults(20):
            replace(run, within=10)
        run.wait_for_all_partitions()
        assert run.workers.applied_before + sum(map(left_out, run.workers.running)) == 0


def test_workers_that_join_and_leave_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    life = [join, join, join, leave, vanish, leave]
    with fault_run("workers join and leave, 1 -> 4 -> 1", workers=1, session_timeout=3) as run:
        for number in run.faults(4 * len(life)):
            life[number % len(life)](run)


def test_a_worker_that_wakes_up_after_its_session_changes_nothing(fault_run: MakeRun) -> None:
    with fault_run("SIGSTOP past the session timeout, then SIGCONT", session_timeout=3) as run:
        for _ in run.faults(10):
            freeze(run)
