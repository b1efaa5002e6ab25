"""Sums over customers and figures in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from scoring.figures import tally_fields
from scoring.figures.kpi import folding
from scoring.rules.groupings import GroupingDay, LargestValues
from streams.store.segment_sums import PAST, KpiStore
from streams.store.sums.gains import LARGEST, Additions, add_field, join

_CODE = 4


class MemoryKpi(KpiStore):
    """See `KpiStore` for the contract."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._sums: dict[str, dict[str, int]] = defaultdict(dict)
        self._groupings: dict[str, dict[int, tuple[LargestValues, dict[str, int]]]] = {}
        self._figures: dict[str, dict[str, str]] = {}

    def add(self, additions: Additions) -> None:
        """Add to the sums; what becomes 0 is removed.

        Args:
            additions: by name and field.
        """
        for name, fields in additions.items():
            if name.startswith(LARGEST):
                self._count(name, fields)
                continue
            sums = self._sums[name]
            for field, count in fields.items():
                add_field(sums, field, count)

    def _count(self, name: str, fields: Mapping[str, int]) -> None:
        days = self._groupings.setdefault(name, {})
        for field, count in fields.items():
            day, _, words = field.partition(".")
            if int(day) not in days:
                days[int(day)] = LargestValues(int(name.split(":")[1])), {}
            largest, totals = days[int(day)]
            largest.add(words[:_CODE], words[_CODE:], count)
            totals[words[:_CODE]] = totals.get(words[:_CODE], 0) + count

    async def grouping(self, name: str, first: int, last: int) -> dict[int, GroupingDay]:
        """Read what is counted of a grouping by day."""
        return {
            day: GroupingDay(largest.counts, totals, largest.missing)
            for day, (largest, totals) in self._groupings.get(name, {}).items()
            if first <= day <= last
        }

    async def fold_grouping(self, name: str, before: int) -> None:
        """Forget what was counted of a grouping."""
        days = self._groupings.get(name, {})
        for day in [day for day in days if day < before]:
            del days[day]

    def of(self, name: str) -> Mapping[str, int]:
        """Give sums by their name, see `streams.store.sums.gains`."""
        return self._sums[name]

    async def named(self, *names: str, spells: bool = False) -> dict[str, int]:
        """Read sums by their names."""
        total = join({"": self._sums[name]} for name in names).get("", {})
        return {field: count for field, count in total.items() if spells or field[0] != "s"}

    async def fold_days(self, name: str, before: int) -> None:
        """Let sums forget days."""
        self.add({name: folding(self._sums[name], before)})

    async def fold_panes(self, name: str, kept_from: int, told_from: int, past: tuple[int, int] | None) -> None:
        """Let sums of measures forget panes."""
        other = PAST + name
        changes = tally_fields.folding(self._sums[name], kept_from, told_from)
        if past is not None:
            self.add({other: tally_fields.archive(self._sums[name], changes)})
            self.add({other: tally_fields.folding(self._sums[other], *past)})
        self.add({name: changes})

    async def publish(self, segment: str, figures: Mapping[str, str]) -> None:
        """Put figures where applications read them."""
        self._figures[segment] = dict(figures)

    async def figures(self, segment: str = "") -> dict[str, str]:
        """Read the figures that applications read."""
        return dict(self._figures.get(segment, {}))

    async def keep_published(self, segments: Collection[str]) -> None:
        """Remove the published figures of all segments but these."""
        self._figures = {name: figures for name, figures in self._figures.items() if not name or name in segments}

    async def take_turn(self, milliseconds: int) -> bool:
        """Return whether to make the figures now: there is one worker, who makes them whenever it asks."""
        return milliseconds > 0
