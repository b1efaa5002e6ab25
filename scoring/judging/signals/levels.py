"""What holds for a while and then no more: a band, a move of the score, a measure past a bound, a step of a funnel.

Rests on decisions 96, 119 and 120.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from scoring.customer.measuring import measured_at
from scoring.customer.projection import next_step
from scoring.customer.signals import Standing
from scoring.customer.state import CustomerState
from scoring.feeds.feeds import Feeding
from scoring.instants import NEVER, boundary_after, format_duration, format_instant
from scoring.judging.active_days import note_days
from scoring.judging.alerts import BandChange, Transition
from scoring.judging.reasons import Reasons
from scoring.judging.score import changes_of_pane, changing_panes, score_at
from scoring.judging.signals.postponing import Postponing
from scoring.judging.signals.raising import Raiser, cooldown_end
from scoring.points import POINT, rounded
from scoring.policy.policy import BANDS, Policy
from scoring.rules.funnels import Funnel, depth_at
from scoring.rules.signals import BAND, FUNNEL, MEASURE, NO_BAND, SignalRule

#: Measures by their names, as they are published.
_Values = dict[str, str]


class Levels:
    """Judges what holds of one customer: it is raised when it begins to hold, and ends when it does no more.

    What holds, has not been raised and does not wait, does so by other rules (policy, segment, linked ids), or since a
    moment before the rule: it is raised when it begins to hold another time.
    """

    __slots__ = (
        "_funnels",
        "_measures",
        "_policy",
        "_postponing",
        "_raiser",
        "_rules",
        "_since",
        "_state",
        "_stood",
        "_timed",
        "_transitions",
    )

    def __init__(
        self,
        policy: Policy,
        state: CustomerState,
        raiser: Raiser,
        postponing: Postponing,
        transitions: Sequence[Transition],
        rules: Sequence[SignalRule],
        since: int,
    ) -> None:
        """Look at what holds.

        Args:
            policy: in force.
            state: the customer's.
            raiser: of the customer's signals.
            postponing: of the customer's signals.
            transitions: the band changes of the steps.
            rules: of what holds for a while.
            since: what begins to hold by this time is not raised, in microseconds.
        """
        self._policy = policy
        self._state = state
        self._raiser = raiser
        self._postponing = postponing
        self._transitions = transitions
        self._rules = rules
        self._since = since
        names = {rule.measure for rule in rules if rule.kind == MEASURE}
        self._measures = [measure for measure in policy.measures if measure.name in names] if names else []
        self._funnels = {funnel.name: funnel for funnel in policy.figures.funnels}
        self._timed = any(rule.kind != BAND for rule in rules)
        values = self._values(state.judged)
        self._stood = [self._holds(rule, state.judged, values) for rule in rules]
        for rule, stood in zip(rules, self._stood, strict=True):
            if not stood and (found := raiser.find(rule)) is not None:
                # Another policy may have put an end to what waits.
                found.waits = []

    def step(self, at: int, feeding: Feeding | None = None, *, by_time: bool = False, lowered: bool = False) -> None:
        """Judge after a step.

        Args:
            at: its time, in microseconds.
            feeding: see `Watch.cross`.
            by_time: whether time alone has made the step.
            lowered: whether an event has taken points: then nothing waits for silent feeds any more.
        """
        values = self._values(at)
        for index, rule in enumerate(self._rules):
            stood, holds = self._stood[index], self._holds(rule, at, values)
            self._stood[index] = holds
            found = self._raiser.find(rule)
            if not holds:
                if found is not None:
                    self._end(rule, found, at, values)
            elif found is not None and (found.reports or found.waits):
                if lowered and found.waits and found.waits[0].held:
                    # The event may have come late, and be of a time before the wait began.
                    raised_at = max(at, found.waits[0].time)
                    if not cooldown_end(rule, found, raised_at):
                        self._raise(rule, found, raised_at, values)
            elif not stood and at > self._since and self._postponing.begin(rule, at, feeding, by_time=by_time):
                self._raiser.rise(rule, at, self._reasons(rule, at, values))

    def look_again(self, at: int) -> None:
        """Raise what has waited for long enough.

        Args:
            at: a time that has come, in microseconds.
        """
        values: _Values | None = None
        for rule in self._rules:
            found = self._raiser.find(rule)
            # The end of another wait may lie before, where a late event has begun it.
            if found is None or not found.waits or at < found.waits[0].time:
                continue
            if values is None:
                values = self._values(at)
            if not self._holds(rule, at, values):
                found.waits = []
            elif self._postponing.is_over(rule, found, at):
                self._raise(rule, found, at, values)

    def _raise(self, rule: SignalRule, found: Standing, at: int, values: _Values) -> None:
        found.waits = []
        self._raiser.rise(rule, at, self._reasons(rule, at, values))

    def _end(self, rule: SignalRule, found: Standing, at: int, values: _Values) -> None:
        found.waits = []
        if found.reports:
            self._raiser.end(rule, at, self._reasons(rule, at, values))

    def next_change(self, after: int) -> int:
        """Return when a move, a measure or a funnel changes by itself next, before anything else happens.

        Args:
            after: microseconds.

        Returns:
            Microseconds; `NEVER` where none does.
        """
        policy, state = self._policy, self._state
        if not self._timed:
            return NEVER
        if policy.half_life:
            return boundary_after(after, policy.pane) if state.panes else NEVER
        times = [time for pane in changing_panes(state) for time in changes_of_pane(policy, pane) if time > after]
        if any(measure.step for measure in self._measures):
            step = next_step(policy, state, max(after // policy.pane, state.pane))
            if step > after:
                times.append(step)
        return min(times, default=NEVER)

    def _values(self, at: int) -> _Values:
        """Take the measures that rules are about, as of a time."""
        measures, policy, state = self._measures, self._policy, self._state
        if not measures:
            return {}
        if any(measure.step for measure in measures):
            # What is projected goes by the first active day, which may be one of those that are being judged.
            note_days(policy, state, state.touched_panes)
        texts = measured_at(policy, state, measures, max(at // policy.pane, state.pane))
        return {measure.name: text for measure, text in zip(measures, texts, strict=True)}

    def _holds(self, rule: SignalRule, at: int, values: _Values) -> bool:
        if rule.kind == BAND:
            band = self._state.band
            return band >= rule.reaches if rule.reaches != NO_BAND else band < rule.leaves
        if rule.kind == MEASURE:
            return _is_past(rule, values.get(rule.measure, ""))
        if rule.kind == FUNNEL:
            funnel = self._funnels[rule.funnel]
            return depth_at(funnel, self._state.panes, max(at // self._policy.pane, self._state.pane)) >= rule.step
        before, score = self._scores(rule, at)
        moved = score - before if rule.rises else before - score
        if rule.share:
            return before > 0 and moved * POINT >= before * rule.share
        return moved >= rule.points

    def _scores(self, rule: SignalRule, at: int) -> tuple[int, int]:
        """Give the score of some time before, and that of now."""
        now = max(at, self._state.pane * self._policy.pane)
        return score_at(self._policy, self._state, now - rule.within), score_at(self._policy, self._state, now)

    def _reasons(self, rule: SignalRule, at: int, values: _Values) -> Reasons:
        if rule.kind == BAND:
            changes = [each for each in self._transitions if isinstance(each, BandChange) and each.occurred_at == at]
            if changes:
                return changes[-1].reasons
            return [{"cause": "band", "band": BANDS[self._state.band]}]
        if rule.kind == MEASURE:
            text = values.get(rule.measure, "")
            bounds = {"at_least": rule.at_least, "at_most": rule.at_most}
            return [
                {"cause": "measure", "measure": rule.measure, "value": float(text) if text else None}
                | {key: float(bound) for key, bound in bounds.items() if bound is not None}
            ]
        if rule.kind == FUNNEL:
            return [_of_funnel(self._policy, self._funnels[rule.funnel], rule.step)]
        before, score = self._scores(rule, at)
        since = format_instant(at - rule.within)
        return [{"cause": "moved", "points": rounded(score - before), "from": rounded(before), "since": since}]


def _of_funnel(policy: Policy, funnel: Funnel, step: int) -> dict[str, Any]:
    within = format_duration(funnel.panes * policy.pane)
    return {"cause": "funnel", "funnel": funnel.name, "steps": list(funnel.labels[:step]), "within": within}


def _is_past(rule: SignalRule, text: str) -> bool:
    """Return whether a measure is past the bounds of a rule, as it is published; without a value it is not."""
    if not text:
        return False
    value = Fraction(text)
    return (rule.at_least is None or value >= rule.at_least) and (rule.at_most is None or value <= rule.at_most)
