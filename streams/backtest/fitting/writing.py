"""From fitted weights to a policy as a person would write it."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tomli_w
from numpy.typing import NDArray

from scoring.instants import format_duration
from scoring.policy.channels import EventType
from streams.backtest.fitting.counts import Floats
from streams.policy_file.builtin import BUILTIN_POLICY

_WRITTEN = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
#: A type that adds less to the differences between scores than this is left at 0.
_LEAST_SHARE = 0.002


def written(weight: float) -> float:
    """Round to a number that a person would write.

    Args:
        weight: any number.

    Returns:
        One of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten, with its sign; the nearest by ratio.

    Example:
        >>> written(0.37), written(-17.3), written(0)
        (0.4, -15.0, 0.0)
    """
    if not weight:
        return 0.0
    power = math.floor(math.log10(abs(weight)))
    near = min(_WRITTEN, key=lambda sign: abs(math.log(abs(weight) / 10.0**power / sign)))
    return math.copysign(float(f"{near}e{power}"), weight)


def threshold(scores: Floats, happened: NDArray[np.bool_]) -> float:
    """Find the score that best parts those for whom the outcome came about from the others (Youden's index).

    Args:
        scores: of each question.
        happened: whether the outcome came about; it does for the low ones.

    Returns:
        The lowest score of those above.
    """
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(happened[order]) / max(happened.sum(), 1) - np.cumsum(~happened[order]) / max(
        (~happened).sum(), 1
    )
    ordered = scores[order]
    # Only between two different scores can a line be drawn.
    between = np.nonzero(ordered[1:] > ordered[:-1])[0]
    if not len(between):
        return float(ordered[0]) if len(ordered) else 1.0
    return float(ordered[between[np.argmax(below[between])] + 1])


def shares(features: Floats, weights: Floats, strata: NDArray[np.int64]) -> Floats:
    """Return what each type contributes to the differences between the scores.

    Args:
        features: of each question.
        weights: by type.
        strata: of each question; scores are only compared within one.

    Returns:
        Shares that add up to 1: the covariance of the type's points with the score over the score's variance.
    """
    points = features * weights
    number = np.bincount(strata)
    centred = np.stack(
        [column - (np.bincount(strata, column) / np.maximum(number, 1))[strata] for column in points.T], axis=1
    )
    score = centred.sum(axis=1)
    variance = float(score @ score)
    return centred.T @ score / variance if variance else np.zeros(len(weights))


@dataclass(frozen=True)
class FittedType:
    """A type with its weight in points as fitted and as written, its cap (0: none), and its share of the score."""

    kind: EventType
    fitted: float
    weight: float
    cap: int
    share: float


def write_weights(
    types: Sequence[EventType], weights: Floats, caps: Sequence[int], part: Floats, scale: float
) -> list[FittedType]:
    """Scale weights to points and round them.

    Args:
        types: in the order of the weights.
        weights: as fitted.
        caps: by type.
        part: the share of each type.
        scale: points for each unit of the weights.

    Returns:
        The types in the same order. What adds next to nothing to the score has weight 0; what takes points away keeps
        its weight, as complaints are rare and matter.
    """
    found = []
    for kind, weight, cap, share in zip(types, (weights * scale).tolist(), caps, part.tolist(), strict=True):
        matters = share >= _LEAST_SHARE or weight < 0
        found.append(FittedType(kind, weight, written(weight) if matters else 0.0, cap, share))
    return found


def write_policy(
    base_text: str,
    version: str,
    window: Mapping[str, int],
    fitted: Sequence[FittedType],
    comments: Sequence[str] = (),
) -> str:
    """Write a policy file.

    Args:
        base_text: a policy file, of which all is kept but version, window, weights and caps.
        version: of the new one.
        window: length, pane and half_life, in microseconds.
        fitted: the types with their weights.
        comments: lines that stand at the top.

    Returns:
        TOML.
    """
    document = tomllib.loads(base_text)
    channels = document.pop("channels", None) or tomllib.loads(BUILTIN_POLICY)["channels"]
    lengths = {name: format_duration(length) for name, length in window.items()}
    document = {"version": "", **document} | {"version": version}
    document["window"] = {**document.get("window", {}), **lengths}
    for index, channel in enumerate(channels.values()):
        mine = [one for one in fitted if one.kind.channel == index]
        caps = {one.kind.name: one.cap for one in mine if one.cap and one.weight}
        # The tables go last, as they would swallow the keys behind them.
        del channel["weights"]
        channel.pop("cap", None)
        channel["weights"] = {one.kind.name: _number(one.weight) for one in mine}
        channel.update({"cap": caps} if caps else {})
    head = "".join(f"# {comment}".rstrip() + "\n" for comment in comments)
    return head + tomli_w.dumps({**document, "channels": channels})


def _number(weight: float) -> float:
    return int(weight) if weight.is_integer() else round(weight, 6)
