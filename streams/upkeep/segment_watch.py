"""Reports to operators when a segment leaves as a whole, and when it is back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from mode.utils.logging import get_logger

from scoring.instants import SECOND, parse_timestamp
from scoring.policy.policy import Policy
from scoring.rules.absence import SegmentClock
from scoring.sources.segment_notices import BEFORE, Told, follow, notice_message
from streams.records import Message
from streams.rounds.engine import Engine
from streams.topic_names import FEED_ALERTS

logger = get_logger(__name__)

#: What another worker has noted and not published for so long, it will not publish any more.
_UNPUBLISHED_AFTER = 5 * SECOND
#: Before the name of a segment, among the channels of which something is told.
_SEGMENT = "@"


class _Note(NamedTuple):
    """What is stored of what has been told: as followed, and the messages not yet known to be published."""

    told: Told
    waiting: Sequence[dict[str, Any]] = ()

    def text(self) -> str:
        return orjson.dumps((self.told.judged, self.told.since, self.told.usual, self.waiting)).decode()


class SegmentWatch:
    """Looks at the active members of each day that has been closed."""

    def __init__(self, engine: Engine) -> None:
        """Put the parts together.

        Args:
            engine: on the wall clock what happens is told from the first look on, on the stream clock all in the log.
        """
        self._policy = engine.settings.policy
        self._stream = engine.settings.clock == "stream"
        self._store = engine.store
        self._publisher = engine.publisher
        self._metrics = engine.metrics
        self._wall = engine.clock.wall
        self._namespace = engine.settings.namespace
        self._mine: set[str] = set()

    def follow(self, policy: Policy) -> None:
        """Go by another policy.

        Args:
            policy: in force from now on.
        """
        self._policy = policy

    async def tell(self, clocks: Mapping[str, SegmentClock]) -> None:
        """Return what has happened to the segments up to the last closed day.

        What is to be told is stored first, then published, then stored as published; so it is told at least once,
        under one id.

        Args:
            clocks: of the segments, as far as they are known.

        Raises:
            TransientError: if the store or Kafka does not answer; the next turn goes on.
        """
        if self._policy.absence is None or not clocks:
            return
        records = await self._store.exchange_feeds({}, {})
        for segment, clock in clocks.items():
            record = records.get(_SEGMENT + segment)
            await self._tell_of(segment, clock, record.told if record is not None else "")

    async def _tell_of(self, segment: str, clock: SegmentClock, stored: str) -> None:
        until = clock.last - 1
        before = _read(stored) if stored else _Note(Told(clock.first if self._stream else until))
        after = before
        if before.told.judged < until or not stored:
            told, new = await self._new(segment, before.told, until)
            after = _Note(told, [*before.waiting, *new])
            if not await self._store.note_told(_SEGMENT + segment, stored, after.text()):
                return
            self._mine |= {message["alert_id"] for message in new}
        if after.waiting and all(self._is_to_publish(message) for message in after.waiting):
            await self._publish(segment, after)

    async def _new(self, segment: str, told: Told, until: int) -> tuple[Told, list[dict[str, Any]]]:
        rule = self._policy.absence
        if rule is None:
            return told, []
        fields = await self._store.absences.members(rule.members_within, segment, 0, {}) or {}
        told, notices = follow(rule, fields, told, until)
        for notice in notices:
            logger.warning(
                "%s: %s; %d members were active, usually %d",
                notice.kind.replace("_", " "),
                segment or "all customers",
                notice.active,
                notice.usual // BEFORE,
            )
        wall = self._wall()
        return told, [notice_message(self._policy, segment, notice, wall, self._namespace) for notice in notices]

    async def _publish(self, segment: str, note: _Note) -> None:
        messages: Iterable[Message] = [Message(FEED_ALERTS, body) for body in note.waiting]
        await self._publisher.publish([(segment, message) for message in messages])
        if await self._store.note_told(_SEGMENT + segment, note.text(), _Note(note.told).text()):
            self._mine -= {message["alert_id"] for message in note.waiting}
        for message in note.waiting:
            self._metrics.transitions.labels(message["kind"]).inc()

    def _is_to_publish(self, message: Mapping[str, Any]) -> bool:
        waits = self._wall() - parse_timestamp(message["detected_at"])
        return message["alert_id"] in self._mine or abs(waits) >= _UNPUBLISHED_AFTER


def _read(text: str) -> _Note:
    judged, since, usual, waiting = orjson.loads(text)
    return _Note(Told(judged, since, usual), waiting)
