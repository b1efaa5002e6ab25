"""The rule of absence, worked through by hand."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.rules.absence import WHOLE_DAY, AbsenceRule, SegmentClock, absences, clock_of
from streams.policy_file.document import parse_policy

SMALL = AbsenceRule(least_members=1)


def steady(days: int) -> SegmentClock:
    """A segment of which everybody is active on each day: its clock is the calendar."""
    return SegmentClock(0, [day * WHOLE_DAY for day in range(days)])


def test_a_customer_without_a_record_is_absent_after_the_margin() -> None:
    (absence,) = absences(SMALL, steady(20), [3])
    # The day after the last one is the first that can be missed: days 4 and 5 are.
    assert (absence.last_day, absence.alert_day, absence.longest) == (3, 6, 0)


def test_the_longest_absence_that_a_customer_came_back_from_has_to_be_passed_by_the_margin() -> None:
    first, second = absences(SMALL, steady(30), [3, 8])
    # Days 4 to 7 were missed: the first absence raised an alert, and is the longest before the second.
    assert (first.ended, first.missed, first.alert_day) == (8, 4 * WHOLE_DAY, 6)
    assert (second.longest, second.alert_day) == (4 * WHOLE_DAY, 8 + 1 + 4 + 2)


def test_an_absence_that_ends_on_its_day_has_raised_the_alert_at_the_start_of_that_day() -> None:
    first, _ = absences(SMALL, steady(30), [3, 6])
    assert first.alert_day == 6


def test_a_record_is_forgotten_after_the_memory() -> None:
    rule = AbsenceRule(memory=10)
    *_, kept = absences(rule, steady(60), [0, 5, *range(6, 16)])
    *_, forgotten = absences(rule, steady(60), [0, 5, *range(6, 17)])
    assert (kept.longest, forgotten.longest) == (4 * WHOLE_DAY, 0)


def test_share_and_margin_decide_how_much_of_the_record_is_needed() -> None:
    rule = AbsenceRule(share=WHOLE_DAY // 2, margin=3 * WHOLE_DAY)
    *_, last = absences(rule, steady(40), [0, 11])
    assert last.alert_day == 12 + 5 + 3


def test_a_record_counts_up_to_its_limit() -> None:
    rule = AbsenceRule(share=WHOLE_DAY // 2, at_most=3 * WHOLE_DAY)
    *_, last = absences(rule, steady(40), [0, 11])
    # Half of ten days would be five.
    assert (last.longest, last.alert_day) == (10 * WHOLE_DAY, 12 + 3 + 2)


def test_the_margin_grows_with_each_doubling_of_the_active_days() -> None:
    rule = AbsenceRule(growth=WHOLE_DAY)
    margins = [one.needed // WHOLE_DAY - 2 for one in absences(rule, steady(40), list(range(9)))]
    assert margins == [0, 1, 1, 2, 2, 2, 2, 3, 3]


def test_active_days_beyond_the_memory_do_not_let_the_margin_grow() -> None:
    rule = AbsenceRule(growth=WHOLE_DAY, memory=3)
    margins = [one.needed // WHOLE_DAY - 2 for one in absences(rule, steady(40), list(range(9)))]
    assert margins == [0, 1, 1, 2, 2, 2, 2, 2, 2]


def test_the_clock_moves_by_the_share_of_the_members_who_were_active() -> None:
    # Four are members from day 1 on; two of them come again on day 1, one on day 2. The fifth begins on day 1.
    histories = [[0, 1, 2], [0, 1], [0], [0], [1]]
    clock = clock_of(SMALL, histories, last=3)
    assert [clock.at(day) for day in range(5)] == [0, 0, 500_000, 700_000, 700_000]


def test_a_day_with_too_few_members_does_not_move_the_clock() -> None:
    histories = [[0, 1, 2]] * 4
    assert clock_of(AbsenceRule(least_members=5), histories, last=3).at(4) == 0
    assert clock_of(AbsenceRule(least_members=4), histories, last=3).at(4) == 2 * WHOLE_DAY


def test_membership_ends_after_its_days() -> None:
    rule = AbsenceRule(members_within=2, least_members=1)
    # The second customer is a member on days 1 and 2 only; on day 3 the first is the only one.
    clock = clock_of(rule, [[0, 1, 2, 3], [0]], last=3)
    assert [clock.at(day + 1) - clock.at(day) for day in range(4)] == [0, 500_000, 500_000, WHOLE_DAY]


def test_a_segment_that_stands_still_raises_nothing() -> None:
    assert [one.alert_day for one in absences(SMALL, SegmentClock(0, [0] * 100), [3])] == [None]


def test_what_is_missed_is_known_as_far_as_the_clock() -> None:
    (absence,) = absences(SMALL, steady(5), [3])
    assert (absence.missed, absence.alert_day) == (0, None)
    assert list(absences(SMALL, steady(5), [4])) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("[alerts]\nabsence = false\n", None),
        ("[alerts.absence]\n", AbsenceRule()),
        (
            (
                '[alerts.absence]\nshare = 0.5\nat_most = 7.5\nmargin = 3\ngrowth = 0.2\nmembers_within = "14d"\n'
                'memory = "90d"\nleast_members = 10\n'
            ),
            AbsenceRule(500_000, 3_000_000, 14, 90, 10, 7_500_000, 200_000),
        ),
    ],
)
def test_the_rule_is_read_from_the_policy(text: str, expected: AbsenceRule | None) -> None:
    assert parse_policy(text).absence == expected


def test_every_problem_of_the_rule_is_listed() -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy(
            '[alerts.absence]\nshare = -1\nmargin = 400\nmembers_within = "90d"\n'
            'memory = "1h"\nleast_members = 0\nat_most = -1\ngrowth = "a day"\nx = 1\n'
        )
    keys = "share, at_most, margin, growth, members_within, memory, least_members"
    assert list(refused.value.problems) == [
        f"alerts.absence.x: unknown key; allowed here: {keys}",
        "alerts.absence.share: must be from 0 to 10",
        "alerts.absence.at_most: must be from 0 to 365 days",
        "alerts.absence.margin: must be from 0 to 365 days",
        "alerts.absence.growth: 'a day' is not a number",
        "alerts.absence.members_within: '90d' is not a number of whole days from 1d to 49d",
        "alerts.absence.memory: '1h' is not a number of whole days from 1d to 365d",
        "alerts.absence.least_members: 0 is not a number of customers, 1 to 1000000",
    ]
