"""Corrections: what an event changes in the counts of other events of the same object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scoring.details import is_sum
from scoring.objects import Objects
from scoring.pairing import Action, Counts, change_of
from scoring.policy import Policy
from scoring.state import NONE, CustomerState, Timed, touch


class Correction(NamedTuple):
    """By how much the count of one type in one pane has changed, and the points of the pane (millionths)."""

    pane: int
    code: str
    added: int
    points: int


def correct(policy: Policy, state: CustomerState, event: Timed) -> tuple[Sequence[Correction], int]:
    """Correct the counts by what an event makes of others of its object, and they of it.

    Args:
        policy: in force.
        state: the customer's, with the event counted in its own pane; panes, their points and objects are changed in
            place, the score is not.
        event: whose detail names an object.

    Returns:
        The corrections, those of panes that are not kept left out; and how many actions had to be forgotten for want
        of room.
    """
    time, code, detail = event
    pairing = policy.paired.get(code)
    kept_from = state.pane - policy.kept_panes + 1
    if detail is None or pairing is None or time < kept_from * policy.pane - policy.objects_kept:
        return (), 0
    if state.objects is None:
        state.objects = Objects()
    history = state.objects.history(detail.object)
    action = Action(time, code, detail.amounts)
    change = change_of(
        pairing.contribution([*history, action], policy.pane), pairing.contribution(history, policy.pane)
    )
    forgotten = state.objects.keep(detail.object, [*history, action])
    if not change:
        return (), forgotten
    return _apply(policy, state, {pane: counts for pane, counts in change.items() if pane >= kept_from}), forgotten


def _apply(policy: Policy, state: CustomerState, change: Counts) -> list[Correction]:
    corrections = []
    for pane, added in change.items():
        if pane not in state.touched_panes:
            touch(policy, state, pane)
        counts = state.panes.get(pane)
        if counts is None:
            counts = state.panes[pane] = {}
            state.pane_points[pane] = 0
            state.new_panes.append(pane)
        for code, count in added.items():
            points = _add(policy, counts, code, count)
            state.pane_points[pane] += points
            corrections.append(Correction(pane, code, count, points))
        if not counts:
            del state.panes[pane], state.pane_points[pane]
    # What has been taken back may take the activity of its day along.
    state.activity.pane = NONE
    return corrections


def _add(policy: Policy, counts: dict[str, int], code: str, added: int) -> int:
    before = counts.get(code, 0)
    after = before + added
    kind = policy.types.get(code)
    if after < 0 and not is_sum(code):
        # Only where the policy pairs otherwise than the one by which was counted.
        after = 0
    if after or is_sum(code):
        counts[code] = after
    elif before:
        del counts[code]
    if kind is None:
        return 0
    return (min(after, kind.cap) - min(before, kind.cap)) * kind.weight


def within_window(policy: Policy, state: CustomerState, corrections: Iterable[Correction]) -> list[Correction]:
    """Choose the corrections that change the score.

    Args:
        policy: in force.
        state: the customer's.
        corrections: of any kept panes.

    Returns:
        Those of types that the policy names, in panes that count.
    """
    oldest = state.pane - policy.panes
    return [each for each in corrections if each.pane > oldest and each.code in policy.types]
