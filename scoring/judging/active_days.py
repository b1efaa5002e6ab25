"""From a customer's counts and transitions to active days and changes of band.

Rests on decision 15.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scoring.customer.activity import SPAN
from scoring.customer.churn import flip
from scoring.customer.state import NONE, CustomerState
from scoring.instants import DAY
from scoring.judging.alerts import BandChange, Transition
from scoring.policy.policy import Policy


def enter_band(state: CustomerState) -> None:
    """Note the band that a customer is in, where it is not noted how it was entered.

    Args:
        state: judged; changed in place.
    """
    state.activity.enter(max(state.band_since, 0) // DAY, state.band)


def note_days(policy: Policy, state: CustomerState, panes: Iterable[int]) -> None:
    """Note the days of panes as active or not.

    Args:
        policy: in force.
        state: judged; changed in place.
        panes: those that may have changed.
    """
    activity = state.activity
    for pane in panes:
        counts = state.panes.get(pane)
        if counts is None:
            if pane <= state.pane - policy.kept_panes:
                continue
            # All that was in it has been taken back.
            counts = {}
        day = pane * policy.pane // DAY
        if is_active(policy, counts):
            activity.pane = pane
            if not activity.has(day):
                activity.add(day)
            continue
        if activity.pane == pane:
            activity.pane = NONE
        if activity.has(day) and not _may_be_active(policy, state, day):
            activity.remove(day)


def note_ends(policy: Policy, state: CustomerState, panes: Iterable[int]) -> None:
    """Note the days of panes as ones on which the customer has ended the relation, or not.

    Args:
        policy: in force, with events that end it.
        state: judged; changed in place.
        panes: those that may have changed.
    """
    rule = policy.figures.churn
    if rule is None or not rule.by:
        return
    for day in {pane * policy.pane // DAY for pane in panes}:
        first, last = -(-day * DAY // policy.pane), ((day + 1) * DAY - 1) // policy.pane
        kept = [state.panes[pane] for pane in range(first, last + 1) if pane in state.panes]
        ends = any(code in counts for counts in kept for code in rule.by)
        noted = bool(state.ended.get(day // SPAN, 0) >> day % SPAN & 1)
        if ends != noted and (ends or first > state.pane - policy.kept_panes):
            if state.ended_before is None:
                state.ended_before = dict(state.ended)
            flip(state.ended, day)


def note_bands(state: CustomerState, transitions: Sequence[Transition]) -> None:
    """Note changes of band.

    Args:
        state: judged; changed in place.
        transitions: in the order in which they were judged.
    """
    for transition in transitions:
        if isinstance(transition, BandChange):
            state.activity.enter(transition.occurred_at // DAY, transition.band)


def is_active(policy: Policy, counts: Mapping[str, int]) -> bool:
    """Return whether a customer did anything in a pane that is worth points.

    Args:
        policy: in force.
        counts: of the pane, by the code of the type.
    """
    earning = policy.earning
    for code, count in counts.items():  # noqa: SIM110 - a generator takes longer to make than most panes to look through
        if count > 0 and code in earning:
            return True
    return False


def _may_be_active(policy: Policy, state: CustomerState, day: int) -> bool:
    """Return whether a pane of a day has anything, or is not kept any more."""
    first, last = -(-day * DAY // policy.pane), ((day + 1) * DAY - 1) // policy.pane
    if first <= state.pane - policy.kept_panes:
        return True
    return any(is_active(policy, state.panes[pane]) for pane in range(first, last + 1) if pane in state.panes)
