"""Compares the sums over customers with what the stored customers make together, and mends them."""

from __future__ import annotations

from scoring.instants import DAY, format_instant
from scoring.kpi import folding
from streams.settings import Settings
from streams.store.replacing import ReplaceableStore
from streams.store.sums import Additions, join

_SHOWN = 5
_COUNTED = {"d": "active", "w": "active in 7 days", "n": "new", "r": "back", "l": "lost", "s": "spells", "f": "bands"}


class FigureComparison:
    """Adds up all customers while nobody writes."""

    def __init__(self, settings: Settings, live: ReplaceableStore, time: int) -> None:
        """Prepare.

        Args:
            settings: say how long figures are kept.
            live: what is compared.
            time: up to when the customers have been judged, in microseconds.
        """
        self._live = live
        self._from = max(time - settings.policy.keep_figures, 0) // DAY
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
            for group, additions in await self._live.contributions(new):
                wanted[group] = join([wanted[group], additions])
        for group, right in wanted.items():
            stands = {"": await self._live.kpi.group_sums(group)}
            self._missing[group] = join([self._folded(right), _less(self._folded(stands))])
        found: dict[str, set[int]] = {}
        for field in {field for missing in self._missing.values() for fields in missing.values() for field in fields}:
            found.setdefault(field[0], set()).add(int(field[1:].partition(".")[0]))
        return [f"{_COUNTED[kind]}: {_days(days)}" for kind, days in sorted(found.items())]

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
        return join([sums, *[{name: folding(fields, self._from)} for name, fields in sums.items()]])


def _less(additions: Additions) -> Additions:
    return {name: {field: -count for field, count in fields.items()} for name, fields in additions.items()}


def _days(days: set[int]) -> str:
    named = [format_instant(day * DAY)[:10] if day else "before" for day in sorted(days)]
    return ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more days" if len(named) > _SHOWN else "")
