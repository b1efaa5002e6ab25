"""Watches the feeds: notes when their events were, and tells operators when one falls silent and when it is back.

Rests on decisions 36, 105 and 113.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mode.utils.logging import get_logger

from scoring.feeds.feeds import NO_FEEDS, Feed, Feeds, Stretch, join, shared_topics, stretches_of, watched_feeds
from scoring.feeds.watermark import Mark
from scoring.ids import DEFAULT_NAMESPACE
from scoring.instants import MINUTE
from scoring.notices.feed_notices import Told, follow, notice_message
from scoring.policy.policy import Policy
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.records import DecodedBatch, Partition
from streams.rounds.notices import Note, Notices, read_note
from streams.store.protocol import Store

logger = get_logger(__name__)

_Activity = Mapping[str, Sequence[Stretch]]


class FeedWatch:
    """What this worker and the others know of the feeds; costs nothing where the policy watches none."""

    def __init__(
        self,
        policy: Policy,
        clock: str,
        store: Store,
        publisher: Publisher,
        metrics: Metrics,
        wall: Callable[[], int],
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        """Start knowing nothing.

        Args:
            policy: names the watched channels and sources.
            clock: ``wall`` reports silences from the first look on, ``stream`` of all in the log.
            store: where the workers share what they know.
            publisher: of what is reported.
            metrics: shows what is silent.
            wall: reads the wall clock, in microseconds.
            namespace: of the service.
        """
        self._stream = clock == "stream"
        self._store = store
        self._notices = Notices(store, publisher, metrics, wall)
        self._metrics = metrics
        self._wall = wall
        self._namespace = namespace
        self._watch(policy)
        self._local: _Activity = {}
        self._stored: _Activity = {}
        self._told: dict[str, str] = {}
        self.known = NO_FEEDS

    def _watch(self, policy: Policy) -> None:
        self._policy = policy
        self._feeds = watched_feeds(policy)
        self._apart = {feed.name: feed.silence_after for feed in self._feeds}
        self._of_topics: dict[str, list[Feed]] = {}
        self._shared = shared_topics(policy)
        channels = {channel.name: channel for channel in policy.channels}
        for feed in self._feeds:
            for topic in (feed.topic,) if feed.source else policy.topics_of(channels[feed.channel]):
                self._of_topics.setdefault(topic, []).append(feed)

    def follow(self, policy: Policy) -> None:
        """Watch the channels and sources that another policy names.

        Args:
            policy: in force from now on.
        """
        self._watch(policy)
        self._local = {name: stretches for name, stretches in self._local.items() if name in self._apart}
        self.known = Feeds(policy, self._local)

    async def note(self, batches: Iterable[DecodedBatch]) -> None:
        """Note when the events of batches were, in the store too; once they are applied nobody reads them again.

        Args:
            batches: about to be applied.

        Raises:
            TransientError: if the store does not answer.
        """
        if not self._feeds:
            return
        found: dict[str, list[Stretch]] = {}
        for batch in batches:
            for feed in self._of_topics.get(batch.raw.partition.topic, ()):
                times = self._times(feed, batch)
                if times:
                    found.setdefault(feed.name, []).extend(stretches_of(times, feed.silence_after))
        self._add(found)
        if self._local != self._stored:
            await self._exchange()

    def _times(self, feed: Feed, batch: DecodedBatch) -> Sequence[int]:
        """Give when the events of a feed were; of a topic that is not shared, all are its own."""
        if batch.raw.partition.topic in self._shared:
            return batch.feeds.get(feed.name, ())
        return [event.time for _, _, event in batch.events]

    async def learn(self, marks: Mapping[Partition, Mark]) -> None:
        """Learn what all workers know; after it, at least as much is known of the feeds as the marks rest on.

        Args:
            marks: read before; they stand in for a feed of which nothing was noted yet.

        Raises:
            TransientError: if the store does not answer.
        """
        if not self._feeds:
            return
        await self._exchange()
        newest: dict[str, int] = {}
        for partition, mark in marks.items():
            for feed in self._of_topics.get(partition.topic, ()) if partition.topic not in self._shared else ():
                if mark.newest and not self._local.get(feed.name):
                    newest[feed.name] = max(mark.newest, newest.get(feed.name, 0))
        self._add({name: [(time, time)] for name, time in newest.items()})

    def _add(self, found: _Activity) -> None:
        changed = {
            name: joined
            for name, stretches in found.items()
            if (joined := join([*self._local.get(name, ()), *stretches], self._apart[name])) != self._local.get(name)
        }
        if changed:
            self._local = {**self._local, **changed}
            self.known = Feeds(self._policy, self._local)

    async def _exchange(self) -> None:
        """Write what the store does not know yet, and read what it knows."""
        unknown = {
            name: missing
            for name, stretches in self._local.items()
            if (missing := [stretch for stretch in stretches if stretch not in self._stored.get(name, ())])
        }
        records = await self._store.exchange_feeds(unknown, self._apart)
        self._stored = {name: list(record.stretches) for name, record in records.items() if name in self._apart}
        self._told = {name: record.told for name, record in records.items()}
        self._add(self._stored)

    async def tell(self, now: int) -> None:
        """Report what has happened to the feeds up to the evaluation time.

        What is to be reported is stored first, then published, then stored as published; so it goes out at least once,
        under one id.

        Args:
            now: the evaluation time, in microseconds; 0 while it is not known.

        Raises:
            TransientError: if the store or Kafka does not answer; the next turn goes on.
        """
        if not now:
            return
        for feed in self._feeds:
            silent = self.known.silence_at(feed.name, now) is not None
            self._metrics.feed_silent.labels(feed.channel, feed.source).set(int(silent))
            if feed.reported:
                await self._tell_of(feed, now)

    async def _tell_of(self, feed: Feed, now: int) -> None:
        stored = self._told.get(feed.name, "")
        note = read_note(stored) if stored else Note((0 if self._stream else now, 0, 0))
        before = Told(*note.told)
        told, notices = follow(self.known, feed.name, before, now)
        if notices or not stored or told.judged - before.judged >= MINUTE:
            new = [notice_message(self._policy, feed, notice, self._wall(), self._namespace) for notice in notices]
            noted = await self._notices.note(feed.name, stored, note, told, new)
            if noted is None:
                return
            note, self._told[feed.name] = noted, noted.text()
            for message in new:
                silent = "is" if message["kind"] == "feed_silent" else "is back; it was"
                logger.warning("the feed of %s %s silent since %s", feed.name, silent, message["silent_since"])
        if note.waiting:
            self._told[feed.name] = (await self._notices.publish(feed.name, feed.channel, note)).text()
