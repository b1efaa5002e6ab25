"""Compares the sums over customers with what the stored customers make together, and mends them.

Rests on decision 48.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scoring.figures import tally_fields
from scoring.figures.kpi import folding
from scoring.figures.tally_fields import NEWEST
from scoring.instants import DAY, format_instant
from streams.settings.settings import Settings
from streams.store.redis.replacing import ReplaceableStore
from streams.store.segment_sums import MEASURES, SEGMENTS, names_of, segment_of, segments_in
from streams.store.sums.absence_sums import ABSENCE
from streams.store.sums.gains import Additions, join, less

_SHOWN = 5
_OF_ABSENCES = {"m": "members", "a": "active members"}
_OF_DAYS = {"d": "active", "w": "active in 7 days", "n": "new", "r": "back", "l": "lost", "s": "spells", "f": "bands"}
_OF_MEASURES = {
    "m": "measures",
    "b": "measures, billions",
    "c": "customers with a value",
    "k": "counts that bring points",
    "v": "sessions",
    NEWEST: "newest values",
}


class FigureComparison:
    """Adds up all customers while nobody writes."""

    def __init__(self, settings: Settings, live: ReplaceableStore, time: int) -> None:
        """Prepare.

        Args:
            settings: say how long figures are kept.
            live: what is compared.
            time: up to when the customers have been judged at least, in microseconds.
        """
        self._live = live
        self._policy = policy = settings.policy
        self._from = policy.days_from(time)
        self._judged = time
        self._missing: dict[int, Additions] = {}

    async def differences(self) -> list[str]:
        """Return where the sums differ from what the customers make together.

        Returns:
            A few words for each kind of figure.
        """
        wanted: dict[int, Additions] = {group: {} for group in range(self._live.groups)}
        seen: set[str] = set()
        async for some in self._live.customers():
            new = [customer for customer in dict.fromkeys(some) if customer not in seen]
            seen.update(new)
            for group, additions, judged in await self._live.contributions(new):
                wanted[group] = join([wanted[group], additions])
                self._judged = max(self._judged, judged)
        for group, right in wanted.items():
            stands = await self._stands(group, right)
            self._missing[group] = self._less(self._folded(right), self._folded(stands))
        return list(self._described())

    def _described(self) -> Iterator[str]:
        found: dict[tuple[str, str], set[int]] = {}
        for missing in self._missing.values():
            for name, fields in missing.items():
                for field in fields:
                    number = int(field[1:].partition(".")[0]) if name != SEGMENTS else 0
                    of_days = _of_days(name) or name.startswith(ABSENCE)
                    day = number if of_days else number * self._policy.pane // DAY
                    found.setdefault((name, field[0]), set()).add(day)
        for (name, kind), days in sorted(found.items()):
            if name == SEGMENTS:
                yield "the numbers of customers in segments"
                continue
            segment = segment_of(name)
            counted = (_OF_ABSENCES if name.startswith(ABSENCE) else _OF_DAYS if _of_days(name) else _OF_MEASURES)[kind]
            yield f"{counted}{f' in {segment!r}' if segment else ''}: {_days(days)}"

    async def _stands(self, group: int, right: Additions) -> Additions:
        """Read all sums of a group: those that there should be, and those that there are."""
        kpi = self._live.kpi
        names = {"", MEASURES, SEGMENTS, *right}
        for segment in segments_in(await kpi.group_sums(group, SEGMENTS)):
            names |= {*names_of("", segment), *names_of(MEASURES, segment)}
        return {name: await kpi.group_sums(group, name, spells=_of_days(name)) for name in names}

    async def mend(self, rebuilt: ReplaceableStore, holder: str) -> None:
        """Add to the sums what was missing.

        Args:
            rebuilt: has applied the same of the log.
            holder: who holds the live namespace.

        Raises:
            RebuildRefused: if it does not hold any more, or one of the two has applied something else.
        """
        for group, missing in self._missing.items():
            if missing:
                await self._live.add_sums(rebuilt, group, missing, holder)

    def _folded(self, sums: Additions) -> Additions:
        return join([sums, *[{name: self._folding(name, fields)} for name, fields in sums.items()]])

    def _folding(self, name: str, fields: Mapping[str, int]) -> dict[str, int]:
        if name == SEGMENTS or name.startswith(ABSENCE):
            return {}
        if _of_days(name):
            return folding(fields, self._from)
        # What is earlier, some customers hold no more.
        policy, kept_from = self._policy, self._policy.kept_from(self._judged)
        told_from = policy.told_from(self._judged)
        # Sessions of the oldest panes stay as they were, also where the policy has come to ask for none.
        return tally_fields.folding(fields, kept_from, told_from, max(policy.tally.sessions_from(kept_from), told_from))

    def _less(self, right: Additions, stands: Additions) -> Additions:
        """Return what is missing; of the newest of something only what is newer than what stands."""
        missing = join([right, less(stands)])
        for name, fields in missing.items():
            newest = stands.get(name, {})
            for field in [field for field in fields if field[0] == NEWEST and fields[field] <= newest.get(field, 0)]:
                del fields[field]
        return {name: fields for name, fields in missing.items() if fields}


def _of_days(name: str) -> bool:
    """Return whether sums are those of `scoring.customer.activity_sums`."""
    return not name.startswith((MEASURES, ABSENCE)) and name != SEGMENTS


def _days(days: set[int]) -> str:
    named = [format_instant(day * DAY)[:10] if day else "before" for day in sorted(days)]
    return ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more days" if len(named) > _SHOWN else "")
