"""What single benchmarks send and report; nothing here is timed."""

from __future__ import annotations

import json
import math
import os
import time
from collections import defaultdict
from itertools import islice

import pytest

from scoring.instants import SECOND
from streams.policy_file.document import parse_policy
from tests.benchmarks import cold_start, crossings, latency, scale, silence
from tests.benchmarks.activity import activity
from tests.benchmarks.probes import Latencies
from tests.benchmarks.redis_bytes import bytes_by_kind
from tests.benchmarks.steady_load import told, values
from tests.benchmarks.workload import DAY, TOPICS, partition_of
from tests.services.process_figures import cpu_seconds


def test_latencies_are_told_in_milliseconds() -> None:
    assert Latencies.of([0.001 * number for number in range(1, 101)]).cells() == ["50.0", "99.0", "100.0"]


def test_a_probe_that_was_never_answered_shows() -> None:
    assert Latencies.of([0.01] * 9 + [math.inf]).cells() == ["10.0", "never", "never"]


def test_of_several_rounds_each_figure_is_the_median() -> None:
    rounds = [Latencies(1, 10, 100), Latencies(2, 40, 90), Latencies(3, 20, 500)]

    assert Latencies.median_of(rounds) == Latencies(2, 20, 100)


def test_the_first_round_of_the_latencies_is_not_reported() -> None:
    slow, fast = Latencies(900, 900, 900), Latencies(1, 2, 3)

    assert latency.report([slow, fast], [slow, fast], "sent").count("| 1.0 | 2.0 | 3.0 |") == 2


def test_a_machine_that_cannot_send_the_rate_is_told() -> None:
    assert "COULD NOT" not in told({"events": 199_000, "seconds": 10}, 20_000)
    assert "COULD NOT SEND THE 20,000" in told({"events": 180_000, "seconds": 10}, 20_000)


def test_the_steady_stream_is_made_of_events_that_count_for_the_keys_partition() -> None:
    for channel, partition, key, value in islice(values(100, 4), 200):
        event = json.loads(value)

        assert channel in TOPICS
        assert partition == partition_of(key, 4)
        assert event["customer_id"].encode() == key
        assert abs(event["timestamp"] - time.time()) < 60


def test_a_month_of_activity_is_ten_days_of_three_types_for_each_customer() -> None:
    midnight = 20_000 * DAY
    made = [(channel, json.loads(value)) for channel, _, value in activity(50, midnight)]
    times = [event["timestamp"] for _, event in made]
    by_day: dict[str, dict[int, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    for channel, event in made:
        by_day[event["customer_id"]][int(event["timestamp"] // DAY)].add((channel, event["type"]))

    assert times == sorted(times)
    assert midnight - 30 * DAY <= times[0]
    assert times[-1] <= midnight
    assert len({event["event_id"] for _, event in made}) == len(made) == 50 * 30
    assert len(by_day) == 50
    assert all(len(days) == 10 for days in by_day.values())
    assert all(len(types) == 3 for days in by_day.values() for types in days.values())


def test_the_bytes_of_a_customer_are_told_by_what_the_fields_are_for() -> None:
    fields = {
        "score": "48",
        "_p20410": "abcd3",
        "_i20410.0": "x" * 20,
        "_v": "a1",
        "_s": "1;;0;0",
        "_q": "",
        "_zz": "é",
        "ü": "1",
    }

    assert bytes_by_kind(fields) == {
        "published fields": 5 + 2 + 4 + 2 + 1 + 4,
        "panes: counts by type": 7 + 5 + 4,
        "ids of events": 9 + 20 + 4,
        "version and state": 2 + 2 + 4 + 2 + 6 + 4,
        "other internal fields": 2 + 0 + 4 + 3 + 2 + 4,
    }


@pytest.mark.parametrize(("moment", "boundary"), [(120.0, 180), (120.5, 180), (179.9, 180)])
def test_the_next_boundary_is_after_the_moment(moment: float, boundary: int) -> None:
    assert crossings.boundary_after(moment) == boundary


def test_one_purchase_falls_at_the_boundary_that_was_chosen() -> None:
    policy, boundary = parse_policy(crossings.policy_text()), 30_000_000 * crossings.PANE
    pane = int(crossings.leaves_at(boundary)) // crossings.PANE

    assert (pane + crossings.WINDOW // crossings.PANE) * crossings.PANE == boundary
    assert (policy.pane, policy.length) == (crossings.PANE * SECOND, crossings.WINDOW * SECOND)


def test_the_curve_of_silence_says_how_the_cost_grows_and_what_was_left_out() -> None:
    measured = {100_000: silence.Crossing(1.5, 1.0, 0.2, 0.1), 1_000_000: silence.Crossing(1.5, 1.0, 0.2, 0.1)}

    report = silence.report(measured, {10_000_000: "13 GB of memory needed, 5 free"}, 10_000)

    assert "| 1,000,000 | 1.50 | 1.00 | 0.20 | 0.10 |" in report
    assert "| 10,000,000 | not run: 13 GB of memory needed, 5 free |" in report
    assert "to the power of 0.00" in report


@pytest.mark.parametrize(
    ("partitions", "even"),
    [([24], True), ([12, 12], True), ([5, 5, 5, 5, 4], True), ([24, 0], False), ([12, 11], False), ([13, 11], False)],
)
def test_workers_are_measured_once_all_partitions_are_shared_evenly(partitions: list[int], *, even: bool) -> None:
    assert scale.shared(partitions) == even


def test_the_table_of_workers_compares_the_whole_work_with_the_first_row() -> None:
    alone = {"workers": 10.0, "Redis": 5.0, "broker": 5.0, "seconds": 20.0, "refused": 0.0}
    eight = {"workers": 12.0, "Redis": 6.0, "broker": 5.0, "seconds": 21.0, "refused": 1200.0}

    rows = scale.report({1: [alone], 8: [eight]}).splitlines()

    assert rows[-2:] == [
        "| 1 | 10.0 | 5.0 | 5.0 | 20.0 | +0% | 20 | 0 |",
        "| 8 | 12.0 | 6.0 | 5.0 | 23.0 | +15% | 21 | 1,200 |",
    ]


def test_the_first_start_is_dropped() -> None:
    report = cold_start.report([9.0, 2.0, 1.0, 2.5], {1_000_000: {"seconds": 20.0, "memory": 300.0 * 2**20}})

    assert "| 3 starts | 2.00 | 2.50 | 3 |" in report
    assert "| 1,000,000 | 20 | 50,000 | 300 |" in report


def test_the_cpu_time_of_this_process_grows_while_it_computes() -> None:
    before = cpu_seconds(os.getpid())
    deadline = time.process_time() + 0.05
    while time.process_time() < deadline:
        pass

    assert 0.03 <= cpu_seconds(os.getpid()) - before < 5
