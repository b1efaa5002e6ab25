"""Judges one customer by one policy: takes what happened in the order of its time, and what time alone brings.

Rests on decisions 3 and 136.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.state import NONE, CustomerState, Timed, derive
from scoring.judging.active_days import enter_band, note_bands, note_days, note_ends
from scoring.judging.alert_machine import AlertMachine
from scoring.judging.alerts import Transition
from scoring.judging.another_policy import go_over
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.judging.outlook import Outlook
from scoring.judging.schedule import schedule_next
from scoring.judging.signals.watch import SignalWatch
from scoring.judging.steps import Steps
from scoring.judging.watch import Watch
from scoring.policy.policy import Policy


def judge(
    policy: Policy,
    state: CustomerState,
    due: Sequence[Timed],
    outdated: Sequence[Timed],
    moment: Moment,
    outcome: Outcome,
) -> AlertMachine:
    """Judge one customer by one policy up to a time.

    Args:
        policy: in force, for the segment of the customer.
        state: the customer's; changed in place.
        due: the events to take, in the order of their time.
        outdated: those that came too late to score.
        moment: not before the customer was judged last.
        outcome: counts what is taken.

    Returns:
        The machine, with the transitions.
    """
    now, machine = moment.now, AlertMachine(policy, state, moment.feeds)
    since = state.judged
    if since == NONE and due:
        state.judged, state.band_since = min(due[0][0], now), due[0][0]
        derive(policy, state)
        state.policy_version = policy.version
    known = state.judged != NONE
    activity, noted = state.activity, True
    if known and activity.band != state.band:
        # A new customer, or one who was stored by a release that noted nothing.
        enter_band(state)
        noted = False
    if known and state.policy_version != policy.version:
        go_over(policy, state, machine, due, now, "policy")
        noted = False
    state.policy_version = policy.version
    if not noted:
        note_days(policy, state, state.panes)
        note_ends(policy, state, state.panes)
    looks: list[int] = []
    if known:
        watches = _watches(policy, state, moment, machine.transitions, since)
        steps = Steps(policy, state, machine, outcome, watches)
        steps.run(due, now)
        steps.take_outdated(outdated, now)
        state.judged = now
        looks = [watch.close() for watch in watches]
        _note_activity(policy, state, machine)
    _forget(policy, state, now)
    schedule_next(policy, state, looks)
    return machine


def _watches(
    policy: Policy, state: CustomerState, moment: Moment, transitions: list[Transition], since: int
) -> list[Watch]:
    """Make the watches of a policy: what is to be looked for has its line here."""
    watches: list[Watch] = []
    if policy.warn_before:
        watches.append(Outlook(policy, state, moment, transitions))
    if policy.signals:
        watches.append(SignalWatch(policy, state, moment, transitions, since))
    else:
        state.signals = None
    return watches


def _note_activity(policy: Policy, state: CustomerState, machine: AlertMachine) -> None:
    touched = state.touched_panes
    # Usually more happens in the pane that has made its day an active one already.
    if len(touched) != 1 or state.activity.pane not in touched:
        note_days(policy, state, touched)
    if policy.figures.churn is not None:
        note_ends(policy, state, touched)
    if machine.transitions:
        note_bands(state, machine.transitions)


def _forget(policy: Policy, state: CustomerState, now: int) -> None:
    state.seen.forget(now - policy.remember_ids)
    if state.counted is not None:
        state.counted.forget(now - policy.remember_ids)
    if state.objects is not None:
        state.objects.forget((state.pane - policy.kept_panes + 1) * policy.pane - policy.objects_kept)
