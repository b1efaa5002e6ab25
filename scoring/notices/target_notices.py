"""From a figure beside its target, day by day, to what operators are told: that it passes a bound, and that it is back.

Rests on decision 128.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from scoring.ids import DEFAULT_NAMESPACE
from scoring.instants import DAY, format_instant
from scoring.notices.message import message_of
from scoring.policy.policy import Policy
from scoring.rules.targets import MET, MISSED, WARNING, Target

_IDS: Final = uuid.UUID("0b6a7c1e-5d0f-5c63-9a4e-2f8d1c7b3e90")
#: The verdicts by their number in what is stored.
_VERDICTS: Final = (MET, MISSED, WARNING)
_SEVERITIES: Final = {MET: "info", MISSED: "notice", WARNING: "warning"}


class Told(NamedTuple):
    """What operators know of a figure: the last day judged, the number of the verdict, since which day it is missed.

    A figure that was never reported is taken to meet its target; `since` is 0 then.
    """

    judged: int
    verdict: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """The verdict of a figure is another at the end of a day; `since` is the first day that was told to miss it."""

    verdict: str
    value: float
    day: int
    since: int


def follow(target: Target, value: str, told: Told, day: int) -> tuple[Told, Notice | None]:
    """Judge a figure at the end of a day.

    Args:
        target: of the figure.
        value: as it is published for the day; '' where there is none, which leaves the verdict as it is.
        told: what operators know.
        day: its number; one that has been judged changes nothing.

    Returns:
        What operators know then, and the notice, None if there is nothing new.
    """
    if day <= told.judged:
        return told, None
    verdict = target.verdict(float(value)) if value else ""
    if not verdict or verdict == _VERDICTS[told.verdict]:
        return told._replace(judged=day), None
    since = told.since or day
    notice = Notice(verdict, float(value), day, since)
    return Told(day, _VERDICTS.index(verdict), 0 if verdict == MET else since), notice


def notice_message(
    policy: Policy, target: Target, notice: Notice, detected_at: int, namespace: str = DEFAULT_NAMESPACE
) -> dict[str, Any]:
    """Write a notice as it is published.

    Args:
        policy: in force.
        target: of the figure.
        notice: of the figure.
        detected_at: the wall clock when it was noticed, in microseconds.
        namespace: of the service.

    Returns:
        What the JSON of the message holds. The id is made of namespace, kind, figure and day.
    """
    kind, figure = f"target_{notice.verdict}", target.name
    own = {
        "figure": figure,
        "value": notice.value,
        "target": {name: bound for name, bound in asdict(target).items() if name != "figure" and bound is not None},
        "missed_since": format_instant(notice.since * DAY)[:10],
    }
    about, severity = (kind, notice.day, target.figure), _SEVERITIES[notice.verdict]
    return message_of(policy, _IDS, about, severity, own, (notice.day + 1) * DAY, detected_at, namespace)
