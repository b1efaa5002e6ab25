"""What a policy wants of the figures over all customers beyond those that there always are.

Rests on decision 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scoring.instants import DAY
from scoring.rules.funnels import Funnel
from scoring.rules.groupings import Grouping

#: Over how many days customers of a channel are counted, by the name of the figure.
ACTIVE: Final = {"daily_active": 1, "weekly_active": 7, "monthly_active": 30}


@dataclass(frozen=True, slots=True)
class ChurnRule:
    """When a customer is lost: after so much silence (microseconds, whole days; 0: never), and by events of types."""

    after: int
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FigureRules:
    """Which figures are counted, all of them by the day.

    `by_day` are the measures of every kind that can be published for all customers combined, `by_channel` points and
    active customers of each channel, `by_band` types and measures of each band, `groupings` events by the value of a
    property, `funnels` steps of which is counted who passes them. `churn` says when a customer is lost, None where that
    is after 30 days of silence.
    """

    by_day: bool = False
    by_channel: bool = False
    by_band: bool = False
    groupings: tuple[Grouping, ...] = ()
    funnels: tuple[Funnel, ...] = ()
    churn: ChurnRule | None = None

    @property
    def daily(self) -> bool:
        """Whether anything is counted by the day."""
        return self.by_day or self.by_channel or self.by_band or bool(self.funnels)


@dataclass(frozen=True, slots=True)
class CountedChannel:
    """What is counted of a channel by the day.

    `earning` are the codes of the types that make a customer active, `weighted` those that bring points or take some,
    `capped` how much of them counts in a pane, `every` all that the channel has.
    """

    name: str
    earning: tuple[str, ...]
    weighted: tuple[str, ...]
    capped: tuple[tuple[str, int], ...]
    every: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountedPanes:
    """The length of a pane in microseconds, that of the window in panes, and how many panes are kept."""

    pane: int
    panes: int
    kept: int

    @property
    def funnel_spans(self) -> tuple[int, int]:
        """Over how many panes the customers of a funnel are counted: those of a day, and those of the window."""
        return DAY // self.pane, self.panes

    def spans(self) -> dict[str, int]:
        """Give over how many panes customers of a channel are counted: the days that are whole panes of the window."""
        return {
            name: days * DAY // self.pane
            for name, days in ACTIVE.items()
            if days * DAY % self.pane == 0 and days * DAY <= self.panes * self.pane
        }


#: A policy that wants nothing.
NO_RULES: Final = FigureRules()
NO_PANES: Final = CountedPanes(1, 1, 0)
NO_CHANNELS: Final[Sequence[CountedChannel]] = ()
