"""Judges a customer whose segment may change on the way, each part of the way by the policy of its segment.

Rests on decisions 19 and 154.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from scoring.customer.state import NONE, CustomerState, Timed, is_newer_segment, take_segment
from scoring.events.event import Event
from scoring.judging.active_days import enter_band, note_bands, note_days
from scoring.judging.alert_machine import AlertMachine
from scoring.judging.alerts import Transition
from scoring.judging.another_policy import go_over
from scoring.judging.judge import judge
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.policy.policy import Policy
from scoring.rules.details import PROFILE


def take_profiles(policy: Policy, state: CustomerState, events: Iterable[Event]) -> Iterable[Event]:
    """Take over what profiles say of the segment.

    Args:
        policy: in force; one without profiles reads none.
        state: the customer's; changed in place.
        events: some of which are of profiles.

    Returns:
        The others.
    """
    if policy.profiles is None:
        return events
    rest = []
    for event in events:
        if event.code != PROFILE:
            rest.append(event)
        elif event.detail is not None and is_newer_segment(state, event.time, event.detail.segment):
            take_segment(state, event.time, event.detail.segment)
    return rest


def judge_by_segment(
    policy: Policy,
    state: CustomerState,
    before: str,
    due: Sequence[Timed],
    outdated: Sequence[Timed],
    moment: Moment,
    outcome: Outcome,
) -> None:
    """Judge one whose segment may change on the way: from the event on that tells it, by the policy of the new one.

    Args:
        policy: in force; by one without profiles, segments do not change.
        state: the customer's; changed in place.
        before: the segment before the profiles of these events.
        due: the events to take, in the order of their time.
        outdated: those that came too late to score.
        moment: not before the customer was judged last.
        outcome: gets the transitions.
    """
    if policy.profiles is None:
        machine = judge(policy, state, due, outdated, moment, outcome)
        outcome.transitions, outcome.holding = machine.transitions, machine.holding
        return
    for time, _, detail in outdated:
        if detail is not None and detail.segment and is_newer_segment(state, time, detail.segment):
            take_segment(state, time, detail.segment)
    transitions: list[Transition] = []
    holding: list[str] = []
    transitions += _change_segment(policy, state, before, due, moment)
    start = 0
    for index, (time, _, detail) in enumerate(due):
        if detail is None or not detail.segment or not is_newer_segment(state, time, detail.segment):
            continue
        before = state.segment
        if detail.segment != before and (state.judged != NONE or index):
            until = moment.at(max(min(time, moment.now), state.judged))
            machine = judge(policy.of(before), state, due[start:index], (), until, outcome)
            transitions += _told_in(before, machine.transitions)
            holding += machine.holding
            start = index
        take_segment(state, time, detail.segment)
        transitions += _change_segment(policy, state, before, (), moment.at(state.judged))
    machine = judge(policy.of(state.segment), state, due[start:], outdated, moment, outcome)
    outcome.transitions = transitions + _told_in(state.segment, machine.transitions)
    outcome.holding = holding + machine.holding


def _change_segment(
    policy: Policy, state: CustomerState, before: str, due: Sequence[Timed], moment: Moment
) -> list[Transition]:
    """Judge by the policy of another segment what was judged by that of the one before, as after a change of policy."""
    after = policy.of(state.segment)
    if state.judged == NONE or after is policy.of(before):
        return []
    if state.activity.band != state.band:
        enter_band(state)
    machine = AlertMachine(after, state, moment.feeds)
    go_over(after, state, machine, due, moment.now, "segment")
    state.policy_version = after.version
    note_days(after, state, state.panes)
    note_bands(state, machine.transitions)
    return _told_in(state.segment, machine.transitions)


def _told_in(segment: str, transitions: Sequence[Transition]) -> list[Transition]:
    """Name in transitions the segment that the customer was in."""
    return [replace(transition, segment=segment) for transition in transitions] if segment else list(transitions)
