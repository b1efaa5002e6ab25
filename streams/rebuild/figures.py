"""Compares the sums over customers with those made anew, and replaces what differs."""

from __future__ import annotations

from collections.abc import Iterable

from scoring.instants import DAY, format_instant
from scoring.kpi import folding
from streams.settings import Settings
from streams.store.replacing import ReplaceableStore
from streams.store.sums import Additions, join

_SHOWN = 5
_COUNTED = {"d": "active", "w": "active in 7 days", "n": "new", "r": "back", "l": "lost", "s": "spells", "f": "bands"}


class FigureComparison:
    """Compares the sums of two namespaces that have applied the same of a log that tells of all days."""

    def __init__(self, settings: Settings, live: ReplaceableStore, rebuilt: ReplaceableStore, time: int) -> None:
        """Prepare.

        Args:
            settings: say how long figures are kept.
            live: what is compared.
            rebuilt: what it is compared with.
            time: up to when both have been judged, in microseconds.
        """
        self._live = live
        self._rebuilt = rebuilt
        self._from = max(time - settings.policy.keep_figures, 0) // DAY

    async def differences(self, replaced: Iterable[str]) -> list[str]:
        """Tell what is wrong with the live sums.

        Args:
            replaced: the customers who will be replaced, and take what they add along.

        Returns:
            A few words for each kind of figure.
        """
        gains = join(merged.gains for merged in (await self._live.merged(self._rebuilt, replaced)).values())
        missing = join([*[await self._missing(group) for group in range(self._live.groups)], _less(gains)])
        found: dict[str, set[int]] = {}
        for fields in missing.values():
            for name in fields:
                found.setdefault(name[0], set()).add(int(name[1:].partition(".")[0]))
        return [f"{_COUNTED[kind]}: {_days(days)}" for kind, days in sorted(found.items())]

    async def replace(self, holder: str) -> None:
        """Put the sums made anew in the place of the live ones, whose customers have been replaced.

        Args:
            holder: who holds the live namespace.

        Raises:
            RebuildRefused: if it does not hold any more, or one of the two has applied something else.
        """
        for group in range(self._live.groups):
            missing = await self._missing(group)
            if missing:
                await self._live.add_sums(self._rebuilt, group, missing, holder)

    async def _missing(self, group: int) -> Additions:
        """Tell what would make the live sums of a group those made anew, as far as they are kept."""
        found = []
        for store in (self._rebuilt, self._live):
            fields = await store.kpi.group_sums(group)
            found.append(join([{"": fields}, {"": folding(fields, self._from)}]))
        return join([found[0], _less(found[1])])


def _less(additions: Additions) -> Additions:
    return {name: {field: -count for field, count in fields.items()} for name, fields in additions.items()}


def _days(days: set[int]) -> str:
    named = [format_instant(day * DAY)[:10] if day else "before" for day in sorted(days)]
    return ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more days" if len(named) > _SHOWN else "")
