"""What is known of the signals of one customer, and a signal as it is raised.

Rests on decision 96.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from scoring.customer.episodes import Report

_NONE: Final = -1
#: Open reports of one signal that are kept: the first, which names the episode, and the last ones.
MOST_REPORTS: Final = 16


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that is raised, or that has `ended`; times in microseconds, scores in millionths.

    `about` names beside name and time what the id is made of: the digest of an event's id or of an object, or ''; so
    does `score_name`, which is '' for the score that has no other name.
    `opened` is the time of which the id of an end is made. `lasts` says whether its rule has an end; `earlier` are
    the open reports before it. `title` and `text` are those of the policy.
    """

    name: str
    severity: str
    band: int
    score: int
    occurred_at: int
    reasons: list[dict[str, Any]]
    about: str = ""
    lasts: bool = False
    ended: bool = False
    opened: int = 0
    earlier: tuple[Report, ...] = ()
    title: str = ""
    text: str = ""
    segment: str = ""
    score_name: str = ""

    @property
    def report(self) -> Report:
        """What the id is made of."""
        return Report(report_name(self.name, self.about, ended=self.ended), self.opened or self.occurred_at)


def report_name(name: str, about: str, *, ended: bool = False) -> str:
    """Name what the id of a signal is made of, beside the time.

    Args:
        name: of the signal.
        about: see `Signal`.
        ended: whether it is its end.
    """
    return f"signal:{name}{'>ended' if ended else ''}:{about}"


class Wait(NamedTuple):
    """An event that waits to be answered: its time, the code of its type, the digest of its object, or ''.

    Or what holds for a while and is not raised yet: since when it holds, no code, and in `about` a channel whose
    silence may be why, '' for none. `held` says that its moment has come, and that silent feeds hold it.
    """

    time: int
    code: str
    about: str = ""
    held: bool = False


@dataclass(slots=True)
class Standing:
    """Where a customer stands with one signal.

    `last` is when it was raised last, `waits` are the events that wait for an answer, the earliest first, or what holds
    and waits to be raised, once for each channel; `answers` are the times of the last answers by the object. `reports`
    are those that are open; `held` are signals that wait for the end of quiet hours, each with that end.
    """

    last: int = _NONE
    answers: dict[str, int] = field(default_factory=dict)
    waits: list[Wait] = field(default_factory=list)
    reports: tuple[Report, ...] = ()
    held: list[tuple[int, Signal]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be remembered."""
        return self.last == _NONE and not (self.waits or self.answers or self.reports or self.held)

    def add(self, report: Report) -> None:
        """Note a report that is open."""
        kept = self.reports
        if len(kept) >= MOST_REPORTS:
            kept = (kept[0], *kept[2:])
        self.reports = (*kept, report)


class SignalState:
    """How a customer stands with the signals of a policy.

    `rules` is the digest of the rules that it was made by. What happened by `since` raises nothing: the policy did not
    have these rules then. `standings` are by the code of the signal; there is none where nothing is to be remembered.
    `stored` is the text as it is stored, `encoded` the one that is about to be.
    """

    __slots__ = ("encoded", "rules", "since", "standings", "stored")

    def __init__(self, rules: str = "", since: int = _NONE) -> None:
        """Begin with nothing to be remembered; see above for the arguments."""
        self.rules = rules
        self.since = since
        self.standings: dict[str, Standing] = {}
        self.stored = ""
        self.encoded = ""
