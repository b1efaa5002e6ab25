"""Compares the sums over customers with what the stored customers make together, and mends them."""

from __future__ import annotations

from collections.abc import Mapping

from scoring import tally
from scoring.instants import DAY, format_instant
from scoring.kpi import folding
from scoring.tally import NEWEST
from streams.settings import Settings
from streams.store.replacing import ReplaceableStore
from streams.store.sums import MEASURES, Additions, join, less

_SHOWN = 5
_COUNTED = {
    "": {"d": "active", "w": "active in 7 days", "n": "new", "r": "back", "l": "lost", "s": "spells", "f": "bands"},
    MEASURES: {"m": "measures", "b": "measures, billions", "c": "customers with a value", NEWEST: "newest values"},
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
        self._from = max(time - policy.keep_figures, 0) // DAY
        self._judged = time
        self._missing: dict[int, Additions] = {}

    async def differences(self) -> list[str]:
        """Tell where the sums are not what the customers make together.

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
            kpi = self._live.kpi
            stands = {"": await kpi.group_sums(group), MEASURES: await kpi.group_measures(group)}
            self._missing[group] = self._less(self._folded(right), self._folded(stands))
        found: dict[tuple[str, str], set[int]] = {}
        for missing in self._missing.values():
            for name, fields in missing.items():
                for field in fields:
                    number = int(field[1:].partition(".")[0])
                    day = number * self._policy.pane // DAY if name == MEASURES else number
                    found.setdefault((name, field[0]), set()).add(day)
        return [f"{_COUNTED[name][kind]}: {_days(days)}" for (name, kind), days in sorted(found.items())]

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
        if name == MEASURES:
            # What is earlier, some customers hold no more.
            return tally.folding(fields, self._policy.kept_from(self._judged), self._policy.told_from(self._judged))
        return folding(fields, self._from)

    def _less(self, right: Additions, stands: Additions) -> Additions:
        """Tell what is missing; of the newest of something only what is newer than what stands."""
        missing = join([right, less(stands)])
        newest = stands.get(MEASURES, {})
        fields = missing.get(MEASURES, {})
        for field in [field for field in fields if field[0] == NEWEST and fields[field] <= newest.get(field, 0)]:
            del fields[field]
        return {name: fields for name, fields in missing.items() if fields}


def _days(days: set[int]) -> str:
    named = [format_instant(day * DAY)[:10] if day else "before" for day in sorted(days)]
    return ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more days" if len(named) > _SHOWN else "")
