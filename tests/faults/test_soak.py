"""A random mix of faults for some minutes: `make soak FOR=10m SEED=1`."""

from __future__ import annotations

import os
from functools import partial

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.kafka_faults import PATIENT_POLICY, crash_broker
from tests.faults.redis_faults import ON_DISK
from tests.faults.soak import FAULTS, Fault, soak
from tests.reference.brute_force import MILLION, duration
from tests.services.kafka import KafkaBroker

SECONDS = duration(os.environ.get("ENGAGEMENT_TEST_SOAK_FOR") or "10m") / MILLION
SEED = int(os.environ.get("ENGAGEMENT_TEST_SOAK_SEED") or "1")
#: To start, to let the stream end, and to compute so much by brute force.
AROUND = 900
#: Records a second: ten minutes of it can still be computed by brute force in one.
PACE = 1_500


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + AROUND)
def test_a_random_mix_of_faults_loses_and_repeats_nothing(fault_run: MakeRun) -> None:
    options = {
        "seed": SEED,
        "pace": PACE,
        "session_timeout": 4,
        "policy": PATIENT_POLICY,
        "redis_config": ON_DISK,
        "settle_within": AROUND / 3,
    }
    title = f"a random mix for {SECONDS:g} s, seed {SEED}"
    with KafkaBroker() as broker, fault_run(title, kafka=broker.bootstrap, **options) as run:
        faults: dict[str, tuple[Fault, float]] = {**FAULTS, "broker killed": (partial(crash_broker, broker=broker), 1)}
        injected = soak(run, faults, SECONDS)
    print("injected: " + ", ".join(f"{name} {times}" for name, times in sorted(injected.items())))
