"""Judges by a new policy what was judged by another.

Rests on decision 77.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.state import CustomerState, Timed, derive
from scoring.judging.alert_machine import AlertMachine
from scoring.judging.outlook import follow_policy
from scoring.policy.policy import Policy


def go_over(
    policy: Policy, state: CustomerState, machine: AlertMachine, due: Sequence[Timed], now: int, cause: str
) -> None:
    """Judge by a new policy what was judged by another: a change of policy is not a change of customer.

    Args:
        policy: to judge by from now on.
        state: the customer's, judged by another; changed in place.
        machine: of the customer, by the new policy.
        due: the events to take next, in the order of their time.
        now: the evaluation time, in microseconds.
        cause: of a change of band, ``policy`` or ``segment``.
    """
    at = state.judged
    # Up to then nothing has changed by itself under the other policy, so what differs by then is the policy's doing.
    still = min([time for time, *_ in due if time >= at], default=now)
    state.judged = max(at, min(now, still, state.due - 1 if state.due else now))
    before = state.score if state.score_before_policy is None else state.score_before_policy
    state.score_before_policy = None
    derive(policy, state)
    machine.take_over()
    machine.change_band(before, at, cause)
    follow_policy(policy, state)
    # What comes next by itself follows from the new policy.
    state.due = 0
