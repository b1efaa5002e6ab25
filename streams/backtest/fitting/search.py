"""Chooses window, half-life, caps and ridge by cross-validation, one at a time.

Rests on decision 47.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scoring.backtest.ranking import rank_within
from streams.backtest.fitting.counts import Counts, Floats, Questions, Shape
from streams.backtest.fitting.regression import fit_weights

#: What a better choice has to gain in AUC, so that chance alone does not add a half-life or a cap.
_LEAST_GAIN = 0.0005
_PASSES = 2


@dataclass(frozen=True)
class Choice:
    """Everything that is chosen: panes and lengths in panes of the counts; `cap` is one of `Search.CAPS`."""

    pane: int
    length: int
    half_life: float
    cap: str
    ridge: float


def aligned(choice: Choice) -> Choice:
    """Make the window a whole number of panes, by lengthening it."""
    return replace(choice, length=-(-choice.length // choice.pane) * choice.pane)


class Search:
    """Tries choices, and keeps what they came to."""

    #: No cap; the same for all types; or as many as are usual in a pane.
    CAPS = ("none", "1", "2", "3", "5", "median", "upper quartile")
    _SHARES: Mapping[str, float] = {"median": 0.5, "upper quartile": 0.75}

    def __init__(self, counts: Counts, questions: Questions, signs: Sequence[int], tell: Callable[[int], None]) -> None:
        """Prepare.

        Args:
            counts: of every customer at every moment.
            questions: what is to be counted.
            signs: by type, as for `fit_weights`.
            tell: called after each try with how many there have been.
        """
        self._counts = counts
        self._questions = questions
        self._signs = signs
        self._tell = tell
        self._found: dict[Choice, float] = {}

    def best(self, start: Choice, candidates: Mapping[str, Sequence[object]]) -> Choice:
        """Improve a choice, one field at a time.

        Args:
            start: where to begin.
            candidates: by field, the values to try.

        Returns:
            The choice with the highest AUC, the start where nothing is better by enough.
        """
        best = start
        for _ in range(_PASSES):
            before = best
            for name, values in candidates.items():
                for value in values:
                    tried = aligned(replace(best, **{name: value}))  # type: ignore[arg-type]
                    if self.auc(tried) > self.auc(best) + _LEAST_GAIN:
                        best = tried
            if best == before:
                break
        return best

    def auc(self, choice: Choice) -> float:
        """Return the mean AUC over the tasks, of customers who were not learned from."""
        if choice not in self._found:
            self._found[choice] = float(np.mean([auc for auc in self.by_task(choice) if auc is not None] or [0.5]))
            self._tell(len(self._found))
        return self._found[choice]

    def by_task(self, choice: Choice) -> list[float | None]:
        """Return the AUC of each task, of customers who were not learned from.

        Args:
            choice: to try.
        """
        features = self.features(choice)
        forecasts = np.zeros(len(features))
        for fold in np.unique(self._questions.folds):
            learned = self._questions.without(int(fold))
            forecasts[~learned] = -features[~learned] @ self._fit(features, choice, learned)
        return list(aucs(self._questions, forecasts))

    def weights(self, choice: Choice) -> Floats:
        """Fit the weights to everybody."""
        features = self.features(choice)
        return self._fit(features, choice, np.ones(len(features), np.bool_))

    def features(self, choice: Choice) -> Floats:
        """Give the features of each question."""
        return self._counts.features(self.shape(choice))[self._questions.rows]

    def shape(self, choice: Choice) -> Shape:
        """Say what a choice means for each type."""
        return Shape(choice.pane, choice.length, choice.half_life, self._caps(choice))

    def _caps(self, choice: Choice) -> tuple[int, ...]:
        if choice.cap in self._SHARES:
            return tuple(self._counts.usual(self._SHARES[choice.cap], choice.pane))
        return (0 if choice.cap == "none" else int(choice.cap),) * self._counts.width

    def _fit(self, features: Floats, choice: Choice, learned: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
        asked = self._questions
        return fit_weights(features[learned], asked.happened[learned], asked.strata[learned], self._signs, choice.ridge)


def aucs(questions: Questions, forecasts: Floats) -> Iterator[float | None]:
    """Compute the AUC of each task, within the strata.

    Args:
        questions: what came about.
        forecasts: the higher, the likelier the outcome is held to be.
    """
    strata = questions.strata
    for task in range(int(questions.tasks.max(initial=-1)) + 1):
        (inside,) = np.nonzero(questions.tasks == task)
        yield rank_within(strata[inside].tolist(), forecasts[inside].tolist(), questions.happened[inside].tolist()).auc
