"""Brokers that are killed and come back."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.kafka_faults import PATIENT_POLICY, crash_broker
from tests.services.kafka import KafkaBroker

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


def test_a_killed_broker_that_comes_back_loses_and_repeats_nothing(fault_run: MakeRun) -> None:
    with (
        KafkaBroker() as broker,
        fault_run("broker killed with SIGKILL, restarted", kafka=broker.bootstrap, policy=PATIENT_POLICY) as run,
    ):
        for _ in run.faults(5, within=120):
            crash_broker(run, broker)
