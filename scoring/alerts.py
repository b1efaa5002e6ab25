"""The alert machine: from scores in the order of time to band changes and alerts."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from scoring.feeds import Feeds
from scoring.instants import format_instant
from scoring.points import rounded
from scoring.policy import AT_RISK, BANDS, Policy
from scoring.reasons import Reasons, largest_first
from scoring.state import NONE, CustomerState

_IDS: Final = uuid.UUID("6f1c1f5e-8d0b-5b53-9a55-5d0f1f0a7c11")


@dataclass(frozen=True, slots=True)
class BandChange:
    """A customer has moved from one band to another; times in microseconds, scores in millionths.

    The `cause` is ``event`` or ``expired``; ``policy`` or ``segment`` where the rules have changed, not the customer.
    `segment` is the one that the customer was in, '' for none.
    """

    band: int
    previous_band: int
    score: int
    previous_score: int
    occurred_at: int
    cause: str
    reasons: Reasons = field(default_factory=list)
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: ``churn_risk``, ``recovered`` or ``disengaging_soon``; times in microseconds, scores in millionths.

    `disengages_at` is when the drop comes that ``disengaging_soon`` warns of. `segment` is the one that the customer
    was in, '' for none; `score_name` is '' for the score that has no other name.
    """

    kind: str
    band: int
    previous_band: int
    score: int
    previous_score: int
    occurred_at: int
    reasons: Reasons
    disengages_at: int = 0
    segment: str = ""
    score_name: str = ""

    @property
    def severity(self) -> str:
        """``critical`` for a drop into `at_risk`, ``warning`` for one into `disengaged`, ``notice`` of a coming one."""
        if self.kind == "recovered":
            return "info"
        if self.kind == "disengaging_soon":
            return "notice"
        return "critical" if self.band == AT_RISK else "warning"


Transition = BandChange | Alert


def transition_id(customer: str, kind: str, occurred_at: int) -> str:
    """Make the id under which a transition is published, however often it is published.

    Args:
        customer: the customer's id.
        kind: of the alert, or ``band_change``.
        occurred_at: the time of the crossing, in microseconds.

    Returns:
        A UUID, the same for the same arguments.
    """
    return str(uuid.uuid5(_IDS, f"{kind}\0{occurred_at}\0{customer}"))


def message(customer: str, transition: Transition, detected_at: int, policy_version: str) -> dict[str, Any]:
    """Write a transition as it is published.

    Args:
        customer: the customer's id.
        transition: an alert or a band change.
        detected_at: the wall clock when it was noticed, in microseconds.
        policy_version: of the policy that judged.

    Returns:
        What the JSON of the message holds.
    """
    body = {
        "customer_id": customer,
        "score": rounded(transition.score),
        "previous_score": rounded(transition.previous_score),
        "band": BANDS[transition.band],
        "previous_band": BANDS[transition.previous_band],
        "occurred_at": format_instant(transition.occurred_at),
        "detected_at": format_instant(detected_at),
        "policy_version": policy_version,
    }
    if transition.segment:
        body["segment"] = transition.segment
    if isinstance(transition, BandChange):
        change_id = transition_id(customer, f"band_change:{BANDS[transition.band]}", transition.occurred_at)
        return {"change_id": change_id, **body, "cause": transition.cause, "reasons": transition.reasons}
    named = f"{transition.kind}:{transition.score_name}" if transition.score_name else transition.kind
    alert_id = transition_id(customer, named, transition.occurred_at)
    if transition.score_name:
        body["score_name"] = transition.score_name
    if transition.disengages_at:
        body["disengages_at"] = format_instant(transition.disengages_at)
    return {
        "alert_id": alert_id,
        "kind": transition.kind,
        "severity": transition.severity,
        **body,
        "reasons": transition.reasons,
    }


class AlertMachine:
    """Judges one customer's scores, in the order of time; the rules stand in DECISIONS.md, 4."""

    def __init__(self, policy: Policy, state: CustomerState, feeds: Feeds | None = None) -> None:
        """Go on from where the customer stands.

        Args:
            policy: in force.
            state: the customer's; its band and alert fields are changed in place.
            feeds: when the feeds have been silent; None where none is watched.
        """
        self._policy = policy
        self._state = state
        self._feeds = feeds
        # Up to when a drop that is held back has been judged; what late events say of the feeds then changes nothing.
        self._judged = state.judged
        self.transitions: list[Transition] = []
        self.holding: list[str] = []

    def judge(
        self,
        at: int,
        before: int,
        score: int,
        cause: str,
        reasons: Callable[[], Reasons],
        feeding: Callable[[], list[str]] | None = None,
    ) -> None:
        """Judge one step.

        Args:
            at: the time of the step, in microseconds.
            before: the score before it, in millionths.
            score: the score after it.
            cause: ``event`` or ``expired``.
            reasons: what the step is made of; asked for only where something is told.
            feeding: the watched channels that had brought points; asked for only at a drop. None: there is none.
        """
        state, policy = self._state, self._policy
        # At one time, a boundary goes before the end of the cooldown, and that before an event.
        self.wake(at if cause == "event" else at - 1, before)
        band = policy.band_of(score)
        previous_band = state.band
        told: Reasons = []
        if band != previous_band:
            told = reasons()
            self.transitions.append(BandChange(band, previous_band, score, before, at, cause, told))
            state.band, state.previous_band, state.band_since = band, previous_band, at
        if score >= policy.engaged_from:
            state.held = None
            if state.alert_open:
                state.alert_open = False
                self.transitions.append(Alert("recovered", band, previous_band, score, before, at, told or reasons()))
            if not state.armed and (not state.reached_engaged or score >= policy.engaged_from + policy.rearm_margin):
                state.armed = state.reached_engaged = True
        elif state.armed and state.held is None:
            state.held = {"reasons": told or reasons(), "previous_score": before, "previous_band": previous_band}
            if feeding is not None and (feeds := feeding()):
                state.held["feeds"] = feeds
            self._judged = at
            self._judge_drop(at, score, waits=cause != "event")
        elif state.held is not None:
            if cause == "event" and score < before and state.held.get("feeds") and at >= self.cooldown_end:
                state.held["reasons"] = largest_first(reasons() + state.held["reasons"])
                self._alert(at, score)
            elif cause != "event":
                self._judge_drop(at, score, waits=True)

    def wake(self, until: int, score: int) -> None:
        """Raise the alert that was held back, if the cooldown and the silence of the feeds that held it end by a time.

        Args:
            until: microseconds.
            score: as it stands, in millionths.
        """
        held = self._state.held
        if held is None:
            return
        cooldown_end = self.cooldown_end
        if not held.get("feeds"):
            if cooldown_end <= until:
                self._alert(cooldown_end, score)
            return
        if self._judged < cooldown_end <= until:
            self._judge_drop(cooldown_end, score, waits=True)
        if self._state.held is not None and self._judged < until:
            boundary = self._next_clear(max(cooldown_end, self._judged))
            if boundary <= until:
                self._alert(boundary, score)
            self._judged = until

    @property
    def cooldown_end(self) -> int:
        """When the cooldown of the last churn alert ends, in microseconds; 0 without one."""
        last = self._state.last_alert
        return last + self._policy.cooldown if last != NONE else 0

    def _judge_drop(self, at: int, score: int, *, waits: bool) -> None:
        """Raise the alert of a drop unless the cooldown, or where it `waits` for them silent feeds, hold it back."""
        held = self._state.held
        self._judged = max(self._judged, at)
        if held is None or at < self.cooldown_end:
            return
        silent = self._feeds.silent(held.get("feeds", ()), at) if waits and self._feeds is not None else []
        if not silent:
            self._alert(at, score)
        elif not held.get("waits"):
            held["waits"] = True
            self.holding += silent

    def _next_clear(self, after: int) -> int:
        """Find the pane boundary at which a drop is judged again."""
        held = self._state.held or {}
        if self._feeds is None:
            return (after // self._policy.pane + 1) * self._policy.pane
        return self._feeds.next_clear(held["feeds"], after)

    def _alert(self, at: int, score: int) -> None:
        state = self._state
        if state.held is None:
            return
        held, state.held = state.held, None
        state.armed, state.alert_open, state.last_alert = False, True, at
        previous_band, previous_score = held["previous_band"], held["previous_score"]
        self.transitions.append(
            Alert("churn_risk", state.band, previous_band, score, previous_score, at, held["reasons"])
        )
