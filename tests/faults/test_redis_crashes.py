"""Redis that is killed and comes back with everything, with less, or with nothing."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.redis_faults import ON_DISK, crash, cut_power, flush

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]

#: Records between two faults.
APART = 15_000


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_redis_killed_with_its_data_on_disk_loses_and_repeats_nothing(fault_run: MakeRun, fsync: str) -> None:
    config = {**ON_DISK, "appendfsync": fsync}
    with fault_run(f"Redis killed, restarted, appendfsync {fsync}", redis_config=config) as run:
        for _ in run.faults(2, apart=APART):
            before = run.applied()
            crash(run)
            assert run.applied() >= before


def test_redis_that_comes_back_without_its_last_writes_is_given_them_again(fault_run: MakeRun) -> None:
    with fault_run("Redis loses power, the end of its append-only file is gone", redis_config=ON_DISK) as run:
        for _ in run.faults(2, apart=APART):
            before = run.applied() + 1_000
            cut_power(run)
            assert 0 < run.applied() < before, "nothing was lost"


def test_redis_that_comes_back_empty_is_filled_again(fault_run: MakeRun) -> None:
    with fault_run("Redis killed, comes back empty") as run:
        for _ in run.faults(2, apart=APART):
            before = run.applied()
            crash(run)
            assert run.applied() < before, "nothing was lost"


def test_flushall_under_load_is_made_good(fault_run: MakeRun) -> None:
    with fault_run("FLUSHALL under load") as run:
        for _ in run.faults(2, apart=APART):
            before = run.applied()
            flush(run)
            assert run.applied() < before, "nothing was lost"
