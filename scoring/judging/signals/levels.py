"""What holds for a while and then no more: a band, a move of the score.

Rests on decision 96.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.state import CustomerState
from scoring.instants import format_instant
from scoring.judging.alerts import BandChange, Transition
from scoring.judging.reasons import Reasons
from scoring.judging.score import changes_of_pane, score_at
from scoring.judging.signals.raising import Raiser
from scoring.points import POINT, rounded
from scoring.policy.policy import BANDS, Policy
from scoring.rules.signals import BAND, MOVE, NO_BAND, SignalRule
from scoring.sources.feeds import NEVER


class Levels:
    """Judges what holds of one customer: it is raised when it begins to hold, and ends when it does no more.

    What holds without having been raised does so by other rules (policy, segment, linked ids), or within a cooldown:
    it is raised when it begins to hold another time.
    """

    __slots__ = ("_held", "_policy", "_raiser", "_rules", "_state", "_transitions")

    def __init__(
        self,
        policy: Policy,
        state: CustomerState,
        raiser: Raiser,
        transitions: Sequence[Transition],
        rules: Sequence[SignalRule],
    ) -> None:
        """Look at what holds.

        Args:
            policy: in force.
            state: the customer's.
            raiser: of the customer's signals.
            transitions: the band changes of the steps.
            rules: of what holds for a while.
        """
        self._policy = policy
        self._state = state
        self._raiser = raiser
        self._transitions = transitions
        self._rules = rules
        self._held = [self._holds(rule, state.judged) for rule in rules]

    def step(self, at: int) -> None:
        """Judge after a step.

        Args:
            at: its time, in microseconds.
        """
        for index, rule in enumerate(self._rules):
            held, holds = self._held[index], self._holds(rule, at)
            self._held[index] = holds
            if not holds:
                found = self._raiser.find(rule)
                if found is not None and found.reports:
                    self._raiser.end(rule, at, self._reasons(rule, at))
            elif not held:
                found = self._raiser.find(rule)
                if found is None or not found.reports:
                    self._raiser.rise(rule, at, self._reasons(rule, at))

    def next_change(self, after: int) -> int:
        """Tell when a move changes by itself next, before anything else happens.

        Args:
            after: microseconds.

        Returns:
            Microseconds; `NEVER` where none does.
        """
        policy, state = self._policy, self._state
        if not any(rule.kind == MOVE for rule in self._rules):
            return NEVER
        if policy.half_life:
            return (after // policy.pane + 1) * policy.pane if state.panes else NEVER
        return min(
            [time for pane in state.panes for time in changes_of_pane(policy, pane) if time > after], default=NEVER
        )

    def _holds(self, rule: SignalRule, at: int) -> bool:
        if rule.kind == BAND:
            band = self._state.band
            return band >= rule.reaches if rule.reaches != NO_BAND else band < rule.leaves
        before, score = self._scores(rule, at)
        moved = score - before if rule.rises else before - score
        if rule.share:
            return before > 0 and moved * POINT >= before * rule.share
        return moved >= rule.points

    def _scores(self, rule: SignalRule, at: int) -> tuple[int, int]:
        """Give the score of some time before, and that of now."""
        now = max(at, self._state.pane * self._policy.pane)
        return score_at(self._policy, self._state, now - rule.within), score_at(self._policy, self._state, now)

    def _reasons(self, rule: SignalRule, at: int) -> Reasons:
        if rule.kind == BAND:
            changes = [each for each in self._transitions if isinstance(each, BandChange) and each.occurred_at == at]
            if changes:
                return changes[-1].reasons
            return [{"cause": "band", "band": BANDS[self._state.band]}]
        before, score = self._scores(rule, at)
        since = format_instant(at - rule.within)
        return [{"cause": "moved", "points": rounded(score - before), "from": rounded(before), "since": since}]
