"""A stream of many customers, in any batches, raises exactly the alerts of absence that the whole history says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.absence_days import close_days, member_fields, member_gains
from scoring.customer.state import CustomerState, settle_panes
from scoring.events.event import Event
from scoring.instants import DAY, HOUR
from scoring.judging.alerts import Alert
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.absence import WHOLE_DAY, AbsenceRule, SegmentClock, absences, clock_of
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY as TEXT

POLICY = parse_policy(TEXT)
FIRST = 19_700
_BUY = next(code for code, kind in POLICY.types.items() if kind.name == "buy")
_HISTORIES = st.lists(st.sets(st.integers(FIRST, FIRST + 40), max_size=15).map(sorted), min_size=1, max_size=6)
_RULES = st.builds(
    AbsenceRule,
    share=st.sampled_from([0, 500_000, WHOLE_DAY]),
    margin=st.sampled_from([1, 500_000, WHOLE_DAY, 2 * WHOLE_DAY]),
    members_within=st.integers(1, 12),
    memory=st.integers(1, 30),
    least_members=st.integers(1, 3),
    at_most=st.sampled_from([0, 1_500_000, 365 * WHOLE_DAY]),
    growth=st.sampled_from([0, 300_000, WHOLE_DAY]),
)


class Stream:
    """The customers of a stream, and a timer that closes days and looks at who is due."""

    def __init__(self, rule: AbsenceRule) -> None:
        """Begin with nobody."""
        self.rule, self.policy = rule, replace(POLICY, absence=rule)
        self.states: dict[int, CustomerState] = {}
        self.sums: Counter[str] = Counter()
        self.clock: SegmentClock | None = None
        self.raised: list[tuple[int, str, int, int]] = []

    def judge(self, customer: int, events: list[Event], now: int, clock: SegmentClock | None) -> None:
        """Judge and store one customer, by a worker who knows so much of the clock."""
        state = self.states.setdefault(customer, CustomerState())
        outcome = advance(self.policy, state, events, Moment(now, now, clocks={"": clock} if clock else {}))
        self.sums.update(member_gains(self.rule.members_within, state.activity.days, state.activity.flipped))
        state.activity.flipped.clear()
        settle_panes(state)
        self.raised += [
            (customer, each.kind, each.about // DAY, each.occurred_at // DAY)
            for each in outcome.transitions
            if isinstance(each, Alert) and each.kind in ("absent", "returned")
        ]

    def turn(self, now: int) -> None:
        """Close the days that have ended, and judge who is due by then."""
        self.clock = close_days(self.rule, self.clock, self.sums, now // DAY - 1)
        if self.clock is None:
            return
        reading = self.clock.at(self.clock.last)
        for customer, state in self.states.items():
            if state.absence is not None and 0 < state.absence.due <= reading:
                self.judge(customer, [], now, self.clock)
                assert not 0 < state.absence.due <= reading


@given(_RULES, _HISTORIES, st.data())
@settings(max_examples=300, deadline=None)
def test_alerts_are_those_of_the_history(rule: AbsenceRule, histories: list[list[int]], data: st.DataObject) -> None:
    events = sorted((day, who) for who, days in enumerate(histories) for day in days)
    last = FIRST + 45
    stream = Stream(rule)
    known: SegmentClock | None = None
    while events:
        size = data.draw(st.integers(1, len(events)))
        batch, events = events[:size], events[size:]
        now = batch[-1][0] * DAY + HOUR
        for who in sorted({who for _, who in batch}):
            mine = [Event(day * DAY + HOUR, _BUY, "", None) for day, one in batch if one == who]
            # Another worker may have seen fewer days closed.
            stream.judge(who, mine, now, data.draw(st.sampled_from([known, stream.clock])))
        known = stream.clock
        if data.draw(st.booleans()):
            stream.turn(now)
    stream.turn((last + 1) * DAY)

    whole = clock_of(rule, histories, last)
    if stream.clock is not None:
        closed = range(stream.clock.first, last + 2)
        assert [stream.clock.at(day) for day in closed] == [whole.at(day) for day in closed]
    expected = []
    for who, days in enumerate(histories):
        for one in absences(rule, whole, days):
            if one.alert_day is not None:
                expected.append((who, "absent", one.last_day, one.alert_day))
                expected += [(who, "returned", one.last_day, one.ended)] if one.ended is not None else []
    assert sorted(stream.raised) == sorted(expected)


@given(st.integers(1, 49), st.sets(st.integers(0, 120), max_size=12), st.lists(st.integers(0, 120), max_size=6))
def test_what_a_write_adds_makes_up_what_there_is(within: int, before: set[int], flipped: list[int]) -> None:
    after = set(before)
    for day in flipped:
        after ^= {day}
    sums = Counter(member_fields(within, sorted(before)))
    spans: Counter[int] = Counter()
    for day in after:
        spans[day // 50] += 1 << day % 50
    sums.update(member_gains(within, spans, flipped))
    assert {field: count for field, count in sums.items() if count} == member_fields(within, sorted(after))
