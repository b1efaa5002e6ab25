"""Signals of linked ids: how the parts of two ids become that of one customer.

Rests on decisions 17 and 96.
"""

from __future__ import annotations

from dataclasses import replace

from scoring.customer.signals import MOST_REPORTS, Standing, Wait
from scoring.customer.state import CustomerState
from scoring.judging.alerts import pinned
from scoring.judging.signals.waiting import MOST_WAITS


def pin_signals(state: CustomerState, name: str, namespace: str, score_name: str = "") -> None:
    """Keep with the open signals of an id under which ids they were raised, before it is a customer's.

    Args:
        state: of the id; changed in place.
        name: the id.
        namespace: of the service.
        score_name: of the score beside which they were raised; '' for the one that has no name.
    """
    for standing in state.signals.standings.values() if state.signals is not None else ():
        # Of what quiet hours hold nobody has been told: it is the customer's.
        untold = [signal.report for _, signal in standing.held]
        told = [report for report in standing.reports if report not in untold]
        fixed = dict(zip(told, pinned(name, told, namespace, score_name), strict=True))
        standing.reports = tuple([fixed.get(report, report) for report in standing.reports])
        standing.held = [
            (end, replace(signal, earlier=tuple([fixed.get(report, report) for report in signal.earlier])))
            for end, signal in standing.held
        ]


def unite_signals(state: CustomerState, linked: CustomerState) -> None:
    """Go on from the signals of a customer and of an id that has been linked; the link itself raises and ends nothing.

    Args:
        state: the customer's; changed in place, to be judged.
        linked: of the id; pinned.
    """
    mine, theirs = state.signals, linked.signals
    if mine is None or theirs is None:
        state.signals = mine or theirs
        return
    mine.since = max(mine.since, theirs.since)
    for code, other in theirs.standings.items():
        _unite(mine.standings.setdefault(code, Standing()), other)


def _unite(standing: Standing, other: Standing) -> None:
    standing.last = max(standing.last, other.last)
    for about, time in other.answers.items():
        standing.answers[about] = max(standing.answers.get(about, time), time)
    standing.reports = (*standing.reports, *other.reports)[:MOST_REPORTS]
    waits: dict[str, Wait] = {}
    for wait in sorted([*standing.waits, *other.waits]):
        # What holds and is open under one of the ids waits no more under the other; an event, with a code, does.
        if (wait.code or not standing.reports) and standing.answers.get(wait.about, -1) < wait.time:
            waits.setdefault(wait.about, wait)
    standing.waits = _waiting_alike(list(waits.values())[-MOST_WAITS:])
    standing.held = sorted([*standing.held, *other.held], key=lambda entry: entry[0])


def _waiting_alike(waits: list[Wait]) -> list[Wait]:
    """Have what holds for a while wait for all of its channels in one way: for silent feeds, if it does for any."""
    if any(wait.held and not wait.code for wait in waits):
        return [wait._replace(held=True) for wait in waits]
    return waits
