"""Brokers that are killed and come back, and partitions that are led by others."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.kafka_faults import PATIENT_POLICY, crash_broker, move_all_leaders
from tests.services.kafka import KafkaBroker, KafkaCluster

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


def test_a_killed_broker_that_comes_back_loses_and_repeats_nothing(fault_run: MakeRun) -> None:
    with (
        KafkaBroker() as broker,
        fault_run("broker killed with SIGKILL, restarted", kafka=broker.bootstrap, policy=PATIENT_POLICY) as run,
    ):
        for _ in run.faults(5, within=120):
            crash_broker(run, broker)


def test_a_cluster_that_loses_a_broker_and_gets_it_back_loses_and_repeats_nothing(fault_run: MakeRun) -> None:
    with (
        KafkaCluster() as cluster,
        fault_run("one of three brokers killed, restarted", kafka=cluster.bootstrap, policy=PATIENT_POLICY) as run,
    ):
        for _ in run.faults(5, within=120):
            crash_broker(run, run.dice.choice(cluster.brokers))


def test_leaders_that_move_under_load_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    with (
        KafkaCluster() as cluster,
        fault_run("leaders of all partitions moved", kafka=cluster.bootstrap, policy=PATIENT_POLICY) as run,
    ):
        for _ in run.faults(5, within=120):
            move_all_leaders(run)
