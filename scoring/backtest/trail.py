"""The way of a customer's score, and the drops that other bounds would have found on it.

Rests on decision 92.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from scoring.customer.state import CustomerState
from scoring.judging.alert_machine import AlertMachine
from scoring.judging.alerts import Alert
from scoring.judging.reasons import Reasons
from scoring.judging.score import coming_scores
from scoring.policy.policy import DISENGAGED, ENGAGED, Policy


class Trail:
    """Where a score has been: a time (microseconds) and a score (millionths) for each step.

    The events of a batch are one step, at the time up to which the customer was judged with them.
    """

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        """Begin before the first event."""
        self._steps = array("q")

    def wait(self, policy: Policy, state: CustomerState, until: int) -> None:
        """Add what time alone does to the score.

        Args:
            policy: in force.
            state: as it was after the last step.
            until: microseconds.
        """
        score = state.score
        for boundary, coming in coming_scores(policy, state):
            if boundary > until:
                break
            if coming != score:
                score = coming
                self._steps.extend((boundary, score))

    def stand(self, state: CustomerState) -> None:
        """Add where the score stands.

        Args:
            state: judged.
        """
        if not self._steps or self._steps[-1] != state.score:
            self._steps.extend((state.judged, state.score))

    def drops(self, policy: Policy, until: int) -> list[int]:
        """Find the alerts that the alert machine raises on this way.

        Args:
            policy: says where the bands begin, and when a drop raises an alert.
            until: where the history ends, in microseconds.

        Returns:
            Their times, in microseconds, in order.
        """
        state = CustomerState()
        machine = AlertMachine(policy, state)
        bounds, margin = policy.bounds, policy.rearm_margin
        levels = sorted({*bounds, bounds[DISENGAGED - 1] + margin, bounds[ENGAGED - 1] + margin})
        place, steps = bisect_right(levels, 0), self._steps
        for index in range(0, len(steps), 2):
            score = steps[index + 1]
            reached = bisect_right(levels, score)
            # Between two levels the machine has nothing to do, but for a fall that waits.
            if reached != place or state.held is not None:
                at = steps[index]
                machine.judge(at, state.score, score, "event" if at % policy.pane else "expired", _no_reasons)
                place = reached
            state.score = score
        machine.wake(until, state.score)
        return [one.occurred_at for one in machine.transitions if isinstance(one, Alert) and one.kind == "churn_risk"]


def _no_reasons() -> Reasons:
    return []
