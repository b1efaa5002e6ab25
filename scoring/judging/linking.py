"""Linking: makes the histories of two ids that of one customer, event by event.

Counts, visits, objects, days and ids come out as if all events had always been those of the customer, whatever came
first. Bands and alerts cannot: they follow from when the scores of both were judged.

Rests on decisions 16 and 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from scoring.customer.churn import flip, list_days
from scoring.customer.state import (
    NONE,
    CustomerState,
    Timed,
    derive,
    is_newer_segment,
    take_segment,
    touch,
    touch_visits,
)
from scoring.customer.unknown_types import MOST_APART, TOGETHER, gather
from scoring.ids import DEFAULT_NAMESPACE
from scoring.instants import DAY, SECOND
from scoring.judging.absence_judging import pin_absence, unite_absences
from scoring.judging.alert_machine import AlertMachine
from scoring.judging.alerts import BandChange, Transition, pinned
from scoring.judging.corrections import take_out, unite_histories
from scoring.judging.moment import Moment
from scoring.judging.named_scores import begin
from scoring.judging.outlook import follow_policy
from scoring.judging.signals.linking import pin_signals, unite_signals
from scoring.judging.walk import advance
from scoring.policy.policy import DISENGAGED, Policy
from scoring.rules.details import Detail, add_amount, is_sum
from scoring.rules.sessions import Visit, join_visits


class Raised(NamedTuple):
    """What a link has brought to light: of the id up to then, to be published under the id, and of the customer."""

    linked: Sequence[Transition]
    own: Sequence[Transition]


def merge(
    policy: Policy,
    customer: tuple[str, CustomerState],
    linked: tuple[str, CustomerState],
    moment: Moment,
    namespace: str = DEFAULT_NAMESPACE,
) -> Raised:
    """Make what is known of an id part of what is known of the customer whose it is.

    Both are judged up to the same time first. What the silence up to then makes of each is published as ever; the
    link itself raises no alert, and a band that differs by it is a band change with the cause ``link``.

    Args:
        policy: in force, with identities.
        customer: the id of the customer and the state, which is changed in place, fields for the schedule included.
        linked: the id and its state, which must not be used any more afterwards.
        moment: as of which to judge; one before either has been judged counts as the later of these.
        namespace: of the service.

    Returns:
        The transitions of both, each in the order of their time.
    """
    (name, state), (linked_name, theirs) = customer, linked
    moment = moment.not_before(max(state.judged, theirs.judged))
    raised = advance(policy, theirs, (), moment).transitions
    transitions = advance(policy, state, (), moment).transitions
    # What is open by now has been published, or is in one of these two.
    _pin_reports(theirs, linked_name, namespace)
    for score_name, each in _by_score(state):
        pin_absence(each, name, namespace, score_name)
    return Raised(raised, [*transitions, *_unite(policy, state, theirs, moment)])


def _unite(policy: Policy, state: CustomerState, linked: CustomerState, moment: Moment) -> list[Transition]:
    """Make the history of an id part of that of a customer; both have been judged."""
    at, transitions = moment.now, list[Transition]()
    _take_back_copies(policy, state, linked)
    _add_ids(state, linked)
    if is_newer_segment(state, linked.segment_at, linked.segment):
        take_segment(state, linked.segment_at, linked.segment)
    own = policy.of(state.segment)
    _add_events_ahead(state, linked)
    if linked.judged != NONE:
        before, known = state.score, state.judged != NONE
        if not known:
            _begin_as(state, linked)
        _add_counts(policy, state, linked)
        if linked.objects is not None:
            unite_histories(policy, state, linked.objects)
        _add_days(state, linked)
        unite_absences(state, linked)
        unite_signals(state, linked)
        state.last_event_at = max(state.last_event_at, linked.last_event_at)
        derive(own, state)
        state.policy_version = own.version
        _unite_named(policy, state, linked)
        if known:
            _unite_alerts(own, state, linked)
        previous = state.band if known else DISENGAGED
        band = own.band_of(state.score)
        if band != previous:
            transitions.append(BandChange(band, previous, state.score, before, at, "link", segment=state.segment))
        if band != state.band:
            state.band, state.previous_band, state.band_since = band, previous, at
    # What comes next by itself follows from both.
    state.due = 0
    return [*transitions, *advance(policy, state, (), moment).transitions]


def _pin_reports(state: CustomerState, name: str, namespace: str) -> None:
    """Keep with the open episodes of an id under which ids its alerts were raised, before it is a customer's."""
    for score_name, each in _by_score(state):
        if each.episode is not None:
            reports = pinned(name, each.episode.reports, namespace, score_name)
            each.episode = replace(each.episode, reports=reports)
        pin_signals(each, name, namespace, score_name)
        pin_absence(each, name, namespace, score_name)


def _by_score(state: CustomerState) -> list[tuple[str, CustomerState]]:
    """List a customer by the score, and by each named one that raises alerts."""
    return [("", state), *(state.named or {}).items()]


def _take_back_copies(policy: Policy, state: CustomerState, linked: CustomerState) -> None:
    """Take back what an event counted for the id, where the customer has counted it, too."""
    if linked.counted is None:
        return
    mine = {digest for digest, _ in state.seen.entries()}
    copies = mine.intersection([digest for digest, _ in linked.seen.entries()])
    for event in linked.counted.find(copies) if copies else ():
        _take_back(policy, linked, event)


def _take_back(policy: Policy, state: CustomerState, event: Timed) -> None:
    time, code, detail = event
    for each in state.ahead:
        if each[:2] == (time, code) and _amounts(each[2]) == _amounts(detail):
            state.ahead.remove(each)
            return
    take_out(policy, state, event)
    pane = time // policy.pane
    counts = state.panes.get(pane, {})
    place = code if code in counts else TOGETHER
    if place not in counts:
        # Older than the panes that are kept.
        return
    counts[place] -= 1
    if not counts[place]:
        del counts[place]
    for amount, value in detail.amounts if detail is not None else ():
        # A latest value is that of the copy as well.
        if is_sum(amount):
            counts[amount] = counts.get(amount, 0) - value
    if not counts:
        del state.panes[pane], state.pane_points[pane]
    _see_less(policy, state, pane, time // SECOND, code)


def _amounts(detail: Detail | None) -> tuple[object, str]:
    """Give what tells an event from others of its time: not the segment, which is not remembered."""
    return (detail.amounts, detail.object) if detail is not None else ((), "")


def _see_less(policy: Policy, state: CustomerState, pane: int, second: int, code: str) -> None:
    """Take the page of a copy out of its visit; when it was is that of the other copy as well."""
    rule = policy.sessions.get(code)
    if rule is None:
        return
    visits = state.visits.get(rule.channel, {}).get(pane, [])
    for index, visit in enumerate(visits):
        if visit.first <= second <= visit.last:
            visits[index] = Visit(visit.first, visit.last, visit.pages - rule.pages)


def _add_ids(state: CustomerState, linked: CustomerState) -> None:
    mine = {digest for digest, _ in state.seen.entries()}
    if linked.counted is not None:
        if state.counted is None:
            state.counted = linked.counted
            state.counted.touched |= linked.counted.chunks.keys()
        else:
            state.counted.take_over(linked.counted, mine)
    for digest, day in linked.seen.entries():
        state.seen.add(digest, day * DAY)


def _add_events_ahead(state: CustomerState, linked: CustomerState) -> None:
    if linked.ahead:
        state.ahead = sorted([*state.ahead, *linked.ahead], key=lambda event: event[0])


def _begin_as(state: CustomerState, linked: CustomerState) -> None:
    """Let a customer who was not known stand where the id stood."""
    state.judged, state.policy_version = linked.judged, linked.policy_version
    state.band, state.previous_band, state.band_since = linked.band, linked.previous_band, linked.band_since
    state.armed, state.held = linked.armed, linked.held
    state.episode, state.last_alert = linked.episode, linked.last_alert
    state.warned, state.last_warning = linked.warned, linked.last_warning
    for day, band in linked.activity.list_changes():
        state.activity.enter(day, band)


def _add_counts(policy: Policy, state: CustomerState, linked: CustomerState) -> None:
    for pane, theirs in linked.panes.items():
        if pane not in state.touched_panes:
            touch(policy, state, pane)
        counts = state.panes.setdefault(pane, {})
        for code, count in theirs.items():
            add_amount(counts, code, count)
        for _ in range(len(counts) if len(counts) > MOST_APART else 0):
            gather(policy, counts)
    derive(policy, state)
    pauses = {rule.channel: rule.pause for rule in policy.sessions.values()}
    for channel, panes in linked.visits.items():
        mine = state.visits.setdefault(channel, {})
        for pane, visits in panes.items():
            touch_visits(policy, state, channel, pane)
            # By a policy that makes no sessions of the channel any more, only visits that overlap are one.
            mine[pane] = join_visits(mine.get(pane, ()), visits, pauses.get(channel, 0))


def _add_days(state: CustomerState, linked: CustomerState) -> None:
    for day in linked.activity.list_days():
        if not state.activity.has(day):
            state.activity.add(day)
    for day in set(list_days(linked.ended)).difference(list_days(state.ended)):
        if state.ended_before is None:
            state.ended_before = dict(state.ended)
        flip(state.ended, day)


def _unite_named(policy: Policy, state: CustomerState, linked: CustomerState) -> None:
    """Go on from both by each named score that raises alerts; its changes of band are not published."""
    for score in policy.alerting:
        theirs = linked.named.get(score.name) if linked.named is not None else None
        mine = state.named.get(score.name) if state.named is not None else None
        known = mine is not None and mine.judged != NONE
        if not known and theirs is not None:
            state.named = {**(state.named or {}), score.name: theirs}
            theirs = None
        view = begin(score, state)
        own = score.policy.of(view.segment)
        derive(own, view)
        if theirs is not None:
            unite_signals(view, theirs)
            unite_absences(view, theirs)
            _unite_alerts(own, view, theirs)
        view.band = own.band_of(view.score)
        state.named = {**(state.named or {}), score.name: view}


def _unite_alerts(policy: Policy, state: CustomerState, linked: CustomerState) -> None:
    """Go on from both: the rules stand in decision 17."""
    state.last_alert = max(state.last_alert, linked.last_alert)
    episode = state.episode.joined_by(linked.episode) if state.episode is not None else linked.episode
    # Within an episode a fall waits for silent feeds alone.
    falling = [each for each in (state, linked) if each.held and (episode is None or each.held.get("waits"))]
    state.armed = episode is None and any(each.armed for each in falling)
    state.episode, state.held = episode, _held_for([each.held or {} for each in falling])
    AlertMachine(policy, state).take_over()
    if policy.warn_before:
        last = max(state.last_warning, linked.last_warning)
        follow_policy(policy, state)
        state.last_warning = last


def _held_for(falls: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Hold the first of some falls for the feeds of all of them."""
    if not falls:
        return None
    feeds = dict.fromkeys([feed for fall in falls for feed in fall.get("feeds", ())])
    waits = any(fall.get("waits") for fall in falls)
    return falls[0] | ({"feeds": list(feeds)} if feeds else {}) | ({"waits": True} if waits else {})
