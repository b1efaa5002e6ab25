"""What a score is made of, how it moves, and when it will change by itself.

Rests on decisions 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scoring.customer.state import NONE, CustomerState
from scoring.feeds.feeds import feeding
from scoring.instants import boundary_after
from scoring.points import Number
from scoring.policy.policy import BANDS, Policy


@dataclass(frozen=True, slots=True)
class Contribution:
    """The points of one type in one pane (millionths), and the time at which they leave the window.

    Of `count` events the cap lets `counted` count, which came to `worth`; `points` are what has not faded of it.
    `capped` is what the cap has taken of the worth. Where a number brings points, both counts are what it adds up to.
    """

    channel: str
    type: str
    pane: int
    count: Number
    counted: Number
    points: int
    leaves_at: int
    worth: int
    capped: int


def contributions(policy: Policy, state: CustomerState, current: int = NONE) -> list[Contribution]:
    """Explain a score.

    Args:
        policy: in force.
        state: derived.
        current: the current pane at the time of the score; by default that up to which the customer has been judged.

    Returns:
        One entry per type and pane that counts and scores, oldest pane first. Their points add up to the score; where
        they fade, each is rounded so that the sum up to it is right.
    """
    current = state.pane if current == NONE else current
    found = []
    before, told = 0.0, 0
    for pane in sorted(state.panes):
        age = current - pane
        if not 0 <= age < policy.panes:
            continue
        leaves_at = (pane + policy.panes) * policy.pane
        factor = policy.factor(age)
        worth = 0
        for code, count in state.panes[pane].items():
            kind = policy.types.get(code)
            if kind is None or not kind.weight:
                continue
            counted = kind.counted(count)
            points = own = kind.points(count)
            worth += own
            if policy.half_life:
                so_far = round(before + worth * factor)
                points, told = so_far - told, so_far
            channel = policy.channels[kind.channel].name
            shown = kind.shown(count), kind.shown(counted)
            capped = own - kind.uncapped(count) if counted != count else 0
            found.append(Contribution(channel, kind.name, pane, *shown, points, leaves_at, own, capped))
        before += worth * factor
    return found


def trend(policy: Policy, state: CustomerState) -> int:
    """Compare the score with the score of some time before.

    Args:
        policy: says how long before.
        state: derived.

    Returns:
        score(t) - score(t - trend) in millionths, t being the time up to which the customer has been judged.
    """
    then = (state.judged - policy.trend) // policy.pane
    return state.score - _score_in(policy, state, then)


def score_at(policy: Policy, state: CustomerState, time: int) -> int:
    """Compute the score of a time from the panes that are kept.

    Args:
        policy: in force.
        state: derived.
        time: in microseconds.

    Returns:
        Millionths of a point, by what is known now.
    """
    return _score_in(policy, state, time // policy.pane)


def _score_in(policy: Policy, state: CustomerState, current: int) -> int:
    oldest = current - policy.panes
    if not policy.half_life:
        return sum([points for pane, points in state.pane_points.items() if oldest < pane <= current])
    # Added up as `fade` does: `sum` rounds otherwise in some versions of Python.
    total = 0.0
    for pane in sorted(state.pane_points):
        if oldest < pane <= current:
            total += state.pane_points[pane] * policy.decay[current - pane]
    return round(total)


def disengages_at(policy: Policy, state: CustomerState) -> int:
    """Foresee when the customer falls out of `engaged` if nothing more comes.

    Args:
        policy: in force.
        state: derived.

    Returns:
        The pane boundary, in microseconds; 0 when never, or where the score is below already.
    """
    if state.score < policy.engaged_from:
        return 0
    for boundary, score in coming_scores(policy, state):
        if score < policy.engaged_from:
            return boundary
    return 0


def lowest_until(policy: Policy, state: CustomerState, until: int) -> int:
    """Foresee how low the score gets if nothing more comes.

    Args:
        policy: in force.
        state: derived.
        until: microseconds.

    Returns:
        The lowest score from now to then, in millionths.
    """
    lowest = state.score
    for boundary, score in coming_scores(policy, state):
        if boundary > until:
            break
        lowest = min(lowest, score)
    return lowest


def coming_scores(policy: Policy, state: CustomerState) -> Iterator[tuple[int, int]]:
    """Foresee the score at each boundary that changes it if nothing more comes.

    Args:
        policy: in force.
        state: derived.

    Yields:
        The boundary, in microseconds, and the score from there on.
    """
    length, current = policy.panes, state.pane
    if policy.half_life:
        if state.panes:
            for pane in range(current + 1, max(state.panes) + length + 1):
                yield pane * policy.pane, _score_in(policy, state, pane)
        return
    score = state.score
    for pane in sorted(state.pane_points):
        if current - length < pane <= current:
            score -= state.pane_points[pane]
            yield (pane + length) * policy.pane, score


def next_change(policy: Policy, state: CustomerState) -> int:
    """Find when something that is published changes if nothing more comes.

    Args:
        policy: in force.
        state: derived.

    Returns:
        The next time after `state.judged` at which the score, the trend or an event kept aside changes the
        customer, in microseconds; 0 when never. A drop that a cooldown holds back counts too.
    """
    now = state.judged
    times: list[int] = []
    for pane in changing_panes(state):
        times += changes_of_pane(policy, pane)
    if policy.half_life and state.panes:
        times += fading_times(policy, state)
    if state.ahead:
        times.append(state.ahead[0][0])
    if state.held is not None:
        times.append(judged_again_at(policy, state))
    return min([time for time in times if time > now], default=0)


def judged_again_at(policy: Policy, state: CustomerState) -> int:
    """Return when a drop that is held back is judged again.

    Args:
        policy: in force.
        state: with a drop that is held back.

    Returns:
        The end of the cooldown, in microseconds; after it, where silent feeds hold the drop, the next pane boundary.
    """
    now, held = state.judged, state.held or {}
    end = cooldown_end(policy, state)
    if end <= now and held.get("feeds"):
        return boundary_after(now, policy.pane)
    return max(end, now + 1)


def cooldown_end(policy: Policy, state: CustomerState) -> int:
    """Return until when the cooldown holds a fall back.

    Args:
        policy: in force.
        state: the customer's.

    Returns:
        Microseconds; 0 where nothing is held back: before the first alert, and within an episode.
    """
    if state.last_alert == NONE or state.episode is not None:
        return 0
    return state.last_alert + policy.cooldown


def falls_at(policy: Policy, state: CustomerState, time: int) -> bool:
    """Return whether the score falls out of `engaged`, or below `disengaged`, by a time at which it changes next.

    Args:
        policy: in force.
        state: derived.
        time: in microseconds; nothing changes before.
    """
    after = _score_in(policy, state, time // policy.pane)
    return after < policy.engaged_from <= state.score or after < policy.bounds[0] <= state.score


def feeding_now(policy: Policy, state: CustomerState) -> list[str]:
    """Name the watched channels that bring a customer points.

    Args:
        policy: in force.
        state: derived.
    """
    inside = [counts for pane, counts in state.panes.items() if pane > state.pane - policy.panes]
    return feeding(policy, inside, {})


def fading_times(policy: Policy, state: CustomerState) -> tuple[int, int]:
    """List the next times at which the half-life changes something.

    Args:
        policy: in force, with a half-life.
        state: derived.

    Returns:
        When the score fades next, and when what the trend compares with does.
    """
    then = (state.judged - policy.trend) // policy.pane
    return (state.pane + 1) * policy.pane, (then + 1) * policy.pane + policy.trend


def changing_panes(state: CustomerState) -> Iterable[int]:
    """List the panes that change something by themselves: those with counts or, if all was taken back, only visits."""
    if not state.visits:
        return state.panes
    return {*state.panes, *[pane for visits in state.visits.values() for pane in visits]}


def changes_of_pane(policy: Policy, pane: int) -> tuple[int, ...]:
    """List the times at which a pane changes something by itself.

    Args:
        policy: in force.
        pane: its number.

    Returns:
        When it leaves the window, when it enters the window of the trend, when it leaves that, and when it leaves
        what a measure is taken over.
    """
    start = pane * policy.pane
    changes = (start + policy.length, start + policy.trend, start + policy.trend + policy.length)
    if policy.measure_spans:
        return (*changes, *[start + span for span in policy.measure_spans])
    return changes


def band_name(band: int) -> str:
    """Name a band; '' for none."""
    return BANDS[band] if band >= 0 else ""
