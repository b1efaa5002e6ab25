"""The outlook: warns of a drop some time before it comes.

Rests on decisions 12 and 136.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.state import NONE, CustomerState, Timed
from scoring.feeds.feeds import Feeding
from scoring.instants import boundary_after
from scoring.judging.alerts import Alert, Transition
from scoring.judging.moment import Moment
from scoring.judging.reasons import reasons_of_coming
from scoring.judging.score import disengages_at, feeding_now, lowest_until
from scoring.judging.watch import Watch
from scoring.policy.policy import Policy


def coming_warning(policy: Policy, state: CustomerState) -> tuple[int, int]:
    """Foresee the warning of a coming drop.

    Args:
        policy: in force, with `warn_before`.
        state: derived.

    Returns:
        When it is raised if nothing more comes, no feed holds it back and the drop does not come first, and when the
        drop comes, in microseconds; zeros where there is nothing to warn of.
    """
    if state.warned or not state.armed or state.score < policy.engaged_from:
        return 0, 0
    leaves = disengages_at(policy, state)
    if not leaves:
        return 0, 0
    first = leaves - policy.warn_before
    if state.last_warning != NONE:
        first = max(first, state.last_warning + policy.cooldown)
    return first, leaves


def follow_policy(policy: Policy, state: CustomerState) -> None:
    """Begin anew under another policy: what is near by its measure is not told.

    Args:
        policy: the new one.
        state: derived by it; changed in place.
    """
    state.last_warning = NONE
    leaves = disengages_at(policy, state) if policy.warn_before else 0
    state.warned = leaves > 0 and leaves - policy.warn_before <= state.judged


class Outlook(Watch):
    """Judges when one customer will fall out of `engaged`, in the order of time."""

    def __init__(self, policy: Policy, state: CustomerState, moment: Moment, transitions: list[Transition]) -> None:
        """Go on from where the customer stands.

        Args:
            policy: in force, with `warn_before`.
            state: the customer's; `warned` and `last_warning` are changed in place.
            moment: says when the feeds have been silent.
            transitions: where warnings are added.
        """
        self._policy = policy
        self._state = state
        self._feeds = moment.feeds
        self._transitions = transitions
        # The last step, and the score before it.
        self._step = NONE
        self._before = state.score
        # Up to when the outlook has been judged, whether its warning waits for feeds, and when it is judged next.
        self._judged = state.judged
        first, _ = coming_warning(policy, state)
        self._waits = 0 < first <= self._judged
        self._from = boundary_after(self._judged, policy.pane) if self._waits else self._judged + 1

    def quiet(self, events: Sequence[Timed]) -> bool:
        """Return whether none of some events can bring a warning or end an episode."""
        state, policy = self._state, self._policy
        if state.warned or self._waits:
            return False
        gain = 1  # points that fade are rounded
        for _, code, detail in events:
            kind = policy.types.get(code)
            if kind is not None:
                # What an event does to others of its object may lower the score as well, and so may a number.
                if kind.weight < 0 or (detail is not None and (detail.object or policy.counts_numbers)):
                    return False
                gain += kind.weight
        if state.score < policy.engaged_from:
            return state.score + gain < policy.engaged_from
        # Points that come put the drop off. A late one may still end an episode of churn: then it is warned of.
        leaves = disengages_at(policy, state)
        return not leaves or leaves - policy.warn_before > max(events[-1][0], self._judged)

    def wake(self, until: int) -> None:
        """Raise the warning that is due by a time if nothing happens before."""
        first, leaves = coming_warning(self._policy, self._state)
        if first:
            self._judge(first, leaves, until, asks=True)
        else:
            self._waits = False
        if not self._waits:
            self._from = max(self._from, until + 1)
        self._judged = max(self._judged, until)

    def take(self, event: Timed, before: int) -> None:
        """Judge what an event has made of the outlook."""
        self.correct(event[0], before)

    def correct(self, at: int, before: int) -> None:
        """Judge what an event has made of the outlook, counted or not."""
        self._end(at, before)
        first, leaves = coming_warning(self._policy, self._state)
        near = 0 < first <= self._judged
        lowered = self._state.score < before
        if near and self._waits:
            if lowered and first <= at:
                self._warn(at, leaves)
            return
        self._waits, self._from = False, at
        if near:
            self._judge(first, leaves, at, asks=not lowered)

    def cross(self, boundary: int, before: int, feeding: Feeding | None) -> None:  # noqa: ARG002
        """End the episode of a warning if a boundary has put the drop off for long enough."""
        self._end(boundary, before)

    def _end(self, step: int, before: int) -> None:
        """End the episode of a warning if a step, a boundary or an event, has put the drop off for long enough."""
        state, policy = self._state, self._policy
        self._step, self._before = step, before
        self._judged = max(self._judged, step)
        if state.warned:
            far = lowest_until(policy, state, self._judged + policy.warn_before)
            state.warned = far < policy.engaged_from + policy.rearm_margin

    def close(self) -> int:
        """Forget the last warning when its episode is over and it holds nothing back any more.

        Returns:
            When the warning is raised if nothing more comes, or judged again where silent feeds hold it back.
        """
        state, policy = self._state, self._policy
        if not state.warned and state.last_warning + policy.cooldown <= self._judged:
            state.last_warning = NONE
        first, leaves = coming_warning(policy, state)
        if first and first <= state.judged:
            first = boundary_after(state.judged, policy.pane)
        return first if first < leaves else 0

    def _judge(self, first: int, leaves: int, until: int, *, asks: bool) -> None:
        """Raise the warning at the first moment up to a time at which it is due and, where it asks, no feed silent."""
        at = max(first, self._from)
        if at > until:
            return
        channels = feeding_now(self._policy, self._state) if asks and self._policy.watched else []
        while at <= until and at < leaves:
            if not self._feeds.silent(channels, at):
                self._warn(at, leaves)
                return
            self._waits = True
            self._from = at = boundary_after(at, self._policy.pane)

    def _warn(self, at: int, leaves: int) -> None:
        state, policy = self._state, self._policy
        before = self._before if at == self._step else state.score
        state.warned, state.last_warning, self._waits = True, at, False
        reasons = reasons_of_coming(policy, state, leaves)
        self._transitions.append(
            Alert("disengaging_soon", state.band, policy.band_of(before), state.score, before, at, reasons, leaves)
        )
