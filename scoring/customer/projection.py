"""For how long a customer has been one, where a measure is projected from the time so far.

Rests on decision 117.
"""

from __future__ import annotations

from typing import Final

from scoring.customer.activity import days_of_span
from scoring.customer.state import CustomerState
from scoring.instants import DAY
from scoring.policy.policy import Policy

# Longer than any time over which a measure is taken.
_NEVER_BEGAN: Final = 1 << 60


def time_covered(policy: Policy, state: CustomerState, pane: int, step: int, most: int) -> int:
    """Give the time to which what a customer has done belongs, in whole steps begun.

    Args:
        policy: in force.
        state: derived.
        pane: the present one.
        step: its length, in microseconds.
        most: microseconds; no more is counted.
    """
    return min((_age(policy, state, pane) // step + 1) * step, most)


def next_step(policy: Policy, state: CustomerState, pane: int) -> int:
    """Foresee when a customer begins another step of a measure that is projected.

    Args:
        policy: in force.
        state: derived.
        pane: the present one.

    Returns:
        The pane boundary, in microseconds; 0 when never.
    """
    age, found = _age(policy, state, pane), 0
    for step, most in policy.projections:
        begins = (age // step + 1) * step
        if begins < most:
            boundary = (pane - (age - begins) // policy.pane) * policy.pane
            found = min(found, boundary) if found else boundary
    return found


def _age(policy: Policy, state: CustomerState, pane: int) -> int:
    """Give the time from the first active day to the present pane; without such a day there is nothing to project."""
    days = state.activity.days
    if not days:
        return _NEVER_BEGAN
    first = min(days)
    return max(pane * policy.pane - days_of_span(first, days[first])[0] * DAY, 0)
