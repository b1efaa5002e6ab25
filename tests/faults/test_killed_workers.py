"""Workers that are killed."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.workers import kill

pytestmark = pytest.mark.timeout(540)


@pytest.mark.faults
def test_workers_killed_at_random_moments_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    with fault_run("worker killed with SIGKILL at random moments, restarted", session_timeout=3) as run:
        for _ in run.faults(50):
            kill(run)


def test_two_killed_workers_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    with fault_run("worker killed with SIGKILL (short)", events=10_000, session_timeout=3) as run:
        for _ in run.faults(2):
            kill(run)
