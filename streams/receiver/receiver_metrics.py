"""The metrics of a receiver, each listed in docs/reference/receiver.md; a test compares the two."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ReceiverMetrics:
    """The metrics of one receiver, in a registry of their own."""

    def __init__(self) -> None:
        """Register all."""
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "engagement_receiver_requests", "Requests by source and outcome", ["source", "outcome"], registry=registry
        )
        self.records = Counter(
            "engagement_receiver_records", "Records that Kafka has acknowledged", ["source"], registry=registry
        )
        self.seconds = Histogram(
            "engagement_receiver_seconds",
            "From a request to its answer, of those that were taken",
            registry=registry,
            buckets=_SECONDS,
        )
        self.backlog = Gauge(
            "engagement_receiver_backlog_bytes", "Bytes that Kafka has not acknowledged yet", registry=registry
        )
        self.retries = Counter(
            "engagement_receiver_retries", "Failed attempts to reach Kafka at the start", ["what"], registry=registry
        )
        self.ready = Gauge("engagement_receiver_ready", "1 while the receiver is ready", registry=registry)
