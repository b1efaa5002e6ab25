"""Topics that change under the workers."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.kafka_faults import (
    PATIENT_POLICY,
    end_by_itself,
    hang_transaction,
    lose_records,
    make_topic_anew,
    widen_topic,
)
from tests.faults.stream import Mixture
from tests.polling import wait_until

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


def test_partitions_added_while_events_flow_are_read_from_their_first_record(fault_run: MakeRun) -> None:
    with fault_run("partitions added to topics", policy=PATIENT_POLICY) as run:
        for number in run.faults(3):
            widen_topic(run, ("clickstream", "email", "social")[number], 5 + 2 * number)
            run.wait_for_all_partitions()


def test_records_lost_to_retention_stop_the_workers_until_an_operator_accepts_the_gap(fault_run: MakeRun) -> None:
    with fault_run("fences before the topic's retention", policy=PATIENT_POLICY) as run:
        for _ in run.faults(2):
            lose_records(run, [("email", 1), ("social", 0)])
            before = run.applied()
            assert "offsets were deleted before they were applied" in end_by_itself(run)
            assert run.applied() == before
            status, text = run.system.command("gaps", "show")
            assert (status, text.count(": 500 offsets lost")) == (1, 2)
            assert "1,000 offsets lost on 2 partitions" in text
            assert run.system.command("gaps", "accept", "--all")[0] == 0
            run.workers.start_ready(2)


def test_a_topic_made_anew_stops_the_workers_until_an_operator_accepts_the_new_log(fault_run: MakeRun) -> None:
    # A dead letter is known by topic, partition and offset: two logs under one name would have the same ones.
    with fault_run("a topic made anew", policy=PATIENT_POLICY, mixture=Mixture(bad=0)) as run:
        for number in run.faults(2):
            make_topic_anew(run, ("clickstream", "social")[number], gone_for=(2.0, 0.0)[number])
            wait_until(lambda: not run.workers.running, 60)
            before = run.applied()
            status, text = run.system.command("gaps", "show")
            assert (status, text.count("the topic was made anew")) == (1, run.plan.partitions), text
            assert run.applied() == before
            assert run.system.command("gaps", "accept", "--all")[0] == 0
            run.workers.start_ready(2)


def test_a_hanging_transaction_on_a_busy_partition_changes_nothing(fault_run: MakeRun) -> None:
    # Longer than it takes until a partition without records is idle.
    with fault_run("a hanging transaction") as run:
        for number in run.faults(3, apart=2_000):
            hang_transaction(run, ("clickstream", "email", "social")[number], number, 20)
