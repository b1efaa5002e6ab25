"""The walk: takes what happens to one customer up to a moment, and gives what is to be published.

Rests on decision 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from scoring.customer.state import NONE, CustomerState, Timed
from scoring.events.event import Event
from scoring.judging.absence_judging import judge_absences
from scoring.judging.admission import admit
from scoring.judging.alerts import Transition
from scoring.judging.moment import Moment
from scoring.judging.named_scores import begin, finish, schedule
from scoring.judging.outcome import Outcome
from scoring.judging.segment_walk import judge_by_segment, take_profiles
from scoring.policy.policy import Policy
from scoring.policy.shadow import SHADOW

_OCCURRED_AT: Final = attrgetter("occurred_at")


def advance(
    policy: Policy,
    state: CustomerState,
    events: Iterable[Event],
    moment: Moment,
) -> Outcome:
    """Bring one customer up to the evaluation time.

    Args:
        policy: in force.
        state: the customer's; changed in place, fields for the schedule included.
        events: new ones, in the order of arrival.
        moment: as of which to judge; one before `state.judged` counts as `state.judged`.

    Returns:
        The transitions, in the order of their time, and the counts of the events.
    """
    outcome = Outcome()
    clocks = moment.clocks
    moment = moment.not_before(state.judged)
    if clocks is None or (policy.absence is None and state.absence is None):
        _advance(policy, state, events, moment, outcome)
        return outcome
    known, changed = state.judged != NONE, state.policy_version != policy.version
    _advance(policy, state, events, moment, outcome)
    absent = judge_absences(policy, policy.absence, state, state, clocks, known=known, changed=changed)
    if policy.shadow is not None and state.named is not None:
        view, rule = state.named[SHADOW], policy.shadow_absence
        raised = judge_absences(policy, rule, state, view, clocks, known=known, changed=changed)
        absent += [replace(each, score_name=SHADOW) for each in raised]
    if absent:
        outcome.transitions = sorted([*outcome.transitions, *absent], key=_OCCURRED_AT)
    return outcome


def _advance(policy: Policy, state: CustomerState, events: Iterable[Event], moment: Moment, outcome: Outcome) -> None:
    """Bring the scores up to the evaluation time."""
    before = state.segment
    due, outdated = admit(policy, state, take_profiles(policy, state, events), moment, outcome)
    if not policy.alerting:
        judge_by_segment(policy, state, before, due, outdated, moment, outcome)
        return
    named = _judge_named(policy, state, before, due, outdated, moment)
    judge_by_segment(policy, state, before, due, outdated, moment, outcome)
    schedule(policy, state)
    outcome.transitions = sorted([*outcome.transitions, *named], key=_OCCURRED_AT)


def _judge_named(
    policy: Policy, state: CustomerState, before: str, due: Sequence[Timed], outdated: Sequence[Timed], moment: Moment
) -> list[Transition]:
    """Judge by each named score that raises alerts, on copies of the counts; give what it raises."""
    raised: list[Transition] = []
    for score in policy.alerting:
        view, outcome = begin(score, state), Outcome()
        judge_by_segment(score.policy, view, before, due, outdated, moment, outcome)
        raised += finish(score, state, view, outcome.transitions)
    return raised
