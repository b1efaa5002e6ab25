"""A random mix of faults for some minutes: `make soak FOR=10m SEED=1`."""

from __future__ import annotations

import os

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.redis_faults import ON_DISK, REDIS_FAULTS
from tests.faults.soak import WORKER_FAULTS, soak
from tests.reference.brute_force import MILLION, duration

SECONDS = duration(os.environ.get("ENGAGEMENT_TEST_SOAK_FOR") or "10m") / MILLION
SEED = int(os.environ.get("ENGAGEMENT_TEST_SOAK_SEED") or "1")
#: To start, to let the stream end, and to compute so much by brute force.
AROUND = 900


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + AROUND)
def test_a_random_mix_of_faults_loses_and_repeats_nothing(fault_run: MakeRun) -> None:
    title = f"a random mix for {SECONDS:g} s, seed {SEED}"
    options = {"session_timeout": 4, "settle_within": AROUND / 3, "redis_config": ON_DISK}
    with fault_run(title, seed=SEED, **options) as run:
        injected = soak(run, (*WORKER_FAULTS, *REDIS_FAULTS), SECONDS)
    print("injected: " + ", ".join(f"{name} {times}" for name, times in sorted(injected.items())))
