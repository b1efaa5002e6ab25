"""The catalogue of metrics."""

from __future__ import annotations

import math

from prometheus_client import Metric, generate_latest

from streams.metrics import Metrics
from streams.records import Partition


def catalogue() -> list[Metric]:
    """Give all metrics."""
    return list(Metrics().registry.collect())


def test_every_metric_is_one_of_ours_and_documented() -> None:
    metrics = catalogue()

    assert len(metrics) > 10
    assert all(metric.name.startswith("engagement_") and metric.documentation for metric in metrics)
    assert len({metric.name for metric in metrics}) == len(metrics)


def test_every_attribute_that_is_a_metric_is_registered() -> None:
    metrics = Metrics()
    own = [member for member in vars(metrics).values() if hasattr(member, "describe") and hasattr(member, "_name")]

    assert len(own) == len(catalogue())


def test_two_workers_in_one_process_do_not_share_counters() -> None:
    one, two = Metrics(), Metrics()
    one.round_events.inc(3)

    assert two.registry.get_sample_value("engagement_round_events_total") == 0


def test_metrics_can_be_scraped() -> None:
    metrics = Metrics()
    metrics.events.labels("email", "read").inc()

    assert b'engagement_events_total{channel="email",outcome="read"} 1.0' in generate_latest(metrics.registry)


def test_the_first_fetch_is_noted_once() -> None:
    metrics = Metrics()
    metrics.note_first_fetch(5_500_000)
    metrics.note_first_fetch(9_000_000)

    assert metrics.registry.get_sample_value("engagement_first_fetch_seconds") == 5.5


def test_the_lag_of_partitions_that_have_gone_is_not_told_any_more() -> None:
    metrics = Metrics()
    metrics.set_lags({Partition("email", 0): 1.5, Partition("email", 1): 2})
    metrics.set_lags({Partition("email", 1): 3})

    found = {
        (sample.labels["topic"], sample.labels["partition"]): sample.value
        for metric in metrics.registry.collect()
        if metric.name == "engagement_lag_seconds"
        for sample in metric.samples
    }
    assert found == {("email", "1"): 3.0}


def test_a_time_that_is_not_known_is_no_time_of_1970() -> None:
    metrics = Metrics()
    for name in ("engagement_evaluation_time_seconds", "engagement_first_fetch_seconds"):
        assert math.isnan(metrics.registry.get_sample_value(name) or 0)
    metrics.note_evaluation(0)
    assert math.isnan(metrics.registry.get_sample_value("engagement_evaluation_time_seconds") or 0)
    metrics.note_evaluation(7_500_000)
    assert metrics.registry.get_sample_value("engagement_evaluation_time_seconds") == 7.5
