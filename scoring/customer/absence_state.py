"""What is known of the absences of one customer.

Rests on decisions 79 and 137.
"""

from __future__ import annotations

from typing import Final

from scoring.customer.episodes import Report
from scoring.instants import DAY

_NONE: Final = -1


class AbsenceState:
    """How far a customer's absences have been judged; days by their number, readings in millionths of a day.

    Absences that ended by `settled` are judged for good, and so are those that began by `told`, the last active day of
    the newest one that was reported. `reports` are the alerts of the one that is reported and goes on, each of the last
    active day before it. An alert of `since` or before is not raised: the policy knew no absences then. `segment` is
    the one by whose clock the customer is judged, `due` the reading at which to look again, 0 for never. `expected` and
    `earliest` are the days on which an alert is raised if nothing more comes, 0 where none is.
    """

    # A plain class, as `Event` is: mypyc makes data classes in Python, and every customer has one of these.
    __slots__ = ("due", "earliest", "expected", "reports", "segment", "settled", "since", "told")

    def __init__(self, segment: str = "", settled: int = _NONE, since: int = _NONE) -> None:
        """Begin without any absence; see above for the arguments."""
        self.settled = settled
        self.told = _NONE
        self.reports: tuple[Report, ...] = ()
        self.since = since
        self.segment = segment
        self.due = 0
        self.expected = 0
        self.earliest = 0

    @property
    def open(self) -> int:
        """The last active day before the absence that is reported and goes on; -1 for none."""
        return max([report.occurred_at for report in self.reports]) // DAY if self.reports else _NONE
