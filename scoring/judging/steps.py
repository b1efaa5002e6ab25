"""The steps of a customer through time: events and pane boundaries in their order, each judged.

Rests on decisions 3 and 136.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from scoring.customer.state import CustomerState, Dropped, Timed, fade
from scoring.feeds.feeds import Feeding, feeding
from scoring.instants import NEVER
from scoring.judging.active_days import note_days, note_ends
from scoring.judging.alert_machine import AlertMachine, is_unmoved
from scoring.judging.corrections import Correction, correct, within_window
from scoring.judging.counting import count_event, keep_for_trend
from scoring.judging.outcome import Outcome
from scoring.judging.reasons import reason_of_event, reasons_of_object, reasons_of_panes
from scoring.judging.watch import Watch
from scoring.policy.policy import Policy

#: Time and code of an event, the score before and after it, and what it changed in the counts of others.
_Step = tuple[int, str, int, int, Sequence[Correction]]
_NONE: Final[Sequence[Correction]] = ()


class Steps:
    """Takes the steps of one customer by one policy."""

    __slots__ = ("machine", "outcome", "policy", "state", "watches")

    def __init__(
        self,
        policy: Policy,
        state: CustomerState,
        machine: AlertMachine,
        outcome: Outcome,
        watches: list[Watch],
    ) -> None:
        """Stand where the customer was judged last.

        Args:
            policy: in force, for the segment of the customer.
            state: the customer's; changed in place.
            machine: judges each step.
            outcome: counts what is taken.
            watches: look at what the steps have made of the customer.
        """
        self.policy = policy
        self.state = state
        self.machine = machine
        self.outcome = outcome
        self.watches = watches

    def run(self, due: Sequence[Timed], now: int) -> None:
        """Take the events and the pane boundaries up to now."""
        if now // self.policy.pane <= self.state.pane:
            # The usual case: no boundary has passed since the customer was judged last.
            self._take(due)
            self._wake(now)
            return
        index, total = 0, len(due)
        while True:
            stop = self._next_boundary()
            if index < total and due[index][0] < stop:
                alike = 1 if self.policy.half_life else self.policy.panes
                limit = min(stop, (due[index][0] // self.policy.pane + alike) * self.policy.pane)
                end = index
                while end < total and due[end][0] < limit:
                    end += 1
                self._take(due[index:end])
                index = end
            elif stop <= now:
                self._cross(stop)
            else:
                break
        # While the panes are there that a watch looks back at.
        self._wake(now)
        self._slide(max(now // self.policy.pane, self.state.pane))

    def _wake(self, now: int) -> None:
        self.machine.wake(now, self.state.score)
        for watch in self.watches:
            watch.wake(now)

    def _next_boundary(self) -> int:
        """Find the next boundary at which a pane with counts leaves the window."""
        state, policy = self.state, self.policy
        inside = [pane for pane in state.panes if pane > state.pane - policy.panes]
        if not inside:
            return NEVER
        if policy.half_life:
            return (state.pane + 1) * policy.pane
        return (min(inside) + policy.panes) * policy.pane

    def _take(self, events: Sequence[Timed]) -> None:
        """Take events between two boundaries."""
        if not events:
            return
        for watch in self.watches:
            if not watch.quiet(events):
                self._take_apart(events)
                return
        self._take_together(events)

    def _take_apart(self, events: Sequence[Timed]) -> None:
        """Take events between two boundaries, each looked at by itself."""
        for event in events:
            for watch in self.watches:
                watch.wake(event[0])
            before = self.state.score
            self._take_together((event,))
            for watch in self.watches:
                watch.take(event, before)

    def _take_together(self, events: Sequence[Timed]) -> None:
        """Take events between two boundaries; judge each where more than the last could tell."""
        state, policy = self.state, self.policy
        judged, length = state.judged, policy.pane
        start = before = state.score
        steps: list[_Step] = []
        up = down = False
        for time, code, detail in events:
            if time < judged:
                self.outcome.late += 1
            pane = time // length
            if pane > state.pane:
                self._slide(pane)
                before = state.score
            delta = count_event(policy, state, pane, code, detail, time) if code else 0
            corrections = self._correct((time, code, detail)) if detail is not None and detail.object else _NONE
            score = before
            if delta or corrections:
                if policy.half_life:
                    fade(policy, state)
                else:
                    state.score += delta
                    state.channel_points[policy.types[code].channel] += delta
                score = state.score
                if score > before:
                    up = True
                elif score < before:
                    down = True
            if time > state.last_event_at:  # noqa: PLR1730 - max() would be a call for each event
                state.last_event_at = time
            steps.append((time, code, before, score, corrections))
            before = score
        self.outcome.taken += len(events)
        if not self._all_the_same(start, up=up, down=down):
            self._judge_each(steps)

    def _all_the_same(self, start: int, *, up: bool, down: bool) -> bool:
        """Return whether none of the steps can have changed band or alert: one direction, and neither moved."""
        state, policy = self.state, self.policy
        if (up and down) or not policy.band_of(start) == policy.band_of(state.score) == state.band:
            return False
        return is_unmoved(policy, state, start)

    def _correct(self, event: Timed) -> Sequence[Correction]:
        """Correct the counts of other events of the same object; without a half-life, the score too."""
        state, policy = self.state, self.policy
        corrections, forgotten = correct(policy, state, event)
        self.outcome.crowded += forgotten
        scored = within_window(policy, state, corrections)
        if not policy.half_life:
            for each in scored:
                state.score += each.points
                state.channel_points[policy.types[each.code].channel] += each.points
        return scored

    def take_outdated(self, events: Iterable[Timed], now: int) -> None:
        """Count events that came too late to score; one may still change what a later one of its object counts."""
        state, policy = self.state, self.policy
        for time, code, detail in events:
            keep_for_trend(policy, state, (time, code, detail))
            if detail is not None and detail.object:
                before = state.score
                corrections = self._correct((time, code, detail))
                if corrections:
                    if policy.half_life:
                        fade(policy, state)
                    self._judge_each([(time, code, before, state.score, corrections)])
                    for watch in self.watches:
                        watch.correct(time, before)
                    self._wake(now)

    def _judge_each(self, steps: Sequence[_Step]) -> None:
        for index, (time, code, before, score, corrections) in enumerate(steps):
            reasons = partial(reason_of_event, self.policy, time, code, score - before)
            if corrections:
                reasons = partial(
                    reasons_of_object, self.policy, time, code, score - before, corrections, self.state.pane
                )
            self.machine.judge(time, before, score, "event", reasons, self._feeding({}, steps, index))

    def _cross(self, boundary: int) -> None:
        """Judge a boundary with the panes that count from then on."""
        state, policy = self.state, self.policy
        for watch in self.watches:
            watch.wake(boundary - 1)
        before, pane = state.score, boundary // policy.pane
        leaving = {
            old: counts for old, counts in state.panes.items() if state.pane - policy.panes < old <= pane - policy.panes
        }
        self._slide(pane)
        reasons = partial(reasons_of_panes, policy, leaving)
        brought = self._feeding(leaving)
        self.machine.judge(boundary, before, state.score, "expired", reasons, brought)
        for watch in self.watches:
            watch.cross(boundary, before, brought)

    def _feeding(
        self,
        leaving: Mapping[int, Mapping[str, int]],
        steps: Sequence[_Step] = (),
        index: int = 0,
    ) -> Feeding | None:
        """Give a function that names the watched channels which had brought points by a step."""
        state, policy = self.state, self.policy
        if not policy.watched:
            return None

        def found() -> list[str]:
            inside = [counts for pane, counts in state.panes.items() if pane > state.pane - policy.panes]
            later = Counter(code for _, code, *_ in steps[index + 1 :])
            undone = Counter[str]()
            for *_, corrections in steps[index + 1 :]:
                for each in corrections:
                    undone[each.code] -= each.added
            return feeding(policy, [*leaving.values(), *inside, undone], later)

        return found

    def _slide(self, pane: int) -> None:
        """Move the window on; drop the panes that not even the trend looks at."""
        state, policy = self.state, self.policy
        if pane <= state.pane:
            return
        leaving = [old for old in state.panes if state.pane - policy.panes < old <= pane - policy.panes]
        if policy.tally.pane and state.dropped is None:
            state.dropped = Dropped(state.pane)
        dropped = state.dropped
        state.pane = pane
        if policy.half_life:
            fade(policy, state)
        else:
            for old in leaving:
                self._take_away(old)
        gone = [old for old in state.panes if old <= pane - policy.kept_panes]
        if gone:
            # A pane may come and go within one evaluation.
            touched = [old for old in gone if old in state.touched_panes]
            note_days(policy, state, touched)
            note_ends(policy, state, touched)
            for old in gone:
                if dropped is not None:
                    dropped.panes[old] = state.panes[old]
                del state.panes[old], state.pane_points[old]
            state.touched_panes |= set(gone)
        self._drop_visits(pane)

    def _drop_visits(self, pane: int) -> None:
        """Drop visits by themselves: a pane whose events have all been taken back has no counts, and yet had visits."""
        state, dropped = self.state, self.state.dropped
        for channel, visits in state.visits.items():
            ended = [old for old in visits if old <= pane - self.policy.kept_panes]
            for old in ended:
                if dropped is not None:
                    dropped.visits.setdefault(channel, {})[old] = visits[old]
                del visits[old]
            state.touched_visits |= {(channel, old) for old in ended}

    def _take_away(self, pane: int) -> None:
        state, types = self.state, self.policy.types
        state.score -= state.pane_points[pane]
        for code, count in state.panes[pane].items():
            kind = types.get(code)
            if kind is not None:
                state.channel_points[kind.channel] -= kind.points(count)
