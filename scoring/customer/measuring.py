"""From a customer's panes to the customer's measures, as they are published.

Rests on decision 8.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.projection import time_covered
from scoring.customer.state import CustomerState
from scoring.points import POINT, quotient
from scoring.policy.policy import Policy
from scoring.rules.details import add_amount, latest_value
from scoring.rules.measures import (
    BOUNCE_RATE,
    PAGES_PER_SESSION,
    PANES,
    PROJECTED,
    RATE,
    REGULARITY,
    RETURNING,
    SESSION_TIME,
    SESSIONS,
    SUMMED,
    TIME_ON_PAGE,
    Measure,
)
from scoring.rules.regularity import REGULARITIES, regularity
from scoring.rules.sessions import SessionTotals, Visit, add_up


def measured(policy: Policy, state: CustomerState) -> list[str]:
    """Compute the measures of a customer as of the present pane.

    Args:
        policy: declares them.
        state: derived.

    Returns:
        One text for each measure of the policy, in its order; '' where there is nothing to tell.
    """
    return measured_at(policy, state, policy.measures, state.pane)


def measured_at(policy: Policy, state: CustomerState, measures: Sequence[Measure], present: int) -> list[str]:
    """Compute measures of a customer as of a pane.

    Args:
        policy: in force.
        state: derived.
        measures: of the policy.
        present: the pane, of those that are kept or later.

    Returns:
        One text for each measure, in their order; '' where there is nothing to tell.
    """
    texts: list[str] = []
    totals: dict[int, dict[str, int]] = {}
    sessions: dict[tuple[str, int], SessionTotals] = {}
    for measure in measures:
        span, form = measure.panes, measure.form
        if form in SUMMED or form == PROJECTED:
            if span not in totals:
                totals[span] = _totals(policy, state, span, present)
            time = time_covered(policy, state, present, measure.step, span * policy.pane) if measure.step else 1
            texts.append(fraction(measure, totals[span], time))
        elif form == PANES:
            active = len(_active_panes(measure, state, present))
            texts.append(str(active) if active else "")
        elif form == REGULARITY:
            texts.append(REGULARITIES[regularity(_active_panes(measure, state, present), span, policy.pane)])
        else:
            key = (measure.channel, span)
            if key not in sessions:
                sessions[key] = add_up(_visits(measure, state, present), measure.pause)
            texts.append(of_sessions(form, sessions[key]))
    return texts


def _totals(policy: Policy, state: CustomerState, span: int, present: int) -> dict[str, int]:
    """Add up the counts and amounts of the panes of a span, of those that any measure asks for."""
    totals: dict[str, int] = {}
    asked, oldest = policy.measured_codes, present - span
    for pane, counts in state.panes.items():
        if oldest < pane <= present:
            for code, amount in counts.items():
                if code in asked:
                    add_amount(totals, code, amount)
    return totals


def fraction(measure: Measure, totals: dict[str, int], time: int = 1) -> str:
    """Compute a fraction, a rate, or the share of one customer.

    Args:
        measure: of one of these forms.
        totals: of its codes, over its time; one that is missing has nothing to tell.
        time: microseconds by which one that is projected is divided.

    Returns:
        The text as it is published; '' where there is nothing to take it from, or nothing to divide by.
    """
    value, found = 0, False
    for code in measure.of:
        if code in totals:
            value += totals[code]
            found = True
    for code in measure.less:
        if code in totals:
            value -= totals[code]
            found = True
    if not measure.to:
        return quotient(value * measure.numerator, measure.denominator * time) if found else ""
    if measure.form == RATE:
        whole = latest_value(max([totals.get(code, 0) for code in measure.to]))
        return quotient(value * measure.numerator * POINT, measure.denominator * whole) if whole else ""
    whole = sum([totals.get(code, 0) for code in measure.to])
    return quotient(value * measure.numerator, measure.denominator * whole) if whole else ""


def _active_panes(measure: Measure, state: CustomerState, present: int) -> list[int]:
    oldest, active = present - measure.panes, []
    for pane, counts in state.panes.items():
        if oldest < pane <= present:
            for code in measure.of:
                if counts.get(code, 0) > 0:
                    active.append(pane)
                    break
    return active


def _visits(measure: Measure, state: CustomerState, present: int) -> list[Visit]:
    panes = state.visits.get(measure.channel, {})
    oldest = present - measure.panes
    return [visit for pane in sorted(panes) if oldest < pane <= present for visit in panes[pane]]


def of_sessions(form: str, totals: SessionTotals) -> str:
    """Read a measure off sessions.

    Args:
        form: one of those of sessions.
        totals: of the sessions.

    Returns:
        The text as it is published; '' where there is nothing to tell.
    """
    sessions = totals.sessions
    if form == RETURNING and sessions:
        return "returning" if sessions > 1 else "new"
    if form == SESSIONS:
        return str(sessions) if sessions else ""
    if form == SESSION_TIME:
        return str(totals.seconds) if sessions else ""
    dividend, divisor = totals.seconds, sessions
    if form == TIME_ON_PAGE:
        divisor = totals.moves
    elif form == PAGES_PER_SESSION:
        dividend = totals.pages
    elif form == BOUNCE_RATE:
        dividend = totals.bounces * 100
    return quotient(dividend, divisor) if divisor else ""
