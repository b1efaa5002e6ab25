"""Corrections: what an event changes in the counts of other events of the same object.

Rests on decision 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scoring.customer.objects import Objects
from scoring.customer.state import NONE, CustomerState, Timed, open_pane
from scoring.policy.policy import Policy
from scoring.rules.details import is_sum
from scoring.rules.pairing import Action, Counts, change_of


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
    kept_from = (state.pane - policy.kept_panes + 1) * policy.pane
    if detail is None or pairing is None or time < kept_from - policy.objects_kept:
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
    return _correct_kept(policy, state, change), forgotten


def unite_histories(policy: Policy, state: CustomerState, other: Objects) -> None:
    """Make two histories of each object one, and correct the counts by what their actions make of each other.

    Args:
        policy: in force.
        state: the customer's, whose panes hold the counts of both already; changed in place, the score is not.
        other: what the other one did to objects.
    """
    if state.objects is None:
        state.objects = Objects()
    for about in other.histories:
        theirs, mine = other.history(about), state.objects.history(about)
        pairing = policy.paired.get(theirs[0].code)
        if mine and pairing is not None:
            length = policy.pane
            change = change_of(pairing.contribution([*mine, *theirs], length), pairing.contribution(mine, length))
            _correct_kept(policy, state, change_of(change, pairing.contribution(theirs, length)))
        state.objects.keep(about, [*mine, *theirs])


def take_out(policy: Policy, state: CustomerState, event: Timed) -> None:
    """Take an event out of the history of its object, and back what it made of others there; not its own count.

    Args:
        policy: in force.
        state: the customer's; changed in place, the score is not.
        event: that was counted; one whose object is not known any more changes nothing.
    """
    time, code, detail = event
    pairing = policy.paired.get(code)
    if detail is None or pairing is None or state.objects is None:
        return
    history, action = state.objects.history(detail.object), Action(time, code, detail.amounts)
    if action not in history:
        return
    left = list(history)
    left.remove(action)
    state.objects.keep(detail.object, left)
    before, after = pairing.contribution(history, policy.pane), pairing.contribution(left, policy.pane)
    _correct_kept(policy, state, change_of(after, before))


def _correct_kept(policy: Policy, state: CustomerState, change: Counts) -> list[Correction]:
    corrections: list[Correction] = []
    kept_from = state.pane - policy.kept_panes + 1
    for pane, added in change.items():
        if pane < kept_from:
            continue
        counts = open_pane(policy, state, pane)
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
    return kind.points(after) - kind.points(before)


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
