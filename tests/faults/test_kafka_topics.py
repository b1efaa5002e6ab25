"""Topics that change under the workers."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.kafka_faults import PATIENT_POLICY, end_by_itself, lose_records, widen_topic

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
