"""Groupings: events of some types counted by the value of a property, such as opens and clicks by campaign.

Rests on decisions 103 and 142.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: A longer value is cut.
LONGEST_VALUE: Final = 100


@dataclass(frozen=True, slots=True)
class Grouping:
    """What is counted by which property: types by code and name. `largest` is how many values are kept of a day."""

    name: str
    property: str
    types: tuple[tuple[str, str], ...]
    largest: int = 100


class GroupingReader:
    """Reads from the events of one type in which groupings they count."""

    def __init__(self, asked: Sequence[tuple[str, str]]) -> None:
        """Prepare.

        Args:
            asked: names of groupings, and of the property of each.
        """
        self._asked = asked
        self.properties = [name for _, name in asked]

    def read(self, properties: object) -> tuple[tuple[str, str], ...]:
        """Read the values of an event.

        Args:
            properties: of the event, as its JSON decodes.

        Returns:
            Groupings and values; a grouping whose property says nothing is left out.
        """
        if type(properties) is not dict:
            return ()
        found = []
        for grouping, name in self._asked:
            written = properties.get(name)
            if type(written) is bool:
                written = "true" if written else "false"
            elif type(written) is int:
                written = str(written)
            if type(written) is str and written:
                found.append((grouping, written[:LONGEST_VALUE]))
        return tuple(found)


def readers(groupings: Sequence[Grouping]) -> dict[str, GroupingReader]:
    """Make the readers of all types that count in groupings.

    Args:
        groupings: of the policy.

    Returns:
        By the code of the type.
    """
    asked: dict[str, list[tuple[str, str]]] = {}
    for grouping in groupings:
        for code, _ in grouping.types:
            asked.setdefault(code, []).append((grouping.name, grouping.property))
    return {code: GroupingReader(some) for code, some in asked.items()}


def note_groupings(noted: dict[str, dict[str, int]], day: int, code: str, groupings: Sequence[tuple[str, str]]) -> None:
    """Note that an event counts in groupings.

    Args:
        noted: counts by grouping and field; changed in place.
        day: of the event.
        code: of its type.
        groupings: and values, as they were read.
    """
    for grouping, value in groupings:
        fields = noted.setdefault(grouping, {})
        field = f"{day}.{code}{value}"
        fields[field] = fields.get(field, 0) + 1


class LargestValues:
    """The values of one day with the most events, at most so many: the algorithm Space-Saving.

    Where a new value needs the room, it takes that of the one with the least, and begins with as much as that had: so
    much may be missing from what is counted of it. `missing` is the most that has been taken so. No value is short by
    more, and one that is not kept has no more; it is at most the number of events divided by that of the values.
    """

    __slots__ = ("_order", "counts", "limit", "missing")

    def __init__(self, limit: int) -> None:
        """Start with nothing.

        Args:
            limit: how many values are kept.
        """
        self.limit = limit
        self.missing = 0
        self.counts: dict[str, dict[str, int]] = {}
        self._order: dict[str, int] = {}

    def add(self, code: str, value: str, count: int) -> None:
        """Count events.

        Args:
            code: of their type.
            value: of the property.
            count: how many.
        """
        if value not in self.counts:
            begins = 0
            if len(self.counts) >= self.limit:
                least = min(self._order, key=lambda each: (self._order[each], each.encode()))
                begins = self.missing = self._order.pop(least)
                del self.counts[least]
            self.counts[value], self._order[value] = {}, begins
        counts = self.counts[value]
        counts[code] = counts.get(code, 0) + count
        self._order[value] += count


@dataclass(frozen=True, slots=True)
class GroupingDay:
    """What is known of a grouping on a day, or on several: counts by value and code, and of all values by code.

    No count is short by more than `missing`, all types of a value together.
    """

    counts: Mapping[str, Mapping[str, int]]
    totals: Mapping[str, int]
    missing: int = 0


def join_days(days: Sequence[GroupingDay]) -> GroupingDay:
    """Add up what is known of a grouping, by parts of the customers or by days.

    Args:
        days: any.

    Returns:
        Their sum.
    """
    counts: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for day in days:
        for code, count in day.totals.items():
            totals[code] = totals.get(code, 0) + count
        for value, by_code in day.counts.items():
            mine = counts.setdefault(value, {})
            for code, count in by_code.items():
                mine[code] = mine.get(code, 0) + count
    return GroupingDay(counts, totals, sum(day.missing for day in days))
