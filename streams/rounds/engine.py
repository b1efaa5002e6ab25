"""The engine: the parts that judge and store customers, as a worker, a rebuild and the tests share them.

Rests on decision 82.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from streams.erasures.knowledge import NO_ERASURES, ErasureKnowledge
from streams.ingest.dead_letter_limit import Consumption
from streams.ingest.intakes import Intake, Intakes
from streams.ingest.schemas import Schemas
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.policies.in_force import Follower
from streams.rounds.evaluation_clock import EvaluationClock
from streams.rounds.feed_watch import FeedWatch
from streams.rounds.linker import Linker
from streams.rounds.moments import Moments
from streams.rounds.scorer import Scorer
from streams.settings.settings import Settings
from streams.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that a round needs but where its batches come from.

    `intakes` are the source topics by their name.
    """

    settings: Settings
    metrics: Metrics
    clock: EvaluationClock
    store: Store
    publisher: Publisher
    erasures: ErasureKnowledge
    feeds: FeedWatch
    moments: Moments
    scorer: Scorer
    linker: Linker
    intakes: Mapping[str, Intake]

    @property
    def followers(self) -> list[Follower]:
        """The parts that go by the policy: whatever part has `follow`, so that none can be left out.

        The store is left out, as it takes the digest of the policy, too.
        """
        names = [each.name for each in fields(self) if each.name != "store"]
        parts = [getattr(self, name) for name in names] + [intake.decoder for intake in self.intakes.values()]
        return [part for part in parts if isinstance(part, Follower)]


def build_engine(
    settings: Settings,
    store: Store,
    publisher: Publisher,
    metrics: Metrics,
    wall: Callable[[], int],
    erasures: ErasureKnowledge = NO_ERASURES,
    consumption: Consumption | None = None,
    schemas: Schemas | None = None,
) -> Engine:
    """Put the parts together, each with those that it needs.

    Args:
        settings: hold the policy, the clock and the namespace.
        store: where customers are.
        publisher: of alerts, band changes and dead letters.
        metrics: counters.
        wall: reads the wall clock, in microseconds.
        erasures: whose events are to be left out.
        consumption: is stopped where too many records are bad; None where there is no limit.
        schemas: by which records of foreign feeds are written.

    Returns:
        The engine; nothing of it is connected.
    """
    policy, namespace = settings.policy, settings.namespace
    clock = EvaluationClock(policy, settings.clock, wall)
    feeds = FeedWatch(policy, settings.clock, store, publisher, metrics, wall, namespace)
    scorer = Scorer(policy, store, publisher, metrics, wall, namespace=namespace)
    linker = Linker(policy, store, scorer, metrics, wall, namespace, erasures)
    intakes = Intakes(settings, metrics, wall, consumption, schemas)
    return Engine(
        settings=settings,
        metrics=metrics,
        clock=clock,
        store=store,
        publisher=publisher,
        erasures=erasures,
        feeds=feeds,
        moments=Moments(clock, feeds, erasures),
        scorer=scorer,
        linker=linker,
        intakes={intake.channel.topic: intake for intake in intakes.of_topics()},
    )
