"""From fitted weights to a policy as a person would write it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.instants import format_duration
from scoring.points import POINT
from scoring.policy import BANDS, EventType, Policy
from streams.validation.fitting.counts import Floats

_WRITTEN = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
#: A type that adds less to the differences between scores than this is left at 0.
_LEAST_SHARE = 0.002
#: Keys that TOML takes without quotes.
_BARE = re.compile(r"[A-Za-z0-9_-]+")


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
    """Tell what each type contributes to the differences between the scores.

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
    base: Policy,
    version: str,
    window: Mapping[str, int],
    fitted: Sequence[FittedType],
    comments: Sequence[str] = (),
) -> str:
    """Write a policy file.

    Args:
        base: whose bands, alert rules, clock, channels and topics are kept.
        version: of the new one.
        window: length, pane, trend and half_life, in microseconds.
        fitted: the types with their weights.
        comments: lines that stand at the top.

    Returns:
        TOML that `parse_policy` takes.
    """
    lines = [*(f"# {comment}".rstrip() for comment in comments), f"version = {_quoted(version)}", "", "[window]"]
    lines += [f'{name} = "{format_duration(length)}"' for name, length in window.items()]
    lines += ["", "[bands]"]
    lines += [f"{name} = {_points(bound)}" for name, bound in zip(BANDS[1:], base.bounds, strict=True)]
    lines += ["", "[alerts]", f"rearm_margin = {_points(base.rearm_margin)}"]
    lines += [f'cooldown = "{format_duration(base.cooldown)}"', "", "[clock]"]
    lines += [f'lateness = "{format_duration(base.lateness)}"', f'idle_after = "{format_duration(base.idle_after)}"']
    lines += ["", "[events]", f'remember_ids = "{format_duration(base.remember_ids)}"', "", "[dead_letters]"]
    lines += [f"stop_above = {_points(base.most_bad)}", f'over = "{format_duration(base.bad_over)}"']
    lines += [f"at_least = {base.bad_records}"]
    for index, channel in enumerate(base.channels):
        mine = [one for one in fitted if one.kind.channel == index]
        lines += ["", f"[channels.{channel.name}]", f"topic = {_quoted(channel.topic)}"]
        if channel.silence_after:
            lines += [f'silence_after = "{format_duration(channel.silence_after)}"']
        lines += ["", f"[channels.{channel.name}.weights]"]
        lines += [f"{_key(one.kind.name)} = {_points(round(one.weight * POINT))}" for one in mine]
        capped = [one for one in mine if one.cap and one.weight]
        if capped:
            lines += ["", f"[channels.{channel.name}.cap]"]
            lines += [f"{_key(one.kind.name)} = {one.cap}" for one in capped]
    return "\n".join(lines) + "\n"


def _points(millionths: int) -> str:
    return f"{millionths / POINT:.6f}".rstrip("0").rstrip(".")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(sign):04x}" if ord(sign) < 0x20 or sign in '"\\\x7f' else sign for sign in text)  # noqa: PLR2004
    return f'"{escaped}"'
