"""Topics that change under the workers."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.kafka_faults import PATIENT_POLICY, widen_topic

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


def test_partitions_added_while_events_flow_are_read_from_their_first_record(fault_run: MakeRun) -> None:
    with fault_run("partitions added to topics", policy=PATIENT_POLICY) as run:
        for number in run.faults(3):
            widen_topic(run, ("clickstream", "email", "social")[number], 5 + 2 * number)
            run.wait_for_all_partitions()
