"""Watches the feeds: notes when their events were, and tells operators when one falls silent and when it is back.

Rests on decision 36.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from mode.utils.logging import get_logger

from scoring.ids import DEFAULT_NAMESPACE
from scoring.instants import MINUTE, SECOND, parse_timestamp
from scoring.policy.policy import Channel, Policy
from scoring.sources.feed_notices import Told, follow, notice_message
from scoring.sources.feeds import Feeds, Stretch, join, stretches_of
from scoring.sources.watermark import Mark
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.records import DecodedBatch, Message, Partition
from streams.store.protocol import Store
from streams.topic_names import FEED_ALERTS

logger = get_logger(__name__)

#: What another worker has noted and not published for so long, it will not publish any more.
_UNPUBLISHED_AFTER = 5 * SECOND

_Activity = Mapping[str, Sequence[Stretch]]


class _Note(NamedTuple):
    """What is stored of what has been told: as followed, and the messages not yet known to be published."""

    told: Told
    waiting: Sequence[dict[str, Any]] = ()

    def text(self) -> str:
        told = self.told
        return orjson.dumps((told.judged, told.silent_since, told.last_event_at, self.waiting)).decode()


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
            policy: names the watched channels.
            clock: ``wall`` tells of silences from the first look on, ``stream`` of all in the log.
            store: where the workers share what they know.
            publisher: of what is told.
            metrics: shows what is silent.
            wall: reads the wall clock, in microseconds.
            namespace: of the service.
        """
        self._stream = clock == "stream"
        self._store = store
        self._publisher = publisher
        self._metrics = metrics
        self._wall = wall
        self._namespace = namespace
        self._watch(policy)
        self._local: _Activity = {}
        self._stored: _Activity = {}
        self._told: dict[str, str] = {}
        self._mine: set[str] = set()
        self.known: Feeds | None = None

    def _watch(self, policy: Policy) -> None:
        self._policy = policy
        watched = [policy.channels[index] for index in policy.watched]
        self._channels = {topic: channel for channel in watched for topic in policy.topics_of(channel)}
        self._apart = {channel.name: channel.silence_after for channel in watched}

    def follow(self, policy: Policy) -> None:
        """Watch the channels that another policy names.

        Args:
            policy: in force from now on.
        """
        self._watch(policy)
        self._local = {name: stretches for name, stretches in self._local.items() if name in self._apart}
        self.known = Feeds(policy, self._local) if self._channels else None

    async def note(self, batches: Iterable[DecodedBatch]) -> None:
        """Note when the events of batches were, in the store too; once they are applied nobody reads them again.

        Args:
            batches: about to be applied.

        Raises:
            TransientError: if the store does not answer.
        """
        if not self._channels:
            return
        found: dict[str, list[Stretch]] = {}
        for batch in batches:
            channel = self._channels.get(batch.source.partition.topic)
            if channel is not None and batch.events:
                times = [event.time for _, _, event in batch.events]
                found.setdefault(channel.name, []).extend(stretches_of(times, channel.silence_after))
        self._add(found)
        if self._local != self._stored:
            await self._exchange()

    async def learn(self, marks: Mapping[Partition, Mark]) -> None:
        """Learn what all workers know; after it, at least as much is known of the feeds as the marks rest on.

        Args:
            marks: read before; they stand in for a feed of which nothing was noted yet.

        Raises:
            TransientError: if the store does not answer.
        """
        if not self._channels:
            return
        await self._exchange()
        newest: dict[str, int] = {}
        for partition, mark in marks.items():
            channel = self._channels.get(partition.topic)
            if channel is not None and mark.newest and not self._local.get(channel.name):
                newest[channel.name] = max(mark.newest, newest.get(channel.name, 0))
        self._add({name: [(time, time)] for name, time in newest.items()})

    def _add(self, found: _Activity) -> None:
        changed = {
            name: joined
            for name, stretches in found.items()
            if (joined := join([*self._local.get(name, ()), *stretches], self._apart[name])) != self._local.get(name)
        }
        if changed or self.known is None:
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
        """Tell what has happened to the feeds up to the evaluation time.

        What is to be told is stored first, then published, then stored as published; so it is told at least once,
        under one id.

        Args:
            now: the evaluation time, in microseconds; 0 while it is not known.

        Raises:
            TransientError: if the store or Kafka does not answer; the next turn goes on.
        """
        if self.known is None or not now:
            return
        for channel in {channel.name: channel for channel in self._channels.values()}.values():
            silent = self.known.silence_at(channel.name, now) is not None
            self._metrics.feed_silent.labels(channel.name).set(int(silent))
            await self._tell_of(channel, self.known, now)

    async def _tell_of(self, channel: Channel, known: Feeds, now: int) -> None:
        stored = self._told.get(channel.name, "")
        before = _read(stored) if stored else _Note(Told(0 if self._stream else now))
        told, notices = follow(known, channel.name, before.told, now)
        after = before
        if notices or not stored or told.judged - before.told.judged >= MINUTE:
            new = [notice_message(self._policy, channel, notice, self._wall(), self._namespace) for notice in notices]
            after = _Note(told, [*before.waiting, *new])
            if not await self._note_told(channel, stored, after):
                return
            self._mine |= {message["alert_id"] for message in new}
            for message in new:
                silent = "is" if message["kind"] == "feed_silent" else "is back; it was"
                logger.warning("the feed of %s %s silent since %s", channel.name, silent, message["silent_since"])
        if after.waiting and all(self._is_to_publish(message) for message in after.waiting):
            await self._publisher.publish([(channel.name, Message(FEED_ALERTS, body)) for body in after.waiting])
            if await self._note_told(channel, self._told[channel.name], _Note(after.told)):
                self._mine -= {message["alert_id"] for message in after.waiting}
            for message in after.waiting:
                self._metrics.transitions.labels(message["kind"]).inc()

    def _is_to_publish(self, message: Mapping[str, Any]) -> bool:
        waits = self._wall() - parse_timestamp(message["detected_at"])
        return message["alert_id"] in self._mine or abs(waits) >= _UNPUBLISHED_AFTER

    async def _note_told(self, channel: Channel, expected: str, note: _Note) -> bool:
        """Store what has been told; False if another worker was quicker, whose note the next look shows."""
        text = note.text()
        stored = await self._store.note_told(channel.name, expected, text)
        if stored:
            self._told[channel.name] = text
        return stored


def _read(text: str) -> _Note:
    judged, silent_since, last_event_at, waiting = orjson.loads(text)
    return _Note(Told(judged, silent_since, last_event_at), waiting)
