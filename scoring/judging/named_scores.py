"""Named scores: other weights for the same counts, judged beside the score where they are to raise alerts.

Rests on decisions 20 and 123.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from scoring.customer.objects import Objects
from scoring.customer.state import CustomerState, derive, settle_panes
from scoring.judging.alerts import BandChange, Transition
from scoring.policy.policy import NamedScore, Policy


def view_of(score: NamedScore, state: CustomerState) -> CustomerState:
    """Look at a customer by a named score.

    Args:
        score: of the policy in force.
        state: the customer's, judged.

    Returns:
        The state with the points of that score, to be read only: that of the alerts, where it raises some.
    """
    judged = state.named.get(score.name) if state.named is not None and score.alerts else None
    if judged is not None:
        return judged
    view = CustomerState(judged=state.judged, panes=state.panes)
    own = score.policy.of(state.segment)
    derive(own, view)
    view.band = own.band_of(view.score)
    return view


def begin(score: NamedScore, state: CustomerState) -> CustomerState:
    """Give a customer by a named score, to be judged with events of its own, before the customer is.

    Args:
        score: that raises alerts.
        state: the customer's, not judged with the events yet.

    Returns:
        A state with copies of all that events change, and with the alerts of that score.
    """
    view = state.named.get(score.name) if state.named is not None else None
    if view is None or (score.shadow and view.policy_version != score.policy.version):
        # A changed shadow policy is another one, which has raised nothing yet.
        view = CustomerState(band_since=state.band_since)
    view.judged, view.due = state.judged, state.due
    view.panes = {pane: dict(counts) for pane, counts in state.panes.items()}
    view.objects = None if state.objects is None else Objects(dict(state.objects.histories))
    if score.shadow:
        view.segment, view.segment_at = state.segment, state.segment_at
        if score.policy.signals:
            view.visits = {
                channel: {pane: list(some) for pane, some in panes.items()} for channel, panes in state.visits.items()
            }
    return view


def finish(
    score: NamedScore, state: CustomerState, view: CustomerState, transitions: Iterable[Transition]
) -> list[Transition]:
    """Keep a judged view with the customer.

    Args:
        score: that raises alerts.
        state: the customer's.
        view: of `begin`, judged.
        transitions: that judging it has brought.

    Returns:
        The alerts and signals among them, with the name of the score; its changes of band are not published.
    """
    if state.named is None:
        state.named = {}
    state.named[score.name] = view
    view.objects = None
    view.visits.clear()
    settle_panes(view)
    view.activity.gains.clear()
    view.activity.touched.clear()
    view.activity.flipped.clear()
    view.activity.entered = 0
    view.ended.clear()
    raised = [transition for transition in transitions if not isinstance(transition, BandChange)]
    if score.shadow:
        return [replace(each, score_name=score.name) for each in raised]
    return [replace(each, score_name=score.name, segment=state.segment) for each in raised]


def schedule(policy: Policy, state: CustomerState) -> None:
    """Let a customer come up as early as one of the named scores that raise alerts changes by itself.

    Args:
        policy: in force.
        state: judged, the named scores too; changed in place.
    """
    named = state.named or {}
    views = [named[score.name] for score in policy.alerting]
    due = min([each.due for each in (state, *views) if each.due], default=0)
    state.due_crosses = any(each.due == due and each.due_crosses for each in (state, *views))
    state.due = due
