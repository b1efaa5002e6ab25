"""What is raised, alerts and band changes, and how it is published.

Rests on decisions 4 and 137.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scoring.customer.episodes import PLAIN, Report
from scoring.customer.signals import Signal
from scoring.ids import DEFAULT_NAMESPACE, ids_of
from scoring.instants import format_instant
from scoring.judging.reasons import Reasons
from scoring.points import rounded
from scoring.policy.policy import AT_RISK, BANDS

_IDS: Final = uuid.UUID("6f1c1f5e-8d0b-5b53-9a55-5d0f1f0a7c11")

#: The severity of each kind of alert; a ``churn_risk`` has that of its band.
_SEVERITIES: Final = {"recovered": "info", "disengaging_soon": "notice", "absent": "warning", "returned": "info"}
#: The kinds that end an episode, and so close the alerts of it.
_ENDING: Final = frozenset(("recovered", "returned"))


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
    """An alert, of one of the kinds that README names; times in microseconds, scores in millionths.

    `disengages_at` is when the drop comes that ``disengaging_soon`` warns of. `segment` is the one that the customer
    was in, '' for none; `score_name` is '' for the score that has no other name. `earlier` are the alerts of the same
    episode that were raised before; none for one that opens its episode. `about` is the time of which the id is made,
    where that is not `occurred_at`.
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
    earlier: tuple[Report, ...] = ()
    about: int = 0

    @property
    def severity(self) -> str:
        """``critical`` for a drop into `at_risk`, ``warning`` for one into `disengaged`, ``notice`` of a coming one."""
        return _SEVERITIES.get(self.kind) or ("critical" if self.band == AT_RISK else "warning")

    @property
    def name(self) -> str:
        """What the id is made of, beside the time: two alerts of an episode may be raised at one time."""
        goes_on = self.earlier and self.kind not in _ENDING
        return f"{self.kind}>{BANDS[self.band]}" if goes_on else self.kind


Transition = BandChange | Alert | Signal


def transition_id(customer: str, name: str, occurred_at: int, namespace: str = DEFAULT_NAMESPACE) -> str:
    """Make the id under which a transition is published, however often it is published.

    Args:
        customer: the customer's id.
        name: of the alert, or ``band_change`` and the band.
        occurred_at: the time of the crossing, in microseconds.
        namespace: of the service.

    Returns:
        A UUID, the same for the same arguments.
    """
    return str(uuid.uuid5(ids_of(_IDS, namespace), f"{name}\0{occurred_at}\0{customer}"))


def report_ids(customer: str, reports: Sequence[Report], namespace: str, score_name: str = "") -> list[str]:
    """Give the ids under which the messages of an episode were published.

    Args:
        customer: the customer's id.
        reports: of the episode.
        namespace: of the service.
        score_name: of the score that raised them; '' for the one that has no name.
    """
    ids = []
    for name, occurred_at, made in reports:
        named = f"{name}:{score_name}" if score_name else name
        if made and made != PLAIN:
            ids.append(made)
        else:
            ids.append(transition_id(customer, named, occurred_at, DEFAULT_NAMESPACE if made else namespace))
    return ids


def pinned(customer: str, reports: Sequence[Report], namespace: str, score_name: str = "") -> tuple[Report, ...]:
    """Give the messages of an episode, each with the id under which it was published, before it is another customer's.

    Args:
        customer: the customer's id.
        reports: of the episode.
        namespace: of the service.
        score_name: of the score that raised them; '' for the one that has no name.
    """
    ids = report_ids(customer, reports, namespace, score_name)
    return tuple([report._replace(made=made) for report, made in zip(reports, ids, strict=True)])


def message(
    customer: str,
    transition: Transition,
    detected_at: int,
    policy_version: str,
    namespace: str = DEFAULT_NAMESPACE,
) -> dict[str, Any]:
    """Write a transition as it is published.

    Args:
        customer: the customer's id.
        transition: an alert, a band change or a signal.
        detected_at: the wall clock when it was noticed, in microseconds.
        policy_version: of the policy that judged.
        namespace: of the service.

    Returns:
        What the JSON of the message holds.
    """
    body = {
        "namespace": namespace,
        "customer_id": customer,
        "score": rounded(transition.score),
        **({} if isinstance(transition, Signal) else {"previous_score": rounded(transition.previous_score)}),
        "band": BANDS[transition.band],
        **({} if isinstance(transition, Signal) else {"previous_band": BANDS[transition.previous_band]}),
        "occurred_at": format_instant(transition.occurred_at),
        "detected_at": format_instant(detected_at),
        "policy_version": policy_version,
    }
    if transition.segment:
        body["segment"] = transition.segment
    if isinstance(transition, BandChange):
        change = f"band_change:{BANDS[transition.band]}"
        change_id = transition_id(customer, change, transition.occurred_at, namespace)
        return {"change_id": change_id, **body, "cause": transition.cause, "reasons": transition.reasons}
    if transition.score_name:
        body["score_name"] = transition.score_name
    if isinstance(transition, Signal):
        return _signal_message(customer, transition, body, namespace)
    if transition.disengages_at:
        body["disengages_at"] = format_instant(transition.disengages_at)
    own = Report(transition.name, transition.about or transition.occurred_at)
    *earlier, alert_id = report_ids(customer, (*transition.earlier, own), namespace, transition.score_name)
    return {
        "alert_id": alert_id,
        "episode_id": earlier[0] if earlier else alert_id,
        "kind": transition.kind,
        "severity": transition.severity,
        **body,
        "reasons": transition.reasons,
        **({"closes": earlier} if transition.kind in _ENDING else {}),
    }


def _signal_message(customer: str, signal: Signal, body: dict[str, Any], namespace: str) -> dict[str, Any]:
    *earlier, signal_id = report_ids(customer, (*signal.earlier, signal.report), namespace, signal.score_name)
    return {
        "signal_id": signal_id,
        **({"episode_id": earlier[0] if earlier else signal_id} if signal.lasts else {}),
        "signal": signal.name,
        "kind": "ended" if signal.ended else "raised",
        "severity": signal.severity,
        **({"title": signal.title} if signal.title else {}),
        **({"message": signal.text} if signal.text else {}),
        **body,
        "reasons": signal.reasons,
        **({"closes": earlier} if signal.ended else {}),
    }
