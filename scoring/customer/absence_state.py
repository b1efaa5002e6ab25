"""What is known of the absences of one customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_NONE: Final = -1


@dataclass(slots=True)
class AbsenceState:
    """How far a customer's absences have been judged; days by their number, readings in millionths of a day.

    Absences that ended by `settled` are judged for good, and so are those that began by `told`, the last active day of
    the newest one that was reported. `open` is the last active day of the one that is reported and goes on, -1 for
    none; `made` the ids of its alerts, separated by commas, '' for one that follows from the day. An alert of `since`
    or before is not raised: the policy knew no absences then. `segment` is the one by whose clock the customer is
    judged, `due` the reading at which to look again, 0 for never. `expected` and `earliest` are the days on which an
    alert is raised if nothing more comes, 0 where none is.
    """

    settled: int = _NONE
    told: int = _NONE
    open: int = _NONE
    made: str = ""
    since: int = _NONE
    segment: str = ""
    due: int = 0
    expected: int = 0
    earliest: int = 0
