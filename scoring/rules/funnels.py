"""Funnels: steps that customers take one after the other, and how far each comes.

The order of time is kept by the pane: what happens in one pane is in order. So a funnel follows from the counts of the
panes alone, whatever the order of arrival, and also once something has been taken back.

Rests on decision 120.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: Counts and amounts by pane and code.
Panes = Mapping[int, Mapping[str, int]]
#: The codes of each step.
Steps = tuple[tuple[str, ...], ...]
MOST_STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class Funnel:
    """Steps in their order, each an event of any of some types, within so many panes, that of the first step included.

    `labels` are the types of each step as a person wrote them.
    """

    name: str
    steps: Steps
    panes: int
    labels: tuple[str, ...] = ()


def depths(steps: Steps, within: int, panes: Panes) -> dict[int, int]:
    """Return how far a customer comes.

    Args:
        steps: of the funnel.
        within: how many panes, that of the first step included.
        panes: of the customer.

    Returns:
        By each pane with the first step, how many steps follow each other from there, the first included.
    """
    first, *later = [sorted([pane for pane, counts in panes.items() if _has(step, counts)]) for step in steps]
    found: dict[int, int] = {}
    for begun in first:
        at, depth = begun, 1
        for taken in later:
            index = bisect_left(taken, at)
            if index == len(taken) or taken[index] >= begun + within:
                break
            at = taken[index]
            depth += 1
        found[begun] = depth
    return found


def depth_at(funnel: Funnel, panes: Panes, present: int) -> int:
    """Return how far a customer has come within the time of a funnel up to and with a pane.

    Args:
        funnel: of the policy.
        panes: of the customer.
        present: that pane.

    Returns:
        The number of the last step, 0 for none.
    """
    inside = {pane: counts for pane, counts in panes.items() if present - funnel.panes < pane <= present}
    return max(depths(funnel.steps, funnel.panes, inside).values(), default=0)


def differ(steps: Steps, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Return whether a pane has other steps than before.

    Args:
        steps: of the funnel.
        before: counts of the pane.
        after: the same pane's.
    """
    return any(_has(step, before) != _has(step, after) for step in steps)


def _has(step: Sequence[str], counts: Mapping[str, int]) -> bool:
    return any(counts.get(code, 0) > 0 for code in step)
