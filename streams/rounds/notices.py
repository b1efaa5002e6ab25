"""Notices to operators: stored first, then published, then stored as published; so each goes out at least once.

One that goes out again has the same id. What was noted and by whom stands in the store, so that one worker publishes
it, and another one if that worker ends in between.

Rests on decision 113.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from scoring.instants import SECOND, parse_timestamp
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.records import Message
from streams.store.protocol import Store
from streams.topic_names import FEED_ALERTS

#: What another worker has noted and not published for so long, it will not publish any more.
_UNPUBLISHED_AFTER = 5 * SECOND


class Note(NamedTuple):
    """What is stored of a feed, segment or target: how far it has been followed, and the messages that wait."""

    told: tuple[int, ...]
    waiting: Sequence[dict[str, Any]] = ()

    def text(self) -> str:
        """Write it as it is stored."""
        return orjson.dumps((*self.told, self.waiting)).decode()


def read_note(text: str) -> Note:
    """Read a note back."""
    *told, waiting = orjson.loads(text)
    return Note(tuple(told), waiting)


class Notices:
    """Notes and publishes what operators are to know."""

    def __init__(self, store: Store, publisher: Publisher, metrics: Metrics, wall: Callable[[], int]) -> None:
        """Start with nothing noted.

        Args:
            store: where the workers share what has been noted.
            publisher: of the messages.
            metrics: counts them.
            wall: reads the wall clock, in microseconds.
        """
        self._store = store
        self._publisher = publisher
        self._metrics = metrics
        self._wall = wall
        self._mine: set[str] = set()

    async def stored(self) -> dict[str, str]:
        """Read the texts of all notes, by the name under which they are stored.

        Raises:
            TransientError: if the store does not answer.
        """
        return {name: feed.told for name, feed in (await self._store.exchange_feeds({}, {})).items() if feed.told}

    async def note(
        self, name: str, stored: str, note: Note, told: tuple[int, ...], new: Sequence[dict[str, Any]]
    ) -> Note | None:
        """Store how far something has been followed, and the messages of it before they go out.

        Args:
            name: under which it is stored.
            stored: the text that stands there, '' for none.
            note: what that text says.
            told: how far it has been followed now.
            new: messages.

        Returns:
            What is stored now; None if another worker was quicker, whose note the next look shows.

        Raises:
            TransientError: if the store does not answer.
        """
        followed = Note(told, [*note.waiting, *new])
        if not await self._store.note_told(name, stored, followed.text()):
            return None
        self._mine |= {message["alert_id"] for message in new}
        return followed

    async def publish(self, name: str, key: str, note: Note) -> Note:
        """Publish what waits, if that is this worker's part.

        Args:
            name: under which the note is stored.
            key: of the messages.
            note: as stored.

        Returns:
            What is stored now.

        Raises:
            TransientError: if the store or Kafka does not answer; the next turn goes on.
        """
        if not note.waiting or not all(self._is_to_publish(message) for message in note.waiting):
            return note
        await self._publisher.publish([(key, Message(FEED_ALERTS, body)) for body in note.waiting])
        published = Note(note.told)
        stored = await self._store.note_told(name, note.text(), published.text())
        if stored:
            self._mine -= {message["alert_id"] for message in note.waiting}
        for message in note.waiting:
            self._metrics.transitions.labels(message["kind"]).inc()
        return published if stored else note

    def _is_to_publish(self, message: Mapping[str, Any]) -> bool:
        waits = self._wall() - parse_timestamp(message["detected_at"])
        return message["alert_id"] in self._mine or abs(waits) >= _UNPUBLISHED_AFTER
