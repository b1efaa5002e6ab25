"""How well a number ranks those to whom something happened above the others: the area under the ROC curve.

Rests on decisions 14 and 78.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple


class Ranking(NamedTuple):
    """How many pairs of a positive and a negative there are, and how many are in the right order, ties as halves.

    `halves` counts half pairs, so that sums stay whole numbers.
    """

    pairs: int
    halves: int

    @property
    def auc(self) -> float | None:
        """The share of the pairs that are in the right order; None without a pair."""
        return self.halves / (2 * self.pairs) if self.pairs else None


def rank(values: Sequence[float], outcomes: Sequence[bool]) -> Ranking:
    """Compare each positive with each negative.

    Args:
        values: the higher, the likelier the outcome is held to be.
        outcomes: whether it came about, in the same order.

    Returns:
        The pairs.

    Example:
        >>> rank([3, 1, 2, 2], [True, False, True, False]).auc
        0.875
    """
    pairs = sorted(zip(values, outcomes, strict=True))
    halves = below = 0
    for _, alike in groupby(pairs, itemgetter(0)):
        happened = [outcome for _, outcome in alike]
        positives = sum(happened)
        negatives = len(happened) - positives
        halves += positives * (2 * below + negatives)
        below += negatives
    positives = len(pairs) - below
    return Ranking(positives * below, halves)


def rank_within(strata: Iterable[Hashable], values: Sequence[float], outcomes: Sequence[bool]) -> Ranking:
    """Compare only those of the same stratum with each other.

    Args:
        strata: that of each, such as a course run or a country.
        values: as for `rank`.
        outcomes: as for `rank`.

    Returns:
        The pairs of all strata together, so that a stratum counts by its pairs.

    Example:
        >>> rank_within("aabb", [1, 2, 9, 8], [False, True, True, False]).auc
        1.0
    """
    members: dict[Hashable, list[int]] = {}
    for index, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(index)
    found = [rank([values[i] for i in stratum], [outcomes[i] for i in stratum]) for stratum in members.values()]
    return Ranking(sum(ranking.pairs for ranking in found), sum(ranking.halves for ranking in found))
