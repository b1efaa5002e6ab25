"""Counting: an event becomes a count of its pane, and part of a visit."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.state import CustomerState, Timed, open_pane, touch_visits
from scoring.customer.unknown_types import MOST_APART, gather
from scoring.instants import SECOND
from scoring.policy.policy import Policy
from scoring.rules.details import Detail, add_amount, add_amounts
from scoring.rules.sessions import SessionRule, add_visit


def count_event(policy: Policy, state: CustomerState, pane: int, code: str, detail: Detail | None, time: int) -> int:
    """Count one event in its pane.

    Args:
        policy: in force.
        state: the customer's; changed in place.
        pane: of the event; not before the oldest that is kept.
        code: of its type.
        detail: amounts and object; None for neither.
        time: in microseconds.

    Returns:
        The points by which the pane changed.
    """
    counts = state.panes.get(pane)
    if counts is None or pane not in state.touched_panes:
        counts = open_pane(policy, state, pane)
    number = counts.get(code, 0) + 1
    counts[code] = number
    added = 0
    if detail is not None and detail.amounts:
        if policy.counts_numbers:
            added = _add_numbers(policy, counts, detail.amounts)
            state.pane_points[pane] += added
        else:
            add_amounts(counts, detail.amounts)
    if policy.sessions:
        rule = policy.sessions.get(code)
        if rule is not None:
            _visit(policy, state, pane, time // SECOND, rule)
    kind = policy.types.get(code)
    if kind is None or number > kind.cap:
        if kind is None and number == 1 and len(counts) > MOST_APART:
            gather(policy, counts)
        return added
    state.pane_points[pane] += kind.weight
    return kind.weight + added


def _add_numbers(policy: Policy, counts: dict[str, int], amounts: Sequence[tuple[str, int]]) -> int:
    """Add the amounts of an event to a pane; return the points that the numbers among them bring."""
    points = 0
    for code, amount in amounts:
        before = counts.get(code, 0)
        add_amount(counts, code, amount)
        number = policy.types.get(code)
        if number is not None:
            points += number.points(counts[code]) - number.points(before)
    return points


def _visit(policy: Policy, state: CustomerState, pane: int, second: int, rule: SessionRule) -> None:
    touch_visits(policy, state, rule.channel, pane)
    visits = state.visits.setdefault(rule.channel, {}).setdefault(pane, [])
    add_visit(visits, second, rule.pages, rule.pause)


def keep_for_trend(policy: Policy, state: CustomerState, event: Timed) -> None:
    """Count an event that came too late to score, as far back as the trend looks.

    Args:
        policy: in force.
        state: the customer's; changed in place.
        event: with its time and code.
    """
    time, code, detail = event
    pane = time // policy.pane
    if code and state.pane - policy.kept_panes < pane:
        count_event(policy, state, pane, code, detail, time)
