"""The schedule: when a customer changes next by itself."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.projection import next_step
from scoring.customer.state import CustomerState
from scoring.judging.score import changes_of_pane, fading_times, falls_at, judged_again_at, next_change
from scoring.policy.policy import Policy


def schedule_next(policy: Policy, state: CustomerState, looks: Sequence[int]) -> None:
    """Note when the customer changes next by itself; an entry that is too early is left alone, and comes up early.

    Args:
        policy: in force.
        state: the customer's; changed in place.
        looks: the times at which watches look next, in microseconds; 0 for never.
    """
    now = state.judged
    step = next_step(policy, state, state.pane) if policy.projections else 0
    ruled = [time for time in (step, *looks) if time]
    if state.due <= max(now, 0):
        state.due = next_change(policy, state)
        if ruled and (min(ruled) < state.due or not state.due):
            state.due = min(ruled)
    else:
        coming = [time for pane in state.new_panes for time in changes_of_pane(policy, pane)]
        if policy.half_life:
            coming += fading_times(policy, state)
        if state.ahead:
            coming.append(state.ahead[0][0])
        if state.held is not None:
            coming.append(judged_again_at(policy, state))
        for time in coming + ruled:
            if now < time < state.due:
                state.due = time
    state.new_panes.clear()
    state.due_crosses = state.due > 0 and (
        bool(state.ahead) or state.held is not None or state.due in looks or falls_at(policy, state, state.due)
    )
