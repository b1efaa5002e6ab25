"""Workers that are killed."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.run import POLICY
from tests.faults.stream import Mixture
from tests.faults.workers import join, kill, leave

pytestmark = pytest.mark.timeout(540)

#: The channels of the policy, fed by records that hold arrays of events.
_ARRAYS = POLICY.read_text(encoding="utf-8") + "".join(
    f"""
[sources.{channel}]
channel = "{channel}"
topic = "NAMESPACE-{channel}"
each = "[]"
customer = "customer_id"
type = "type"
time = "timestamp"
id = "event_id"
"""
    for channel in ("clickstream", "email", "social")
)


@pytest.mark.faults
def test_workers_killed_at_random_moments_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    with fault_run("worker killed with SIGKILL at random moments, restarted", session_timeout=3) as run:
        for _ in run.faults(50):
            kill(run)


@pytest.mark.faults
def test_workers_killed_within_records_of_many_events_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    life = [kill, join, kill, leave]
    title = "SIGKILL, joins and leaves while records hold 40 events each"
    mixture = Mixture(bad=0, together=40)
    with fault_run(title, policy=_ARRAYS, mixture=mixture, session_timeout=3, workers=1) as run:
        for number in run.faults(5 * len(life), apart=200):
            life[number % len(life)](run)


@pytest.mark.beyond_embedded_kafka("gives no producer ids, without which a feed is not exact")
def test_two_killed_workers_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
    with fault_run("worker killed with SIGKILL (short)", events=10_000, session_timeout=3) as run:
        for _ in run.faults(2):
            kill(run)
