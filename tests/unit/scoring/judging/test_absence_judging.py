"""The absences of one customer, as far as the clock of the segment is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.customer.absence_state import AbsenceState
from scoring.customer.state import CustomerState, settle_panes
from scoring.events.event import Event
from scoring.instants import DAY, HOUR
from scoring.judging.absence_judging import unite_absences
from scoring.judging.alerts import Alert
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.absence import WHOLE_DAY, AbsenceRule, SegmentClock
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY as TEXT

PLAIN = parse_policy(TEXT)
SEGMENTED = parse_policy(TEXT + '[profiles]\ntopic = "profiles"\nsegment = "plan"\n[segments.team]\n')
FIRST = 19_700
_BUY = next(code for code, kind in PLAIN.types.items() if kind.name == "buy")


def steady(first: int, last: int, share: int = WHOLE_DAY) -> SegmentClock:
    """The clock of a segment of which the same share comes every day, all by default."""
    return SegmentClock(first, [day * share for day in range(last - first + 1)])


class Customer:
    """One customer, judged by a rule without a memory of policies."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.state = CustomerState()

    def judge(
        self, rule: AbsenceRule | None, day: int, clock: SegmentClock | None, *active: int
    ) -> list[tuple[str, int]]:
        """Judge at noon of a day, with the events of some days; give the kinds and days of the alerts."""
        policy = replace(PLAIN, absence=rule, version="with" if rule else "without")
        now = day * DAY + 12 * HOUR
        events = [Event(one * DAY + HOUR, _BUY, "", None) for one in active]
        outcome = advance(policy, self.state, events, Moment(now, now, clocks={"": clock} if clock else {}))
        self.state.activity.flipped.clear()
        settle_panes(self.state)
        found = [one for one in outcome.transitions if isinstance(one, Alert)]
        return [(one.kind, one.occurred_at // DAY) for one in found if one.kind in ("absent", "returned")]

    @property
    def earliest(self) -> int:
        """The day before which no alert is to be expected, 0 for none."""
        assert self.state.absence is not None
        return self.state.absence.earliest


def test_an_absence_that_began_before_the_clock_raises_nothing() -> None:
    customer = Customer()
    # Missed by the clock of others are the days 5 to 11 after the first.
    assert customer.judge(AbsenceRule(), FIRST + 12, steady(FIRST + 5, FIRST + 12), FIRST) == []
    assert customer.earliest == 0


@pytest.mark.parametrize(("began", "expected"), [(3, []), (4, [("absent", FIRST + 4)])])
def test_a_policy_that_begins_to_report_absences_leaves_out_those_of_its_first_day(
    began: int, expected: list[tuple[str, int]]
) -> None:
    customer = Customer()
    assert customer.judge(None, FIRST + 1, None, FIRST) == []
    # After two missed days the alert is due on the third day after the last active one.
    rule = AbsenceRule(margin=(began - 1) * WHOLE_DAY)
    known = steady(FIRST, FIRST + 3)
    assert customer.judge(rule, FIRST + 3, known) == []
    assert customer.judge(rule, FIRST + 6, steady(FIRST, FIRST + 6)) == expected


def test_an_alert_is_raised_on_the_first_day_that_the_clock_allows_and_not_before() -> None:
    customer, rule = Customer(), AbsenceRule()
    assert customer.judge(rule, FIRST, None, FIRST) == []
    for day in (1, 2):
        assert customer.judge(rule, FIRST + day, steady(FIRST, FIRST + day)) == []
        assert customer.earliest == FIRST + 3
    assert customer.judge(rule, FIRST + 3, steady(FIRST, FIRST + 3)) == [("absent", FIRST + 3)]
    assert customer.judge(rule, FIRST + 9, steady(FIRST, FIRST + 9), FIRST + 8) == [("returned", FIRST + 8)]


def test_an_alert_is_expected_by_the_pace_of_the_clock_so_far_and_never_sooner_than_a_day_a_day() -> None:
    customer = Customer()
    assert customer.judge(AbsenceRule(), FIRST + 2, steady(FIRST, FIRST + 2, WHOLE_DAY // 2), FIRST) == []
    # One of two days has been missed by half; at this pace the other three halves take three days.
    assert customer.state.absence is not None
    assert (customer.earliest, customer.state.absence.expected) == (FIRST + 4, FIRST + 5)


def test_the_pace_is_that_of_the_last_four_weeks() -> None:
    customer = Customer()
    # Nobody came for long, then half of the segment for four weeks.
    readings = [0] * 30 + [day * WHOLE_DAY // 2 for day in range(29)]
    today = FIRST + len(readings) - 1
    assert customer.judge(AbsenceRule(), today, SegmentClock(FIRST, readings), today - 1) == []
    assert customer.state.absence is not None
    assert (customer.earliest, customer.state.absence.expected) == (today + 2, today + 4)


def test_nobody_is_reported_for_days_up_to_which_they_have_not_been_judged() -> None:
    customer = Customer()
    assert customer.judge(AbsenceRule(), FIRST, None, FIRST) == []
    # Another worker has closed more days already.
    known = steady(FIRST, FIRST + 6)
    assert customer.judge(AbsenceRule(), FIRST + 2, known) == []
    assert customer.judge(AbsenceRule(), FIRST + 3, known) == [("absent", FIRST + 3)]


def test_who_changes_segment_is_looked_at_by_the_clock_of_the_new_one() -> None:
    state = CustomerState()
    state.segment = "team"
    policy = replace(SEGMENTED, absence=AbsenceRule())
    clocks = {"team": steady(FIRST, FIRST + 2, 0), "": steady(FIRST, FIRST + 2)}
    for day, segment, events in ((FIRST, "team", [Event(FIRST * DAY, _BUY, "", None)]), (FIRST + 2, "", [])):
        state.segment = segment
        now = day * DAY + HOUR
        advance(policy, state, events, Moment(now, now, clocks=clocks))
        settle_panes(state)
        assert state.absence is not None
        assert state.absence.segment == segment
    # One day and the margin have to pass on the clock of everybody.
    assert state.absence.due == 3 * WHOLE_DAY


def test_linked_ids_are_looked_at_again_and_leave_out_what_either_leaves_out() -> None:
    customer, linked = CustomerState(), CustomerState()
    customer.absence, linked.absence = AbsenceState(since=FIRST), AbsenceState(since=FIRST + 7)
    customer.absence.due = 50 * WHOLE_DAY
    unite_absences(customer, linked)
    assert (customer.absence.due, customer.absence.since) == (1, FIRST + 7)
