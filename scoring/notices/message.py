"""A notice as it is published: what all kinds of notices share.

Rests on decision 113.
"""

from __future__ import annotations

import uuid
from typing import Any

from scoring.ids import DEFAULT_NAMESPACE, ids_of
from scoring.instants import format_instant
from scoring.policy.policy import Policy


def message_of(
    policy: Policy,
    ids: uuid.UUID,
    about: tuple[str, int, str],
    severity: str,
    own: dict[str, Any],
    occurred_at: int,
    detected_at: int,
    namespace: str = DEFAULT_NAMESPACE,
) -> dict[str, Any]:
    """Write a notice as it is published.

    Args:
        policy: in force.
        ids: what the ids of these notices are made from.
        about: the kind, the time by which one notice is told from the next of its kind, and what it is about.
        severity: of the notice.
        own: the fields that only such notices have.
        occurred_at: microseconds.
        detected_at: the wall clock when it was noticed, in microseconds.
        namespace: of the service.

    Returns:
        What the JSON of the message holds.
    """
    kind, time, name = about
    return {
        "alert_id": str(uuid.uuid5(ids_of(ids, namespace), f"{kind}\0{time}\0{name}")),
        "kind": kind,
        "namespace": namespace,
        "severity": severity,
        **own,
        "occurred_at": format_instant(occurred_at),
        "detected_at": format_instant(detected_at),
        "policy_version": policy.version,
    }
