"""Raises signals, ends them, and holds those of quiet hours.

Rests on decisions 96 and 98.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from scoring.customer.episodes import Report
from scoring.customer.signals import Signal, SignalState, Standing, Wait, report_name
from scoring.customer.state import NONE, CustomerState
from scoring.judging.alerts import Transition
from scoring.judging.reasons import Reasons
from scoring.rules.signals import EVENT, SignalRule

#: Signals of one name that wait for the end of quiet hours. More are raised at once: none is dropped.
MOST_HELD: Final = 32


class Raiser:
    """Raises the signals of one customer."""

    __slots__ = ("_signals", "_state", "_transitions")

    def __init__(self, state: CustomerState, signals: SignalState, transitions: list[Transition]) -> None:
        """Go on from where the customer stands.

        Args:
            state: the customer's.
            signals: the customer's part of signals; changed in place.
            transitions: where what is raised is added.
        """
        self._state = state
        self._signals = signals
        self._transitions = transitions

    def standing(self, rule: SignalRule) -> Standing:
        """Give where the customer stands with a signal, to be changed in place."""
        code = rule.code
        found = self._signals.standings.get(code)
        if found is None:
            found = self._signals.standings[code] = Standing()
        return found

    def find(self, rule: SignalRule) -> Standing | None:
        """Give where the customer stands with a signal; None where there is nothing to be remembered."""
        return self._signals.standings.get(rule.code)

    def rise(self, rule: SignalRule, at: int, reasons: Reasons, about: str = "") -> None:
        """Raise a signal, unless it was raised within its cooldown.

        Args:
            rule: of the signal.
            at: its moment, in microseconds.
            reasons: what it is made of.
            about: see `Signal`.
        """
        standing = self.standing(rule)
        if cooldown_end(rule, standing, at):
            return
        if rule.cooldown:
            standing.last = max(standing.last, at)
        name, lasts = report_name(rule.name, about), rule.kind != EVENT
        signal = Signal(
            rule.name,
            rule.severity,
            self._state.band,
            self._state.score,
            at,
            reasons,
            about,
            lasts,
            earlier=tuple([report for report in standing.reports if report.name == name]) if lasts else (),
            title=rule.title,
            text=rule.message,
            segment=self._state.segment,
        )
        if lasts:
            standing.add(signal.report)
        until = rule.quiet.end_after(at) if rule.quiet is not None else 0
        if until and len(standing.held) < MOST_HELD:
            standing.held.append((until, signal))
        else:
            self._transitions.append(signal)

    def release(self, standing: Standing, until: int) -> None:
        """Raise what was held, where its quiet hours are over.

        Args:
            standing: changed in place.
            until: microseconds.
        """
        over = [signal for end, signal in standing.held if end <= until]
        standing.held = [(end, signal) for end, signal in standing.held if end > until]
        self._transitions += over

    def end(self, rule: SignalRule, at: int, reasons: Reasons, about: str = "", begun: int = NONE) -> None:
        """End the open reports of a signal; of what quiet hours still hold nobody has been told, and nobody is.

        Args:
            rule: of the signal.
            at: when it ends, in microseconds; if a report is of a later moment, that.
            reasons: what ended it.
            about: the digest of the object, or ''.
            begun: only reports up to this moment are ended, if it is given.
        """
        standing = self.standing(rule)
        name = report_name(rule.name, about)
        over = [each for each in standing.reports if each.name == name and (begun == NONE or each.occurred_at <= begun)]
        if not over:
            return
        standing.reports = tuple([report for report in standing.reports if report not in over])
        held = [signal.report for _, signal in standing.held]
        standing.held = [
            (until, _without(signal, over)) for until, signal in standing.held if signal.report not in over
        ]
        told = [report for report in over if report._replace(made="") not in held]
        if told:
            ended_at = max([at, *[report.occurred_at for report in told]])
            self._transitions.append(self._ended(rule, ended_at, reasons, about, told))

    def _ended(self, rule: SignalRule, at: int, reasons: Reasons, about: str, told: Sequence[Report]) -> Signal:
        return Signal(
            rule.name,
            "info",
            self._state.band,
            self._state.score,
            at,
            reasons,
            about,
            lasts=True,
            ended=True,
            opened=told[0].occurred_at,
            earlier=tuple(told),
            segment=self._state.segment,
        )


def cooldown_end(rule: SignalRule, standing: Standing, at: int) -> int:
    """Return until when its cooldown holds a signal back.

    Args:
        rule: of the signal.
        standing: of the customer with it.
        at: the time of the signal, in microseconds; before the last one, too, it is within the cooldown of that.

    Returns:
        Microseconds; 0 where nothing is held back.
    """
    if not rule.cooldown or standing.last == NONE or abs(at - standing.last) >= rule.cooldown:
        return 0
    return standing.last + rule.cooldown


def end_of_wait(rule: SignalRule, standing: Standing, wait: Wait) -> int:
    """Return when a wait ends if no silent feed holds it, in microseconds.

    Args:
        rule: of the signal; what holds for a while waits for the end of the cooldown.
        standing: of the customer with it.
        wait: one of those.
    """
    if not rule.holds_for_a_while:
        return wait.time + rule.within
    # A policy with a shorter cooldown may have come meanwhile.
    return max(standing.last + rule.cooldown, wait.time)


def _without(signal: Signal, over: Sequence[Report]) -> Signal:
    """Give a signal that is held without the reports before it that have ended: it begins an episode of its own."""
    if not any(report in over for report in signal.earlier):
        return signal
    return replace(signal, earlier=tuple([report for report in signal.earlier if report not in over]))
