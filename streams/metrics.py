"""The catalogue of metrics; every one is listed in docs/reference/metrics.md, which a test compares with this file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from scoring.events.unknown_names import Names, UnknownNames
from scoring.instants import SECOND
from scoring.rules.targets import MET, MISSED, WARNING, Target
from streams.records import Partition

_MOST_UNKNOWN_TYPES = 20
_ROUND_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        """Register all."""
        self.registry = registry = CollectorRegistry()
        self._first_fetch_noted = False
        self.unknown_names = UnknownNames()
        self.unknown_types = Gauge(
            "engagement_unknown_types",
            "Events of the last day of types that the policy does not name, all workers together",
            ["channel", "type"],
            registry=registry,
        )
        # `read` counts records; the other outcomes say what became of some of them.
        self.events = Counter(
            "engagement_events", "Records by channel and outcome", ["channel", "outcome"], registry=registry
        )
        self.scored = Counter(
            "engagement_scored_events", "Events by what scoring did with them", ["outcome"], registry=registry
        )
        self.transitions = Counter(
            "engagement_transitions", "Alerts and band changes noticed", ["kind"], registry=registry
        )
        self.dead_letters = Counter("engagement_dead_letters", "Dead letters by reason", ["reason"], registry=registry)
        self.held = Counter(
            "engagement_held_crossings",
            "Churn alerts postponed, by the channel whose feed is silent",
            ["channel"],
            registry=registry,
        )
        self.feed_silent = Gauge(
            "engagement_feed_silent",
            "1 while the feed of a watched channel is silent, or a source that feeds it",
            ["channel", "source"],
            registry=registry,
        )
        self.evaluations = Counter(
            "engagement_evaluations", "Customers evaluated because of time alone", ["kind"], registry=registry
        )
        self.rounds = Histogram(
            "engagement_round_seconds",
            "From taking a round to its acknowledgement",
            registry=registry,
            buckets=_ROUND_SECONDS,
        )
        self.round_events = Counter("engagement_round_events", "Events in finished rounds", registry=registry)
        self.links = Counter(
            "engagement_links", "Links between ids, by what became of them", ["outcome"], registry=registry
        )
        self.refused = Counter(
            "engagement_refused_writes", "Writes that the store refused, by what had moved", ["what"], registry=registry
        )
        self.retries = Counter("engagement_retries", "Retries after transient faults", ["what"], registry=registry)
        self.evaluation_time = Gauge(
            "engagement_evaluation_time_seconds", "The evaluation time, Unix seconds", registry=registry
        )
        self.first_fetch = Gauge(
            "engagement_first_fetch_seconds", "When the first record was fetched, Unix seconds", registry=registry
        )
        self.set_aside = Gauge(
            "engagement_customers_set_aside", "Customers whose keys hold what cannot be read", registry=registry
        )
        self.cached = Gauge("engagement_cached_customers", "Customers in the worker's cache", registry=registry)
        self.lag = Gauge(
            "engagement_lag_seconds",
            "Wall clock less the time up to which a partition is applied",
            ["topic", "partition"],
            registry=registry,
        )
        self.stopped = Gauge(
            "engagement_stopped",
            "1 where too many bad records of a channel stopped the worker",
            ["channel"],
            registry=registry,
        )
        self.policy_in_force = Gauge(
            "engagement_policy_in_force", "1 for the version that the worker applies", ["version"], registry=registry
        )
        self.policy_refused = Gauge(
            "engagement_policy_refused", "1 while the policy file is not applied", ["reason"], registry=registry
        )
        self.policy_behind = Gauge(
            "engagement_policy_behind_customers",
            "Customers who may not have followed the policy in force yet",
            registry=registry,
        )
        self.kpi = Gauge("engagement_kpi", "Figures over all customers, as in Redis", ["figure"], registry=registry)
        self.targets = Gauge(
            "engagement_kpi_target", "What the policy wants of a figure", ["figure", "bound"], registry=registry
        )
        self.targets_met = Gauge(
            "engagement_kpi_target_met",
            "1 where a figure meets its target, 0 where not, -1 where that is worth a warning",
            ["figure"],
            registry=registry,
        )
        self.segment_kpi = Gauge(
            "engagement_segment_kpi", "Figures of a segment, as in Redis", ["segment", "figure"], registry=registry
        )
        self.open_transaction = Gauge(
            "engagement_open_transaction_seconds",
            "For how long an open transaction has hidden the records behind it",
            ["topic", "partition"],
            registry=registry,
        )
        self.short_retention = Gauge(
            "engagement_short_retention",
            "Ways in which a topic loses records that a rebuild needs",
            ["topic"],
            registry=registry,
        )
        # A time that is not known yet is no time: as 0 it would pass for 1970.
        self.evaluation_time.set(math.nan)
        self.first_fetch.set(math.nan)
        self.ready = Gauge("engagement_ready", "1 while the worker is ready", registry=registry)

    def set_lags(self, lags: Mapping[Partition, float]) -> None:
        """Say how far this worker's partitions are behind; those that it has lost are not mentioned any more.

        Args:
            lags: seconds by partition.
        """
        self.lag.clear()
        for partition, seconds in lags.items():
            self.lag.labels(partition.topic, str(partition.number)).set(seconds)

    def set_unknown_types(self, counts: Names) -> None:
        """Set the unknown types with the most events, so many of a channel that Prometheus can bear them.

        Args:
            counts: by channel and type.
        """
        self.unknown_types.clear()
        told: dict[str, int] = {}
        for (channel, kind), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            told[channel] = told.get(channel, 0) + 1
            if told[channel] <= _MOST_UNKNOWN_TYPES:
                self.unknown_types.labels(channel, kind).set(count)

    def set_figures(self, figures: Mapping[str, str]) -> None:
        """Set the figures over all customers; one that says nothing is left out.

        Args:
            figures: as applications read them.
        """
        self.kpi.clear()
        for name, value in figures.items():
            if value and name not in ("day", "updated_at"):
                self.kpi.labels(name).set(float(value))

    def set_targets(self, targets: Sequence[Target], figures: Mapping[str, str]) -> None:
        """Set what the policy wants of figures over all customers, and whether they are so.

        Args:
            targets: of the policy in force.
            figures: as applications read them.
        """
        self.targets.clear()
        self.targets_met.clear()
        for target in targets:
            for bound in ("at_least", "at_most", "warn_below", "warn_above", "benchmark"):
                number = getattr(target, bound)
                if number is not None:
                    self.targets.labels(target.figure, bound).set(number)
            verdict = target.verdict(float(figures[target.figure])) if figures.get(target.figure) else ""
            if verdict:
                self.targets_met.labels(target.figure).set({MET: 1, MISSED: 0, WARNING: -1}[verdict])

    def set_segment_figures(self, segments: Mapping[str, Mapping[str, str]]) -> None:
        """Set the figures of segments, but for the flows between bands; one that says nothing is left out.

        Args:
            segments: by name, with figures as applications read them.
        """
        self.segment_kpi.clear()
        for segment, figures in segments.items():
            for name, value in figures.items():
                if value and name not in ("day", "updated_at") and not name.startswith("flow:"):
                    self.segment_kpi.labels(segment, name).set(float(value))

    def note_evaluation(self, now: int) -> None:
        """Set the evaluation time.

        Args:
            now: microseconds since 1970; 0 while it is not known.
        """
        if now:
            self.evaluation_time.set(now / SECOND)

    def set_open_transactions(self, seconds: Mapping[Partition, float]) -> None:
        """Say for how long open transactions have been in the way; partitions without one are not mentioned.

        Args:
            seconds: by partition.
        """
        self.open_transaction.clear()
        for partition, since in seconds.items():
            self.open_transaction.labels(partition.topic, str(partition.number)).set(since)

    def note_first_fetch(self, now: int) -> None:
        """Note when the first record came; later calls change nothing.

        Args:
            now: the wall clock, in microseconds.
        """
        if not self._first_fetch_noted:
            self._first_fetch_noted = True
            self.first_fetch.set(now / SECOND)
