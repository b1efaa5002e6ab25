"""Watches one customer for the signals of the policy, step by step in the order of time.

Rests on decisions 96 and 136.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.signals import SignalState
from scoring.customer.state import NONE, CustomerState, Timed
from scoring.feeds.feeds import Feeding
from scoring.instants import DAY, NEVER
from scoring.judging.alerts import Transition
from scoring.judging.moment import Moment
from scoring.judging.reasons import reason_of_event
from scoring.judging.signals.levels import Levels
from scoring.judging.signals.postponing import Postponing
from scoring.judging.signals.raising import Raiser
from scoring.judging.signals.waiting import Waiting
from scoring.judging.watch import Watch
from scoring.policy.policy import Policy
from scoring.rules.signals import EVENT, NO_BAND


class SignalWatch(Watch):
    """Judges the signals of one customer."""

    __slots__ = ("_crossed", "_judged", "_levels", "_policy", "_raiser", "_signals", "_state", "_waiting")

    def __init__(
        self,
        policy: Policy,
        state: CustomerState,
        moment: Moment,
        transitions: list[Transition],
        since: int,
    ) -> None:
        """Go on from where the customer stands.

        Args:
            policy: in force, with signals.
            state: the customer's; its part of signals is changed in place.
            moment: says when the feeds have been silent.
            transitions: where what is raised is added.
            since: up to when the customer had been judged before, in microseconds; `NONE` for a new one.
        """
        self._policy = policy
        self._state = state
        self._signals = followed(policy, state, since)
        self._judged = state.judged
        # The boundary that was crossed last: what it has changed is judged.
        self._crossed = NONE
        self._raiser = Raiser(state, self._signals, transitions)
        self._waiting = Waiting(policy, state, self._raiser, moment, self._signals.since)
        lasting = [each for each in policy.signals if each.holds_for_a_while]
        postponing = Postponing(policy, state, self._raiser, moment)
        self._levels = Levels(policy, state, self._raiser, postponing, transitions, lasting, self._signals.since)

    def quiet(self, events: Sequence[Timed]) -> bool:  # noqa: ARG002 - whatever they are
        """Return that each event can raise a signal."""
        return False

    def wake(self, until: int) -> None:
        """Raise what holds, waits and quiet hours bring by a time."""
        at, last = self._next(), NONE
        while at <= until and at != last:
            self._judged, last = max(self._judged, at), at
            for rule in self._policy.signals:
                found = self._raiser.find(rule)
                if found is not None:
                    # First what quiet hours have held: what is raised now may go on with its episode.
                    self._raiser.release(found, at)
                    if not rule.holds_for_a_while:
                        self._waiting.end(rule, found, at)
            if at != self._crossed and self._levels.next_change(at - 1) == at:
                self._levels.step(at, by_time=True)
            self._levels.look_again(at)
            at = self._next()
        self._judged = max(self._judged, until)

    def take(self, event: Timed, before: int) -> None:
        """Judge an event that has been counted."""
        time, code, detail = event
        for rule in self._policy.signals_on.get(code, ()):
            if rule.kind != EVENT:
                self._waiting.take(rule, event)
            elif time > self._signals.since:
                reasons = reason_of_event(self._policy, time, code, self._state.score - before)
                self._raiser.rise(rule, time, reasons, detail.id if detail is not None else "")
        self.correct(time, before)

    def cross(self, boundary: int, before: int, feeding: Feeding | None) -> None:  # noqa: ARG002 - whatever it was
        """Judge what a boundary has made of the score; what waits is judged at the boundary as well, after this."""
        self._levels.step(boundary, feeding, by_time=True)
        self._answer_by_band(boundary, by_time=True)
        self._judged, self._crossed = max(self._judged, boundary - 1), boundary

    def correct(self, at: int, before: int) -> None:
        """Judge what an event has made of the score."""
        self._levels.step(at, lowered=self._state.score < before)
        self._answer_by_band(at, by_time=False)
        self._judged = max(self._judged, at)

    def _answer_by_band(self, at: int, *, by_time: bool) -> None:
        for rule in self._policy.signals:
            if rule.without_band != NO_BAND:
                self._waiting.answer_by_band(rule, at, by_time=by_time)

    def close(self) -> int:
        """Forget what nothing hangs on any more.

        Returns:
            When the next wait or quiet hour ends.
        """
        self._judged = self._state.judged
        due = self._next_end()
        judged, standings = self._state.judged, self._signals.standings
        for rule in self._policy.signals:
            found = standings.get(rule.code)
            if found is None:
                continue
            if found.last != NONE and found.last + rule.cooldown <= judged:
                found.last = NONE
            if found.answers:
                kept = max(rule.within, DAY)
                found.answers = {about: time for about, time in found.answers.items() if time + kept > judged}
            if found.empty:
                del standings[rule.code]
        return 0 if due == NEVER else due

    def _next(self) -> int:
        """Find the next moment that time alone brings."""
        return min(self._next_end(), self._levels.next_change(self._judged))

    def _next_end(self) -> int:
        """Find when a wait ends next, or quiet hours do; `NEVER` where nothing waits."""
        first = NEVER
        for rule in self._policy.signals if self._signals.standings else ():
            found = self._raiser.find(rule)
            if found is not None:
                first = min(first, self._waiting.next_end(rule, found, self._judged))
                first = min([first, *[end for end, _ in found.held]])
        return first


def followed(policy: Policy, state: CustomerState, since: int) -> SignalState:
    """Give a customer's part of signals by the rules of a policy: those that are new raise nothing about the past.

    Args:
        policy: in force, with signals.
        state: the customer's; changed in place.
        since: up to when the customer had been judged before, in microseconds; `NONE` for a new one.

    Returns:
        The part, which is that of the state.
    """
    signals = state.signals
    if signals is None:
        signals = state.signals = SignalState(policy.signals_digest, since)
    elif signals.rules != policy.signals_digest:
        signals.rules, signals.since = policy.signals_digest, since
        rules = {rule.code: rule for rule in policy.signals}
        signals.standings = {code: standing for code, standing in signals.standings.items() if code in rules}
        for code, standing in signals.standings.items():
            rule = rules[code]
            standing.waits = [
                wait
                for wait in standing.waits
                if rule.holds_for_a_while or (wait.code in rule.on and (wait.held or wait.time + rule.within > since))
            ]
    return signals
