"""How far the live scores have come: a rebuild goes exactly so far, and no further.

Rests on decision 42.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scoring.feeds.feeds import NO_FEEDS, Feeds
from scoring.instants import boundary_after
from scoring.judging.absence_judging import Clocks
from streams.errors import RebuildRefused
from streams.kafka.topics import event_topics
from streams.machine_clock import wall_clock
from streams.records import Partition
from streams.rounds.evaluation_clock import EvaluationClock
from streams.settings.settings import Settings
from streams.store.protocol import Fence
from streams.store.redis.replacing import ReplaceableStore


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the live scores stand.

    `fences` are those of each group, None where it has none. `time` is up to when everything that time alone brings
    has been judged, in microseconds. `feeds` is what is known of the watched feeds. `clocks` are those of absence, as
    far as the workers have judged by them.
    """

    fences: dict[Partition, list[Fence | None]]
    time: int
    feeds: Feeds = NO_FEEDS
    clocks: Clocks = field(default_factory=dict)

    def offset(self, partition: Partition, group: int) -> int:
        """Return up to where a group has applied a partition.

        Args:
            partition: of a source topic.
            group: its number.
        """
        fence = self.fences[partition][group]
        return fence.offset if fence else 0

    def end(self, partition: Partition) -> int:
        """Return up to where the furthest group has applied a partition.

        Args:
            partition: of a source topic.
        """
        return max(fence.offset if fence else 0 for fence in self.fences[partition])


async def read_bounds(live: ReplaceableStore, settings: Settings, partitions: Sequence[Partition]) -> Bounds:
    """Ask how far the live scores have come.

    A crossing that is due and has not been judged holds the time back: whatever the rebuild judged beyond it would
    never be published, as the rebuild publishes nothing.

    Args:
        live: the scores.
        settings: the clock and the policy.
        partitions: all of the source topics.

    Returns:
        The bounds.

    Raises:
        RebuildRefused: if the live scores have not been judged at any time yet.
        StoreUnavailable: if Redis does not answer.
    """
    fences = await live.fences(partitions)
    marks = await live.exchange_marks({})
    # As the workers saw it when they last reported: once they have gone, their marks say nothing about the present.
    reported = max((mark.reported_at for mark in marks.values()), default=0) or wall_clock()
    clock = EvaluationClock(settings.policy, settings.clock, lambda: min(reported, wall_clock()))
    clock.learn(marks)
    events = event_topics(settings.policy)
    clock.partitions = {tp for tp in partitions if tp.topic in events and any(fences[tp])}
    time, _ = clock.evaluation()
    if settings.clock == "wall" and not time:
        # The workers went before they had reported on every partition.
        newest = [fence.newest for stands in fences.values() for fence in stands if fence is not None]
        time = min(max(newest, default=0), wall_clock())
    crossing = await live.earliest_crossing()
    if crossing is not None:
        time = min(time, crossing - 1)
    if time <= 0:
        raise RebuildRefused(f"the scores under {live.namespace!r} have not been judged yet: start a worker first")
    clocks = await live.judged_clocks(settings.policy)
    return Bounds(fences, time, await _feeds(live, settings), clocks)


async def _feeds(live: ReplaceableStore, settings: Settings) -> Feeds:
    apart = dict(settings.policy.watched.values())
    known = await live.exchange_feeds({}, apart)
    return Feeds(settings.policy, {name: record.stretches for name, record in known.items() if name in apart})


def horizon_of(settings: Settings, time: int) -> int:
    """Return up to when events are taken at a time: on the wall clock, to the end of the pane.

    Args:
        settings: the clock and the policy.
        time: microseconds.
    """
    return time if settings.clock == "stream" else boundary_after(time, settings.policy.pane) - 1
