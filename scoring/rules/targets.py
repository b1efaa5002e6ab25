"""Targets: what figures over all customers are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The figures that can have a target, beside the measures of the policy, as they are published.
FIGURES: Final = (
    *("customers", "daily_active", "weekly_active", "monthly_active", "stickiness", "returning_share", "active_days"),
    *("new", "returned", "acquired", "lost", "retention", "churn"),
    *("engaged_share", "responsive_share", "disengaged_share"),
    *("at_risk", "disengaged", "engaged", "highly_engaged", "power"),
)
#: What is said of a figure with a target.
MET: Final = "met"
MISSED: Final = "missed"
WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class Target:
    """Bounds of a figure, in its own unit; a None asks for nothing.

    It is met from `at_least` up to `at_most`, and worth a warning below `warn_below` and above `warn_above`. The
    `benchmark` is shown beside it. `figure` is the name under which the figure is published.
    """

    figure: str
    at_least: float | None = None
    at_most: float | None = None
    warn_below: float | None = None
    warn_above: float | None = None
    benchmark: float | None = None

    @property
    def name(self) -> str:
        """The figure as the policy names it."""
        return self.figure.removeprefix("measure:")

    def verdict(self, value: float) -> str:
        """Judge a figure.

        Args:
            value: as it is published.

        Returns:
            `MET`, `MISSED` or `WARNING`; '' where there is only a benchmark.
        """
        if _below(value, self.warn_below) or _above(value, self.warn_above):
            return WARNING
        if _below(value, self.at_least) or _above(value, self.at_most):
            return MISSED
        bounds = (self.at_least, self.at_most, self.warn_below, self.warn_above)
        return MET if any(bound is not None for bound in bounds) else ""


def _below(value: float, bound: float | None) -> bool:
    return bound is not None and value < bound


def _above(value: float, bound: float | None) -> bool:
    return bound is not None and value > bound
