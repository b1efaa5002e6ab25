"""Logistic regression with a ridge, an intercept for each stratum, and coefficients whose sign may be given.

Rests on decisions 47 and 78.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from streams.backtest.fitting.counts import Floats, Ints

_MOST_STEPS = 300


def fit_weights(
    features: Floats,
    happened: NDArray[np.bool_],
    strata: Ints,
    signs: Sequence[int],
    ridge: float,
) -> Floats:
    """Find how much each feature speaks against the outcome.

    Args:
        features: one row for each question.
        happened: whether the outcome came about.
        strata: of each question; questions are only compared within one.
        signs: by feature: 1 if it can only speak against the outcome, -1 if only for it, 0 if either.
        ridge: the penalty on the squares of the standardized coefficients.

    Returns:
        A weight for each feature; what never varies has 0.
    """
    spread = features.std(axis=0)
    varies = spread > 0
    scaled = features[:, varies] / spread[varies]
    columns, total = scaled.shape[1], int(strata.max(initial=-1)) + 1
    target = happened.astype(np.float64)

    def loss(point: Floats) -> tuple[float, Floats]:
        weights, intercepts = point[:columns], point[columns:]
        logits = intercepts[strata] - scaled @ weights
        excess = (expit(logits) - target) / len(target)
        value = float(np.mean(np.logaddexp(0.0, logits) - target * logits) + ridge * (weights @ weights) / 2)
        slope = ridge * weights - scaled.T @ excess
        return value, np.concatenate([slope, np.bincount(strata, excess, total)])

    kept = [sign for sign, kept in zip(signs, varies, strict=True) if kept]
    bounds = [(0.0 if sign > 0 else None, 0.0 if sign < 0 else None) for sign in kept]
    start = np.zeros(columns + total)
    options = {"maxiter": _MOST_STEPS}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds + [(None, None)] * total, options=options)
    weights = np.zeros(features.shape[1])
    weights[varies] = found.x[:columns] / spread[varies]
    return weights
