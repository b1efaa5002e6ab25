"""What is known of the feeds, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoring.sources.feeds import Stretch, join
from streams.store.protocol import FeedRecord


class MemoryFeeds:
    """The part of `streams.store.protocol.Store` that is about feeds."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._feeds: dict[str, FeedRecord] = {}

    async def exchange_feeds(
        self, activity: Mapping[str, Sequence[Stretch]], apart: Mapping[str, int]
    ) -> dict[str, FeedRecord]:
        """Add stretches of events."""
        for channel, stretches in activity.items():
            record = self._feeds.get(channel, FeedRecord())
            joined = join([*record.stretches, *stretches], apart[channel])
            self._feeds[channel] = record._replace(stretches=joined)
        return dict(self._feeds)

    async def note_told(self, channel: str, expected: str, told: str) -> bool:
        """Store what has been reported of a feed."""
        record = self._feeds.get(channel, FeedRecord())
        if record.told != expected:
            return False
        self._feeds[channel] = record._replace(told=told)
        return True
