"""What the score of each customer at each moment is made of: the counts by type and pane, as arrays.

Rests on decision 47.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.backtest.observations import Observation
from scoring.customer.state import CustomerState
from scoring.policy.policy import Policy
from streams.backtest.fitting.folds import folds_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """How a score looks back: `pane`, `length` and `half_life` in panes of the counts; a cap by type, 0: none."""

    pane: int
    length: int
    half_life: float
    caps: tuple[int, ...]


class CountCollector:
    """Keeps the counts of customers as they are when they are looked at."""

    def __init__(self, policy: Policy) -> None:
        """Begin with nothing.

        Args:
            policy: under which the replay counts: its window is the longest that can be tried, its pane the shortest.
        """
        self._columns = {code: index for index, code in enumerate(policy.types)}
        self.types = tuple(policy.types.values())
        self._panes = policy.panes
        self._rows, self._types, self._ages, self._numbers = array("q"), array("q"), array("q"), array("q")
        self._current = array("q")
        self.observations: list[Observation] = []

    def look(self, observation: Observation, state: CustomerState) -> None:
        """Take the counts of one customer at one moment.

        Args:
            observation: of the customer.
            state: at that time.
        """
        row, current = len(self.observations), state.pane
        self.observations.append(observation)
        self._current.append(current)
        for pane, counts in state.panes.items():
            if current - pane >= self._panes:
                continue
            for code, count in counts.items():
                column = self._columns.get(code)
                if column is not None:
                    self._rows.append(row)
                    self._types.append(column)
                    self._ages.append(pane)
                    self._numbers.append(count)

    def counts(self) -> Counts:
        """Give what has been collected."""
        panes = np.frombuffer(self._ages, np.int64) if self._ages else np.zeros(0, np.int64)
        return Counts(
            rows=_ints(self._rows),
            types=_ints(self._types),
            panes=panes,
            numbers=_ints(self._numbers),
            current=_ints(self._current),
            width=len(self.types),
        )


def _ints(numbers: array[int]) -> Ints:
    return np.frombuffer(numbers, np.int64) if numbers else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Counts:
    """One entry for each row, type and pane with a count; `current` is the pane of each row's moment."""

    rows: Ints
    types: Ints
    panes: Ints
    numbers: Ints
    current: Ints
    width: int

    def features(self, shape: Shape) -> Floats:
        """Compute what the weights are multiplied by.

        Args:
            shape: of the score.

        Returns:
            For each row and type the sum over the panes in the window of min(count, cap), faded by the half-life.
        """
        panes = self.panes // shape.pane
        ages = self.current[self.rows] // shape.pane - panes
        inside = ages < shape.length // shape.pane
        cells = self.rows[inside] * self.width + self.types[inside]
        longest = shape.length // shape.pane
        keys = cells * longest + ages[inside]
        found, places = np.unique(keys, return_inverse=True)
        numbers: Floats = np.bincount(places, self.numbers[inside], len(found)).astype(np.float64)
        cells, ages = found // longest, found % longest
        caps = np.array([cap or np.inf for cap in shape.caps])
        numbers = np.minimum(numbers, caps[cells % self.width])
        if shape.half_life:
            numbers = numbers * 0.5 ** (ages * shape.pane / shape.half_life)
        size = len(self.current) * self.width
        return np.bincount(cells, numbers, size).astype(np.float64).reshape(len(self.current), self.width)

    def usual(self, share: float, pane: int) -> list[int]:
        """Find how many of each type are usual in one pane.

        Args:
            share: a quantile, of the panes in which there was any.
            pane: its length, in panes of the counts.

        Returns:
            Whole numbers of 1 or more, by type.
        """
        keys = (self.rows * self.width + self.types) * (int(self.panes.max(initial=0)) + 1) + self.panes // pane
        found, places = np.unique(keys, return_inverse=True)
        numbers = np.bincount(places, self.numbers, len(found))
        kinds = found // (int(self.panes.max(initial=0)) + 1) % self.width
        return [
            max(round(float(np.quantile(numbers[kinds == kind], share))), 1) if (kinds == kind).any() else 1
            for kind in range(self.width)
        ]


@dataclass(frozen=True)
class Questions:
    """What the fit is to tell: rows of the counts with their outcome, by task (an outcome at a moment).

    `strata` number the pairs of a task and a stratum of customers: only rows of the same pair are compared.
    """

    rows: Ints
    happened: NDArray[np.bool_]
    tasks: Ints
    strata: Ints
    folds: Ints

    def without(self, fold: int) -> NDArray[np.bool_]:
        """Return which are not in a fold."""
        return np.not_equal(self.folds, fold)


def questions_of(asked: Sequence[tuple[int, bool, int, str]], customers: Sequence[str]) -> Questions:
    """Put the questions into arrays.

    Args:
        asked: row, outcome, task and stratum of each.
        customers: the customer of each, in the same order.

    Returns:
        The questions.
    """
    of_customers = [stratum for *_, stratum in asked]
    names = {stratum: index for index, stratum in enumerate(dict.fromkeys(of_customers))}
    folds = folds_of(dict(zip(customers, of_customers, strict=True)))
    tasks = np.array([task for _, _, task, _ in asked], np.int64)
    strata = np.array([task * len(names) + names[stratum] for _, _, task, stratum in asked], np.int64)
    return Questions(
        np.array([row for row, *_ in asked], np.int64),
        np.array([happened for _, happened, *_ in asked], np.bool_),
        tasks,
        np.unique(strata, return_inverse=True)[1].astype(np.int64),
        np.array([folds[customer] for customer in customers], np.int64),
    )
