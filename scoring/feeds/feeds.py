"""Feeds: when each channel and each source has been silent, told from when its events were.

Rests on decisions 36, 76, 105 and 154.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from scoring.instants import NEVER, boundary_after
from scoring.policy.policy import Policy

#: Silences of a feed that are remembered; of those before them it counts as never silent.
MOST_STRETCHES: Final = 500

Stretch = tuple[int, int]
"""Two events of a feed, and others between them that are nowhere further apart than its `silence_after`."""


Feeding = Callable[[], list[str]]
"""Names the watched channels that had brought a customer points; it is called only where that matters."""


def source_feed(source: str) -> str:
    """Give the name of the feed that a source is; no channel has such a one.

    Args:
        source: its name.
    """
    return f"source {source}"


class Feed(NamedTuple):
    """What is watched: a channel, or a source that feeds one; `silence_after` in microseconds.

    A channel that is watched because its sources are is not `reported`: they are.
    """

    name: str
    channel: str
    topic: str
    silence_after: int
    source: str = ""
    reported: bool = True


def watched_feeds(policy: Policy) -> list[Feed]:
    """List what a policy watches.

    Args:
        policy: in force.
    """
    feeds = []
    for channel in [policy.channels[index] for index in policy.watched]:
        reported = not channel.watched_by_sources
        feeds.append(Feed(channel.name, channel.name, channel.topic, channel.silence_after, "", reported))
    for source in policy.sources:
        if source.silence_after:
            name = source_feed(source.name)
            feeds.append(Feed(name, source.channel, source.topic, source.silence_after, source.name))
    return feeds


def shared_topics(policy: Policy) -> frozenset[str]:
    """Name the topics of which not every event belongs to the same feeds: of several sources, or to several channels.

    Args:
        policy: in force.
    """
    found: dict[str, set[tuple[str, str]]] = {}
    for source in policy.sources:
        found.setdefault(source.topic, set()).update([(source.name, reading.feeds) for reading in source.readings])
    return frozenset([topic for topic, feeds in found.items() if len(feeds) > 1])


def join(stretches: Iterable[Stretch], apart: int) -> list[Stretch]:
    """Join the stretches between which there was no silence.

    Joining is the same in any order and any number of times, so several workers can each tell what they have read.

    Args:
        stretches: first and last event time of each, in microseconds.
        apart: the feed's `silence_after`, in microseconds.

    Returns:
        Stretches in the order of time, the newest `MOST_STRETCHES` of them.

    Example:
        >>> join([(50, 60), (0, 10), (15, 20)], apart=5)
        [(0, 20), (50, 60)]
    """
    joined: list[Stretch] = []
    for first, last in sorted(stretches):
        if joined and first - joined[-1][1] <= apart:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined[-MOST_STRETCHES:]


def stretches_of(times: Sequence[int], apart: int) -> list[Stretch]:
    """Find the stretches of some events.

    Args:
        times: of the events, in microseconds, in any order.
        apart: the feed's `silence_after`, in microseconds.

    Returns:
        Stretches in the order of time.
    """
    if not times:
        return []
    first, last = min(times), max(times)
    if last - first <= apart:
        return [(first, last)]
    return join([(time, time) for time in times], apart)


class Silence(NamedTuple):
    """A time without events: from `since` to before `until` (`NEVER`: it lasts); microseconds."""

    last_event_at: int
    since: int
    until: int


class Feeds:
    """When the watched feeds of a policy have been silent.

    A feed is silent from its `silence_after` after an event on, until its next event. Before its first event it is
    not: there is nothing that has stopped.
    """

    def __init__(self, policy: Policy | None, activity: Mapping[str, Iterable[Stretch]]) -> None:
        """Look at what is known.

        Args:
            policy: in force; names the watched feeds. Without one, none is watched, and so none ever silent.
            activity: the stretches of events of each feed.
        """
        watched = watched_feeds(policy) if policy is not None else []
        self._apart = {feed.name: feed.silence_after for feed in watched if activity.get(feed.name)}
        self._stretches = {name: join(activity[name], apart) for name, apart in self._apart.items()}

    def silence_at(self, feed: str, at: int) -> Silence | None:
        """Find the silence of a feed at a time.

        Args:
            feed: its name.
            at: microseconds.

        Returns:
            The silence, or None where the feed is not silent, not watched, or has had no event yet.
        """
        stretches = self._stretches.get(feed)
        if stretches is None:
            return None
        index = bisect_right(stretches, (at, NEVER)) - 1
        silence = self._silence_after(feed, index) if index >= 0 else None
        return silence if silence and silence.since <= at else None

    def next_silence(self, feed: str, after: int) -> Silence | None:
        """Find the first silence of a feed that begins after a time.

        Args:
            feed: its name.
            after: microseconds.

        Returns:
            The silence; the last one lasts, as far as is known, so there is none only without an event.
        """
        stretches = self._stretches.get(feed, [])
        begun = after - self._apart.get(feed, 0)
        index = bisect_right(stretches, begun, key=lambda stretch: stretch[1])
        return self._silence_after(feed, index) if index < len(stretches) else None

    def _silence_after(self, feed: str, index: int) -> Silence:
        stretches = self._stretches[feed]
        last = stretches[index][1]
        until = stretches[index + 1][0] if index + 1 < len(stretches) else NEVER
        return Silence(last, last + self._apart[feed], until)

    def silent(self, channels: Iterable[str], at: int) -> list[str]:
        """List those of some channels whose feed is silent at a time.

        Args:
            channels: their names.
            at: microseconds.
        """
        return [channel for channel in channels if self.silence_at(channel, at)]

    def next_clear(self, channels: Sequence[str], after: int, pane: int) -> int:
        """Find the first pane boundary after a time at which none of some feeds is silent.

        Args:
            channels: their names.
            after: microseconds.
            pane: its length, in microseconds.

        Returns:
            Microseconds; `NEVER` where a silence lasts as far as is known.
        """
        boundary = boundary_after(after, pane)
        while True:
            silences = [silence for channel in channels if (silence := self.silence_at(channel, boundary))]
            if not silences:
                return boundary
            until = max(silence.until for silence in silences)
            if until == NEVER:
                return NEVER
            boundary = -(-until // pane) * pane


NO_FEEDS: Final = Feeds(None, {})


def feeding(policy: Policy, panes: Iterable[Mapping[str, int]], later: Mapping[str, int]) -> list[str]:
    """Name the watched channels that have brought a customer points.

    Args:
        policy: in force.
        panes: counts by type of the panes that are looked at.
        later: counts by type that are in these panes and do not belong there yet.

    Returns:
        In the order of the policy, the channels with an event of a type that brings points.
    """
    counts: dict[str, int] = {}
    for pane in panes:
        for code, count in pane.items():
            counts[code] = counts.get(code, 0) + count
    found = set()
    for code, count in counts.items():
        if code in policy.earning and count > later.get(code, 0):
            found.add(policy.types[code].channel)
    return [name for index, (name, _) in policy.watched.items() if index in found]
