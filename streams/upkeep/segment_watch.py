"""Reports to operators when a segment leaves as a whole, and when it is back.

Rests on decision 113.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mode.utils.logging import get_logger

from scoring.notices.segment_notices import BEFORE, Told, follow, notice_message
from scoring.policy.policy import Policy
from scoring.rules.absence import SegmentClock
from streams.rounds.engine import Engine
from streams.rounds.notices import Note, Notices, read_note

logger = get_logger(__name__)

#: Before the name of a segment, in that of its note.
_SEGMENT = "@"


class SegmentWatch:
    """Looks at the active members of each day that has been closed."""

    def __init__(self, engine: Engine) -> None:
        """Put the parts together.

        Args:
            engine: on the wall clock what happens is reported from the first look on, else all in the log.
        """
        self._policy = engine.settings.policy
        self._stream = engine.settings.clock == "stream"
        self._store = engine.store
        self._notices = Notices(engine.store, engine.publisher, engine.metrics, engine.clock.wall)
        self._wall = engine.clock.wall
        self._namespace = engine.settings.namespace
        # Up to which day each segment has been followed and nothing waits: until a later one the store is not asked.
        self._done: dict[str, int] = {}

    def follow(self, policy: Policy) -> None:
        """Go by another policy.

        Args:
            policy: in force from now on.
        """
        self._policy = policy
        self._done.clear()

    async def tell(self, clocks: Mapping[str, SegmentClock]) -> None:
        """Report what has happened to the segments up to the last closed day.

        What is to be reported is stored first, then published, then stored as published; so it goes out at least once,
        under one id.

        Args:
            clocks: of the segments, as far as they are known.

        Raises:
            TransientError: if the store or Kafka does not answer; the next turn goes on.
        """
        if self._policy.absence is None or not clocks:
            return
        behind = {name: clock for name, clock in clocks.items() if self._done.get(name, -1) < clock.last - 1}
        if not behind:
            return
        notes = await self._notices.stored()
        for segment, clock in behind.items():
            await self._tell_of(segment, clock, notes.get(_SEGMENT + segment, ""))

    async def _tell_of(self, segment: str, clock: SegmentClock, stored: str) -> None:
        until, name = clock.last - 1, _SEGMENT + segment
        note = read_note(stored) if stored else Note((clock.first if self._stream else until, 0, 0))
        told = Told(*note.told)
        if told.judged < until or not stored:
            told, new = await self._new(segment, told, until)
            noted = await self._notices.note(name, stored, note, told, new)
            if noted is None:
                return
            note = noted
        note = await self._notices.publish(name, segment, note)
        if not note.waiting:
            self._done[segment] = until

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
