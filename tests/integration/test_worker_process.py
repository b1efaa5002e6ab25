"""The tests wait for a worker as long as it gets on, and no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.worker import WorkerProcess

#: Longer than Python takes to start on a busy machine.
WITHIN = 6.0


def worker(folder: Path, ready_after: float, rounds: str) -> WorkerProcess:
    """Prepare a worker that is ready after some seconds."""
    module = ("tests.integration.slow_worker", f"{ready_after}", rounds)
    return WorkerProcess({}, folder / "log", ready_within=WITHIN, module=module)


def test_a_worker_that_gets_on_is_waited_for_longer_than_a_start_may_take(tmp_path: Path) -> None:
    slow = worker(tmp_path, 1.5 * WITHIN, "goes-on")
    slow.start()
    try:
        slow.wait_ready()
        assert slow.status("/ready") == 200
    finally:
        slow.kill()


def test_a_worker_that_stands_still_is_an_error_that_says_why_it_is_not_ready(tmp_path: Path) -> None:
    stuck = worker(tmp_path, 20 * WITHIN, "stand-still")
    stuck.start()
    try:
        with pytest.raises(AssertionError, match="catching up"):
            stuck.wait_ready()
    finally:
        stuck.kill()
