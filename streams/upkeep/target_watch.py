"""Reports to operators when a figure over all customers passes a target of the policy, and when it meets it again.

Rests on decisions 113 and 128.
"""

from __future__ import annotations

from collections.abc import Mapping

from mode.utils.logging import get_logger

from scoring.instants import DAY
from scoring.notices.target_notices import Told, follow, notice_message
from scoring.policy.policy import BANDS, Policy
from scoring.rules.targets import Target
from streams.backoff import Backoff
from streams.errors import TransientError
from streams.rounds.engine import Engine
from streams.rounds.notices import Note, Notices, read_note
from streams.upkeep.figure_report import figures_of

logger = get_logger(__name__)

#: Before the name of a figure, in that of its note.
_TARGET = "%"


class TargetWatch:
    """Looks at the figures of each day that is over, once."""

    def __init__(self, engine: Engine) -> None:
        """Put the parts together.

        Args:
            engine: holds the policy, the store of the sums, and what publishes.
        """
        self._policy = engine.settings.policy
        self._namespace = engine.settings.namespace
        self._store = engine.store
        self._notices = Notices(engine.store, engine.publisher, engine.metrics, engine.clock.wall)
        self._wall = engine.clock.wall
        self._waiting = Backoff(engine.metrics, logger, "the targets are judged later")
        # Up to which day all has been judged, and nothing waits.
        self._done = -1

    def follow(self, policy: Policy) -> None:
        """Go by another policy.

        Args:
            policy: in force from now on.
        """
        self._policy = policy
        self._done = -1

    async def turn(self, now: int) -> None:
        """Judge the last day that is over, unless that has been done, and publish what waits.

        Args:
            now: the evaluation time, in microseconds; 0 while it is not known. While the store or Kafka does not
                answer, the next turn tries again.
        """
        day = now // DAY - 1
        if not now or day <= self._done or not self._policy.targets:
            return
        try:
            done = await self._judge(day)
        except TransientError as error:
            self._waiting.note(error)
        else:
            self._waiting.over()
            if done:
                self._done = day

    async def _judge(self, day: int) -> bool:
        """Return whether nothing is left to be done."""
        notes = await self._notices.stored()
        figures: Mapping[str, str] = {}
        if any(_note(notes, target, day).told[0] < day for target in self._policy.targets):
            counts = await self._store.band_counts()
            ends = (day + 1) * DAY - 1
            figures = await figures_of(self._policy, self._store, "", ends, [counts[band] for band in BANDS])
            if figures["customers"] == "0":
                return True
        return all([await self._tell_of(target, notes, figures, day) for target in self._policy.targets])

    async def _tell_of(self, target: Target, notes: Mapping[str, str], figures: Mapping[str, str], day: int) -> bool:
        name, note = _TARGET + target.figure, _note(notes, target, day)
        told, notice = follow(target, figures.get(target.figure, ""), Told(*note.told), day)
        if told.judged > note.told[0]:
            new = []
            if notice is not None:
                new = [notice_message(self._policy, target, notice, self._wall(), self._namespace)]
            noted = await self._notices.note(name, notes.get(name, ""), note, told, new)
            if noted is None:
                return False
            note = noted
            for message in new:
                logger.warning("target %s: %s is %g", notice.verdict if notice else "", target.figure, message["value"])
        note = await self._notices.publish(name, target.figure.removeprefix("measure:"), note)
        return not note.waiting


def _note(notes: Mapping[str, str], target: Target, day: int) -> Note:
    """Read what is noted of a figure; where nothing is, its days begin with the given one."""
    stored = notes.get(_TARGET + target.figure)
    return read_note(stored) if stored else Note((day - 1, 0, 0))
