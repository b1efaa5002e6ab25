"""The contract of the part of a store that is about sums over customers, and the figures made of them.

A store knows sums by their names; which names those of a segment have is known here alone. A segment of '' is that of
all customers.

Rests on decisions 22, 48 and 154.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Final

from scoring.rules.groupings import GroupingDay

#: The name of the sums of `scoring.figures.tally_fields`; those of `scoring.customer.activity_sums` are named ''.
MEASURES: Final = "measures"
#: The name of the sums of who comes and goes by the policy's rule.
CHURN: Final = "churn"
#: What the names of the sums of the past begin with: they keep by the day what those of measures forget.
PAST: Final = "past "
#: The name of the numbers of customers by segment, and what the field of each begins with.
SEGMENTS: Final = "segments"
IN_SEGMENT: Final = "@"
_OF: Final = "in:"


def of_segment(name: str, segment: str) -> str:
    """Name the sums of a segment that count what the named ones count of all customers."""
    if not segment:
        return name
    return f"{name} {_OF}{segment}" if name else f"{_OF}{segment}"


def names_of(name: str, segment: str) -> list[str]:
    """Name the sums in which a customer is counted: those of all customers, and of the segment if there is one."""
    return [name, of_segment(name, segment)] if segment else [name]


def segment_of(name: str) -> str:
    """Return the segment that the name of sums ends in; '' if they are those of all customers."""
    return name.partition(_OF)[2]


def segments_in(sums: Mapping[str, int]) -> dict[str, int]:
    """Read off the sums named `SEGMENTS` how many customers are in each segment."""
    return {field.removeprefix(IN_SEGMENT): count for field, count in sums.items()}


class KpiStore(ABC):
    """Where the sums over customers and the figures made of them live.

    The sums move in `Store.apply` and `Store.erase`, with the customers.
    """

    @abstractmethod
    async def named(self, *names: str, spells: bool = False) -> dict[str, int]:
        """Read sums by their names, added up; those of spells only where asked for."""

    @abstractmethod
    async def fold_days(self, name: str, before: int) -> None:
        """Let sums forget the days before one (its number), once for each; see `scoring.figures.kpi.folding`."""

    @abstractmethod
    async def fold_panes(self, name: str, kept_from: int, told_from: int, past: tuple[int, int] | None) -> None:
        """Let sums of measures forget panes; see `fold_measures`."""

    async def sums(self, segment: str = "", *, spells: bool = False) -> dict[str, int]:
        """Read sums, by the fields of `scoring.customer.activity_sums`; those of spells only where asked for."""
        return await self.named(of_segment("", segment), spells=spells)

    async def churn(self, segment: str = "") -> dict[str, int]:
        """Read the sums of who comes and goes by the policy's rule, with spells; see `scoring.customer.churn`."""
        return await self.named(of_segment(CHURN, segment), spells=True)

    async def measures(self, segment: str = "", *, past: bool = False) -> dict[str, int]:
        """Read the sums of which measures are made, by the fields of `scoring.figures.tally_fields`.

        Args:
            segment: its name.
            past: whether to add what they have forgotten and is kept by the day.
        """
        name = of_segment(MEASURES, segment)
        return await self.named(name, PAST + name) if past else await self.named(name)

    async def segments(self) -> dict[str, int]:
        """Return which segments have customers with a score, and how many."""
        return segments_in(await self.named(SEGMENTS))

    async def fold(self, segment: str, before: int, *, churn: bool = False) -> None:
        """Let those of `sums`, or those of `churn`, forget the days before one (its number)."""
        await self.fold_days(of_segment(CHURN if churn else "", segment), before)

    async def fold_measures(
        self, segment: str, kept_from: int, told_from: int, past: tuple[int, int] | None = None
    ) -> None:
        """Let the sums of measures forget panes; not each time.

        Args:
            segment: its name.
            kept_from: see `scoring.figures.tally_fields.folding`.
            told_from: see there.
            past: these two for the sums that keep by the day what is forgotten; None where nothing is kept.
        """
        await self.fold_panes(of_segment(MEASURES, segment), kept_from, told_from, past)

    @abstractmethod
    async def grouping(self, name: str, first: int, last: int) -> dict[int, GroupingDay]:
        """Read what is counted of a grouping by day; a day without anything is left out.

        Args:
            name: see `streams.store.sums.gains.largest_name`.
            first: number of the first day.
            last: number of the last day.
        """

    @abstractmethod
    async def fold_grouping(self, name: str, before: int) -> None:
        """Forget what was counted of a grouping before a day (its number)."""

    @abstractmethod
    async def publish(self, segment: str, figures: Mapping[str, str]) -> None:
        """Put figures in the place of those that applications read; one that is not among them is removed."""

    @abstractmethod
    async def figures(self, segment: str = "") -> dict[str, str]:
        """Read the figures that applications read; none if none have been published."""

    @abstractmethod
    async def keep_published(self, segments: Collection[str]) -> None:
        """Remove the published figures of all segments but these."""

    @abstractmethod
    async def take_turn(self, milliseconds: int) -> bool:
        """Return whether to make the figures now; if so, no other worker gets True for so long."""
