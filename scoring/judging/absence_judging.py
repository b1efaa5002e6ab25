"""Judges the absences of one customer by the clock of the segment, as far as it is known.

Rests on decisions 79 and 137.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from scoring.customer.absence_days import days_from
from scoring.customer.absence_state import AbsenceState
from scoring.customer.episodes import Report
from scoring.customer.state import NONE, CustomerState
from scoring.instants import DAY, format_instant
from scoring.judging.alerts import Alert, pinned
from scoring.judging.reasons import Reasons
from scoring.points import rounded
from scoring.policy.policy import Policy
from scoring.rules.absence import WHOLE_DAY, Absence, AbsenceRule, SegmentClock, absences

ABSENT: Final = "absent"
RETURNED: Final = "returned"
#: Days over which the share of members who are active is averaged, to tell when an alert is to be expected.
_AVERAGED: Final = 28
_NOT_BEGUN: Final = SegmentClock(0, [0])
#: The clocks of the segments by their name, '' for all customers; as far as they are known.
Clocks = Mapping[str, SegmentClock]


class _View:
    """A customer's active days, from those on that still matter, and the clock to judge them by."""

    __slots__ = ("clock", "days", "rule")

    def __init__(self, rule: AbsenceRule, clock: SegmentClock, days: Sequence[int]) -> None:
        self.rule = rule
        self.clock = clock
        self.days = days

    def reading(self, day: int) -> int:
        """Read the clock at the start of a day; where it is not known, that is at least what it will be."""
        return self.clock.at(min(day, self.clock.last))

    def longest(self, index: int) -> int:
        """Give the customer's longest absence at an active day, or less where the clock is not known."""
        day = self.days[index]
        ended = [
            self.reading(after) - self.reading(before + 1)
            for before, after in pairwise(self.days[: index + 1])
            if after >= day - self.rule.memory
        ]
        return max(ended, default=0)

    def needed(self, index: int) -> int:
        """Give how many missed days after an active one raise the alert, or less where the clock is not known."""
        return self.rule.needed(self.longest(index), self.days, index)


def judge_absences(
    policy: Policy,
    rule: AbsenceRule | None,
    state: CustomerState,
    view: CustomerState,
    clocks: Clocks,
    *,
    known: bool,
    changed: bool,
) -> list[Alert]:
    """Judge a customer's absences by a rule, if there is anything new.

    Args:
        policy: in force.
        rule: when an absence raises an alert; None for never.
        state: judged otherwise already; has the active days.
        view: the same, or the customer by the shadow policy; its part of absences is changed in place.
        clocks: as far as they are known.
        known: whether the customer had been judged before, by whatever policy.
        changed: whether that was another policy.

    Returns:
        The alerts, in the order of their time.
    """
    if rule is None or state.judged == NONE:
        view.absence = None
        return []
    segment = state.segment if policy.profiles is not None else ""
    # Others may have closed days up to which this customer has not been judged.
    clock = clocks.get(segment, _NOT_BEGUN).until(state.judged // DAY)
    standing = view.absence
    if standing is None:
        today = state.judged // DAY
        standing = AbsenceState(segment, settled=today, since=today) if known else AbsenceState(segment)
        view.absence = standing
    elif segment != standing.segment:
        # What is not settled goes on by the other clock.
        standing.segment = segment
    elif not changed and not state.activity.flipped and not 0 < standing.due <= clock.at(clock.last):
        return []
    return _judge(rule, state.activity.days, view, standing, clock)


def _judge(
    rule: AbsenceRule, days: Mapping[int, int], state: CustomerState, standing: AbsenceState, clock: SegmentClock
) -> list[Alert]:
    # The absence that was going on when all before were settled, or the first one, and those that began later.
    first = days_from(days, standing.settled + 1)[:1]
    view = _View(rule, clock, days_from(days, first[0] - rule.memory) if first else [])
    alerts = _return(state, standing, view, [])
    for absence in absences(rule, clock, view.days):
        alert_day = absence.alert_day
        if (
            absence.last_day < first[0]
            or absence.last_day <= standing.told
            or absence.last_day < clock.first
            or alert_day is None
            or alert_day <= standing.since
        ):
            continue
        standing.told = absence.last_day
        standing.reports = (Report(ABSENT, absence.last_day * DAY),)
        reasons = _reasons(view, absence, alert_day)
        alerts.append(_alert(ABSENT, state, alert_day * DAY, absence.last_day * DAY, reasons))
        alerts = _return(state, standing, view, alerts)
    standing.settled = max(standing.settled, clock.last)
    _look_again(standing, view)
    return alerts


def _return(state: CustomerState, standing: AbsenceState, view: _View, alerts: list[Alert]) -> list[Alert]:
    """End the absence that is open, if there is an active day after it."""
    if not standing.reports:
        return alerts
    earlier, last_day = standing.reports, standing.open
    came = [day for day in view.days if day > last_day]
    if not came:
        return alerts
    missed = view.reading(came[0]) - view.reading(last_day + 1)
    reasons = [{"cause": "came back", "missed": rounded(missed), "at": format_instant(came[0] * DAY)}]
    standing.reports = ()
    return [*alerts, _alert(RETURNED, state, came[0] * DAY, last_day * DAY, reasons, earlier)]


def readings_at(clocks: Clocks, now: int) -> dict[str, int]:
    """Return what the clocks had come to by a time.

    Args:
        clocks: as far as they are known.
        now: microseconds.
    """
    return {segment: clock.at(min(clock.last, now // DAY)) for segment, clock in clocks.items()}


def pin_absence(state: CustomerState, name: str, namespace: str, score_name: str = "") -> None:
    """Keep with the open absence of an id under which ids its alerts were raised, before it is a customer's.

    Args:
        state: of the id; changed in place.
        name: the id.
        namespace: of the service.
        score_name: of the score beside which they were raised; '' for the one that has no name.
    """
    if state.absence is not None:
        state.absence.reports = pinned(name, state.absence.reports, namespace, score_name)


def unite_absences(state: CustomerState, linked: CustomerState) -> None:
    """Go on from the absences of a customer and of an id that has been linked: what ends one that is open closes both.

    Args:
        state: the customer's; changed in place, to be judged.
        linked: of the id; both are pinned.
    """
    mine, theirs = state.absence, linked.absence
    if mine is None or theirs is None:
        state.absence = mine or theirs
        return
    mine.reports = (*mine.reports, *theirs.reports)
    mine.told, mine.settled = max(mine.told, theirs.told), max(mine.settled, theirs.settled)
    mine.since = max(mine.since, theirs.since)
    # Below what any clock has come to.
    mine.due = 1


def _alert(
    kind: str, state: CustomerState, at: int, about: int, reasons: Reasons, earlier: tuple[Report, ...] = ()
) -> Alert:
    return Alert(
        kind,
        state.band,
        state.band,
        state.score,
        state.score,
        at,
        reasons,
        segment=state.segment,
        earlier=earlier,
        about=about,
    )


def _reasons(view: _View, absence: Absence, alert_day: int) -> Reasons:
    missed = view.reading(alert_day) - view.reading(absence.last_day + 1)
    return [
        {
            "cause": "absence",
            "missed": rounded(missed),
            "since": format_instant((absence.last_day + 1) * DAY),
            "longest": rounded(absence.longest),
        }
    ]


def _look_again(standing: AbsenceState, view: _View) -> None:
    """Note the reading below which no further alert can come, and when the next one is to be expected."""
    standing.due = standing.expected = standing.earliest = 0
    clock, days = view.clock, view.days
    if not days or days[-1] <= standing.told:
        return
    # What is not settled: the absence that goes on, and those that have ended on a day which the clock has not reached.
    undecided = [
        index
        for index, day in enumerate(days)
        if day > standing.told and (index + 1 == len(days) or days[index + 1] > clock.last)
    ]
    own = view.reading(days[-1] + 1) + view.needed(len(days) - 1)
    # Behind a backlog there are many: what all of them need at least is enough to look again in time.
    least = own if len(undecided) == 1 else view.reading(days[undecided[0]] + 1) + view.rule.margin
    standing.due = max(least, clock.at(clock.last) + 1)
    if days[-1] < clock.first:
        # It began before the clock did.
        return
    begins = max(days[-1] + 1, clock.last)
    missing = max(own - clock.at(clock.last), 1)
    standing.earliest = begins + -(-missing // WHOLE_DAY)
    since = max(clock.last - _AVERAGED, clock.first)
    passed = clock.at(clock.last) - clock.at(since)
    if passed:
        standing.expected = begins - (-missing * (clock.last - since) // passed)
