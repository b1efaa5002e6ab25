"""Admission: which of the events of a customer count now, which later, and which no more.

Rests on decision 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Final

from scoring.customer.counted import CountedEvents
from scoring.customer.state import CustomerState, Timed
from scoring.events.event import Event
from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.policy.policy import Policy
from scoring.rules.details import identified
from scoring.rules.groupings import note_groupings

_TIME: Final = itemgetter(0)


def admit(
    policy: Policy, state: CustomerState, events: Iterable[Event], moment: Moment, outcome: Outcome
) -> tuple[list[Timed], list[Timed]]:
    """Drop repeated events and keep aside those ahead.

    Args:
        policy: in force.
        state: the customer's; changed in place.
        events: new ones, in the order of arrival.
        moment: not before the customer was judged last.
        outcome: counts what is not taken.

    Returns:
        The events to take, in the order of their time, and those that came too late to score.
    """
    due: list[Timed] = []
    outdated: list[Timed] = []
    kept_aside = bool(state.ahead)
    now, horizon = moment.now, moment.horizon
    seen, counted, signalled = state.seen, None, policy.signalled
    if policy.identities:
        counted = state.counted = state.counted or CountedEvents()
    # What is before this, and before what has been judged, is too old to score.
    too_old = min((now // policy.pane - policy.panes + 1) * policy.pane, state.judged)
    came = max(now, moment.arrived)
    grouped = bool(policy.figures.groupings)
    in_order = True
    newest = 0
    for event in events:
        time, code, digest = event.time, event.code, event.digest
        detail = event.detail if code not in signalled else identified(event.detail, digest)
        if digest and not seen.add(digest, max(time, came)):
            outcome.duplicates += 1
            continue
        if counted is not None and digest and code:
            counted.add(digest, (time, code, detail), max(time, came))
        if grouped and detail is not None:
            _count_in_groupings(policy, state, event, now)
        if time > horizon:
            state.ahead.append((time, code, detail))
            kept_aside = True
            outcome.ahead += 1
        elif time < too_old:
            outcome.outdated += 1
            outdated.append((time, code, detail))
        else:
            in_order = in_order and time >= newest
            newest = time
            due.append((time, code, detail))
    if kept_aside:
        # They came before those of this batch.
        due = _reached(state, horizon) + due
    if kept_aside or not in_order:
        due.sort(key=_TIME)
    return due, outdated


def _count_in_groupings(policy: Policy, state: CustomerState, event: Event, now: int) -> None:
    """Count an event by the values that it names, if its pane is kept: now, also where it is ahead."""
    detail = event.detail
    too_old = min((now // policy.pane - policy.kept_panes + 1) * policy.pane, state.judged)
    if detail is None or not detail.groupings or event.time < too_old:
        return
    if state.grouped is None:
        state.grouped = {}
    note_groupings(state.grouped, event.time // DAY, event.code, detail.groupings)


def _reached(state: CustomerState, horizon: int) -> list[Timed]:
    """Take the events out that were ahead and are so no more."""
    state.ahead.sort(key=_TIME)
    reached = sum(1 for time, *_ in state.ahead if time <= horizon)
    due = state.ahead[:reached]
    del state.ahead[:reached]
    return due
