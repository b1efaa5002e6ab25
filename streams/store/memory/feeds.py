"""What is known of the feeds, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoring.feeds.feeds import Stretch, join
from streams.store.protocol import StoredFeed


class MemoryFeeds:
    """The part of `streams.store.protocol.Store` that is about feeds."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._feeds: dict[str, StoredFeed] = {}

    async def exchange_feeds(
        self, activity: Mapping[str, Sequence[Stretch]], apart: Mapping[str, int]
    ) -> dict[str, StoredFeed]:
        """Add stretches of events."""
        for channel, stretches in activity.items():
            feed = self._feeds.get(channel, StoredFeed())
            joined = join([*feed.stretches, *stretches], apart[channel])
            self._feeds[channel] = feed._replace(stretches=joined)
        return dict(self._feeds)

    async def note_told(self, channel: str, expected: str, told: str) -> bool:
        """Store what has been reported of a feed."""
        feed = self._feeds.get(channel, StoredFeed())
        if feed.told != expected:
            return False
        self._feeds[channel] = feed._replace(told=told)
        return True
