"""Why a score is what it is: what has changed it since a time, and what will change it by itself.

Rests on decision 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scoring.customer.state import CustomerState
from scoring.judging.score import Contribution, contributions
from scoring.points import POINT, Number, plain_number
from scoring.policy.policy import Policy

CAME, CAPPED, FADED, EXPIRED = "came", "capped", "faded", "expired"


@dataclass(frozen=True, slots=True)
class Part:
    """The points of one type in one pane that were added to a score or taken off it, in millionths.

    The `cause` is ``came`` for all events that have come, ``capped`` for those of them beyond the cap, ``faded`` for
    what the half-life has taken, ``expired`` for what has left the window. `count` is how many events that were, or how
    much of a number.
    """

    cause: str
    channel: str
    type: str
    pane: int
    count: Number
    points: int


@dataclass(frozen=True, slots=True)
class Boundary:
    """A coming pane boundary: its time in microseconds, the score from then on in millionths, and what it takes."""

    at: int
    score: int
    parts: Sequence[Part]


def explained_from(policy: Policy, state: CustomerState) -> int:
    """Return since when a change can be explained: what was before has been forgotten.

    Args:
        policy: in force; counts are kept for its window and its trend.
        state: derived.

    Returns:
        Microseconds.
    """
    return (state.pane - policy.kept_panes + policy.panes) * policy.pane


def change(policy: Policy, state: CustomerState, at: int, since: int) -> list[Part]:
    """Explain how a score has changed.

    Events are known by the pane in which they happened, so the score of then is that of all its current pane.

    Args:
        policy: in force.
        state: derived.
        at: the time of the score, in microseconds; no boundary that takes events lies between `state.judged` and it.
        since: the time of the score that it is compared with; from `explained_from` on.

    Returns:
        The parts, oldest pane first. Their points add up to score(at) - score(since), exactly.

    Example:
        A view is worth 1 point, and 5 in a day count: 7 views of today are 7 that came and -2 that are capped.
    """
    return _between(policy, state, since // policy.pane, at // policy.pane)


def _between(policy: Policy, state: CustomerState, then: int, now: int) -> list[Part]:
    before = {_key(part): part for part in contributions(policy, state, then)}
    found = []
    for part in contributions(policy, state, now):
        worth = part.worth
        old = before.pop(_key(part), None)
        if old is None:
            found.append(_part(CAME, part, part.count, worth - part.capped))
            if part.counted != part.count:
                cut = plain_number(round((part.count - part.counted) * POINT))
                found.append(_part(CAPPED, part, cut, part.capped))
        else:
            worth = old.points
        if part.points != worth:
            found.append(_part(FADED, part, part.counted, part.points - worth))
    gone = [_part(EXPIRED, part, part.counted, -part.points) for part in before.values()]
    return gone + found


def _key(part: Contribution) -> tuple[int, str, str]:
    return part.pane, part.channel, part.type


def _part(cause: str, of: Contribution, count: Number, points: int) -> Part:
    return Part(cause, of.channel, of.type, of.pane, count, points)


def coming(policy: Policy, state: CustomerState, at: int) -> Iterator[Boundary]:
    """Foresee what a score loses, or gains back, by itself if nothing more comes.

    Args:
        policy: in force.
        state: derived.
        at: the time of the score, in microseconds, as for `change`.

    Yields:
        The boundaries at which something changes, in the order of time; the points of each one's parts add up to its
        score less the score before it.
    """
    now = at // policy.pane
    counting = contributions(policy, state, now)
    score = sum(part.points for part in counting)
    leaving = sorted({part.pane + policy.panes for part in counting})
    panes = range(now + 1, leaving[-1] + 1) if leaving and policy.half_life else leaving
    for pane in panes:
        parts = _between(policy, state, now, pane)
        now = pane
        if parts:
            score += sum(part.points for part in parts)
            yield Boundary(pane * policy.pane, score, parts)
