"""From the active members of a segment to what operators are told: that it leaves as a whole, and that it is back.

A segment that leaves stops its clock, and so hides the absences of its members.

Rests on decision 113.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from scoring.ids import DEFAULT_NAMESPACE
from scoring.instants import DAY, format_instant
from scoring.notices.message import message_of
from scoring.policy.policy import Policy
from scoring.rules.absence import AbsenceRule

_IDS: Final = uuid.UUID("3f0de5c2-63c5-5d3b-9a0e-6a5f1b7d2c48")
#: The days before one over which the active members are averaged.
BEFORE: Final = 28
#: A segment has left on a day with this part of the usual active members, or fewer.
_PART: Final = 5


class Told(NamedTuple):
    """What operators know of a segment: the last day judged, the first day of its leaving, 0 for none, and `usual`.

    That is the sum of the active members over the days before it left.
    """

    judged: int
    since: int = 0
    usual: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A segment has left (`segment_left`) or is back (`segment_back`): by the end of which day, and since which day.

    `active` are the members who were active on the day, `usual` those over the days before it left, added up.
    """

    kind: str
    day: int
    since: int
    active: int
    usual: int


def follow(rule: AbsenceRule, fields: Mapping[str, int], told: Told, until: int) -> tuple[Told, list[Notice]]:
    """Judge a segment from where it was judged last up to a day.

    Args:
        rule: how many members there must be.
        fields: the sums of members, see `scoring.customer.absence_days`.
        told: what operators know.
        until: the last day that has ended.

    Returns:
        What operators know then, and the new notices in the order of their time.
    """
    notices: list[Notice] = []
    for day in range(told.judged + 1, until + 1):
        active = fields.get(f"a{day}", 0)
        if told.since:
            if active * BEFORE * _PART > told.usual:
                notices.append(Notice("segment_back", day, told.since, active, told.usual))
                told = Told(day)
            continue
        usual = sum([fields.get(f"a{before}", 0) for before in range(day - BEFORE, day)])
        if usual >= rule.least_members * BEFORE and active * BEFORE * _PART <= usual:
            told = Told(day, day, usual)
            notices.append(Notice("segment_left", day, day, active, usual))
    return told._replace(judged=max(told.judged, until)), notices


def notice_message(
    policy: Policy, segment: str, notice: Notice, detected_at: int, namespace: str = DEFAULT_NAMESPACE
) -> dict[str, Any]:
    """Write a notice as it is published.

    Args:
        policy: in force.
        segment: its name, '' for all customers.
        notice: of the segment.
        detected_at: the wall clock when it was noticed, in microseconds.
        namespace: of the service.

    Returns:
        What the JSON of the message holds. The id is made of namespace, kind, segment and the day on which it left.
    """
    own = {
        "segment": segment,
        "active_members": notice.active,
        "usual_members": round(notice.usual / BEFORE, 2),
        "left_since": format_instant(notice.since * DAY),
    }
    about = (notice.kind, notice.since, segment)
    severity = "warning" if notice.kind == "segment_left" else "info"
    return message_of(policy, _IDS, about, severity, own, (notice.day + 1) * DAY, detected_at, namespace)
