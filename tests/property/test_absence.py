"""The rule of absence against its definition: every day, every member, every pair of active days again."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scoring.rules.absence import WHOLE_DAY, AbsenceRule, absences, clock_of

_DAYS = st.sets(st.integers(0, 40), max_size=15).map(sorted)
_RULES = st.builds(
    AbsenceRule,
    share=st.sampled_from([0, 500_000, WHOLE_DAY]),
    margin=st.sampled_from([0, 500_000, 2 * WHOLE_DAY]),
    members_within=st.integers(1, 12),
    memory=st.integers(1, 30),
    least_members=st.integers(1, 4),
    at_most=st.sampled_from([0, 1_500_000, 365 * WHOLE_DAY]),
    growth=st.sampled_from([0, 300_000, WHOLE_DAY]),
)


def share_of(rule: AbsenceRule, histories: list[list[int]], day: int) -> int:
    members = [days for days in histories if any(day - rule.members_within <= one < day for one in days)]
    if len(members) < rule.least_members:
        return 0
    return int(Fraction(sum(day in days for days in members), len(members)) * WHOLE_DAY)


@given(_RULES, st.lists(_DAYS, max_size=6), st.integers(0, 45))
def test_alerts_come_on_the_days_that_the_definition_gives(
    rule: AbsenceRule, histories: list[list[int]], last: int
) -> None:
    histories = [[day for day in days if day <= last] for days in histories]
    shares = [share_of(rule, histories, day) for day in range(last + 1)]

    def clock(day: int) -> int:
        return sum(shares[:day])

    found = clock_of(rule, histories, last)
    for days in histories:
        expected = []
        for index, day in enumerate(days):
            if day > last:
                continue
            following = days[index + 1] if index + 1 < len(days) else last + 1
            ended = [
                (after, clock(after) - clock(before + 1))
                for before, after in pairwise(days)
                if day - rule.memory <= after <= day
            ]
            longest = max([missed for _, missed in ended], default=0)
            active = sum(day - rule.memory <= one <= day for one in days)
            doublings = max(n for n in range(active) if 2**n <= active)
            held = min(longest * rule.share // WHOLE_DAY, rule.at_most)
            due = clock(day + 1) + held + rule.margin + doublings * rule.growth
            expected += [t for t in range(day + 1, following + 1) if clock(t) >= due][:1]
        assert [one.alert_day for one in absences(rule, found, days) if one.alert_day is not None] == expected
