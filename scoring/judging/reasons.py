"""What a step of the score is made of, as alerts publish it.

Rests on decision 13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scoring.customer.state import CustomerState
from scoring.instants import format_instant
from scoring.judging.corrections import Correction
from scoring.points import Number, rounded
from scoring.policy.policy import Policy

Reasons = list[dict[str, Any]]


def reason_of_event(policy: Policy, time: int, code: str, points: int) -> Reasons:
    """Explain a step that an event made.

    Args:
        policy: in force.
        time: of the event, in microseconds.
        code: of its type.
        points: by which it moved the score, in millionths.

    Returns:
        One reason, or none for a type that the policy does not name.
    """
    kind = policy.types.get(code)
    if kind is None:
        return []
    channel = policy.channels[kind.channel].name
    counted = 1 if points or not kind.weight else 0
    return [_reason(channel, kind.name, points, 1, counted, {"cause": "event", "at": format_instant(time)})]


def reasons_of_object(
    policy: Policy, time: int, code: str, points: int, corrections: Sequence[Correction], pane: int
) -> Reasons:
    """Explain a step that an event made which changed what others of its object count.

    Args:
        policy: in force.
        time: of the event, in microseconds.
        code: of its type.
        points: by which the step moved the score, in millionths.
        corrections: of counts in the window.
        pane: the current one.

    Returns:
        A reason for each correction that moved the score and, where there is a rest, for the event; largest first.
    """
    found = []
    rest = points
    for each in corrections:
        kind = policy.types[each.code]
        part = round(each.points * policy.factor(pane - each.pane))
        if not part:
            continue
        rest -= part
        where = {"cause": "retracted", "pane": format_instant(each.pane * policy.pane)}
        counted = abs(each.points * (kind.per or 1) // kind.weight)
        shown = kind.shown(abs(each.added)), kind.shown(counted)
        found.append(_reason(policy.channels[kind.channel].name, kind.name, part, *shown, where))
    return largest_first(found + (reason_of_event(policy, time, code, rest) if rest else []))


def reasons_of_panes(policy: Policy, leaving: Mapping[int, Mapping[str, int]]) -> Reasons:
    """Explain a step that a pane boundary made.

    Args:
        policy: in force.
        leaving: the counts by type of each pane that left the window.

    Returns:
        One reason for each pane and type that took points with it, largest first; with a half-life also one for
        what faded.
    """
    return _of_panes(policy, leaving, "expired", "faded")


def reasons_of_coming(policy: Policy, state: CustomerState, until: int) -> Reasons:
    """Explain the fall of a score that is coming if nothing more comes.

    Args:
        policy: in force.
        state: derived.
        until: the last pane boundary that is looked at, in microseconds.

    Returns:
        As `reasons_of_panes`, of what will have left the window by then.
    """
    last = until // policy.pane - policy.panes
    leaving = {pane: counts for pane, counts in state.panes.items() if state.pane - policy.panes < pane <= last}
    return _of_panes(policy, leaving, "expires", "fades")


def _of_panes(policy: Policy, leaving: Mapping[int, Mapping[str, int]], expired: str, faded: str) -> Reasons:
    found = []
    oldest_factor = policy.factor(policy.panes - 1)
    for pane, counts in leaving.items():
        start = format_instant(pane * policy.pane)
        for code, count in counts.items():
            kind = policy.types.get(code)
            if kind is None or not kind.weight:
                continue
            shown = kind.shown(count), kind.shown(kind.counted(count))
            points = -round(kind.points(count) * oldest_factor)
            channel = policy.channels[kind.channel].name
            where = {"cause": expired, "pane": start}
            found.append((points, _reason(channel, kind.name, points, *shown, where)))
    found.sort(key=lambda entry: (-abs(entry[0]), entry[1]["channel"], entry[1]["type"], entry[1]["pane"]))
    reasons = [reason for _, reason in found]
    if policy.half_life:
        reasons.append({"cause": faded})
    return reasons


def largest_first(reasons: Reasons) -> Reasons:
    """Put the reasons of several steps in one order.

    Args:
        reasons: of one step after the other.

    Returns:
        The largest first; what has faded last.
    """
    return sorted(reasons, key=lambda reason: -abs(reason.get("points", 0)))


def _reason(
    channel: str, kind: str, points: int, count: Number, counted: Number, where: dict[str, str]
) -> dict[str, Any]:
    return {"channel": channel, "type": kind, "points": rounded(points), "count": count, "counted": counted, **where}
