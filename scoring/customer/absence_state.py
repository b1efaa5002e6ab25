"""What is known of the absences of one customer.

Rests on decision 79.
"""

from __future__ import annotations

from typing import Final

_NONE: Final = -1


class AbsenceState:
    """How far a customer's absences have been judged; days by their number, readings in millionths of a day.

    Absences that ended by `settled` are judged for good, and so are those that began by `told`, the last active day of
    the newest one that was reported. `open` is the last active day of the one that is reported and goes on, -1 for
    none; `made` the ids of its alerts, separated by commas, '' for one that follows from the day. An alert of `since`
    or before is not raised: the policy knew no absences then. `segment` is the one by whose clock the customer is
    judged, `due` the reading at which to look again, 0 for never. `expected` and `earliest` are the days on which an
    alert is raised if nothing more comes, 0 where none is.
    """

    # A plain class, as `Event` is: mypyc makes data classes in Python, and every customer has one of these.
    __slots__ = ("due", "earliest", "expected", "made", "open", "segment", "settled", "since", "told")

    def __init__(self, segment: str = "", settled: int = _NONE, since: int = _NONE) -> None:
        """Begin without any absence; see above for the arguments."""
        self.settled = settled
        self.told = _NONE
        self.open = _NONE
        self.made = ""
        self.since = since
        self.segment = segment
        self.due = 0
        self.expected = 0
        self.earliest = 0
