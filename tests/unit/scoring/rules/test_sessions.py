"""Sessions by inactivity: the same whatever the order, put together over the borders of panes."""

from __future__ import annotations

from itertools import permutations

import pytest

from scoring.customer.measuring import measured
from scoring.rules.sessions import SessionTotals, Visit, add_up, add_visit
from streams.policy_file.document import parse_policy
from streams.store.sums.visits import decode_visits, encode_visits
from tests.unit.scoring.customers import POLICY, Customer, at

PAUSE = 1800


def visits(*seconds: int) -> list[Visit]:
    """Add views of pages in an order."""
    found: list[Visit] = []
    for second in seconds:
        add_visit(found, second, 1, PAUSE)
    return found


def test_an_event_joins_the_visits_that_are_nearer_than_the_pause() -> None:
    assert visits(0, PAUSE - 1) == [Visit(0, PAUSE - 1, 2)]
    assert visits(0, PAUSE) == [Visit(0, 0, 1), Visit(PAUSE, PAUSE, 1)]
    assert visits(PAUSE, 0) == visits(0, PAUSE)
    assert visits(0, PAUSE + 100, 200) == [Visit(0, PAUSE + 100, 3)]
    assert visits(7, 7, 7) == [Visit(7, 7, 3)]


def test_the_order_in_which_events_come_does_not_matter() -> None:
    seconds = (0, 1700, 3400, 6000, 7900, 7901)
    assert {tuple(visits(*order)) for order in permutations(seconds)} == {
        (Visit(0, 3400, 3), Visit(6000, 6000, 1), Visit(7900, 7901, 2))
    }


def test_visits_of_several_panes_are_one_session_where_no_pause_is_between() -> None:
    parts = [Visit(100, 500, 2), Visit(500 + PAUSE - 1, 3000, 3), Visit(3000 + PAUSE, 5000, 1), Visit(9000, 9000, 1)]
    assert add_up(parts, PAUSE) == SessionTotals(sessions=3, seconds=2900 + 200 + 0, pages=7, bounces=2, moves=4)
    assert add_up([], PAUSE) == SessionTotals(0, 0, 0, 0, 0)


SESSIONS = "".join(
    f'[measures.{kind}]\nkind = "{kind}"\nchannel = "web"\n'
    for kind in ("sessions", "session_time", "bounce_rate", "returning", "time_on_page")
)
WITH_SESSIONS = parse_policy(
    POLICY.replace('topic = "web"', 'topic = "web"\nsessions = "30m"\npages = ["view", "buy"]') + SESSIONS
)


def told(*events: tuple[str, str], now: str) -> list[str]:
    """Return the sessions of a customer who does something at some times."""
    anna = Customer(WITH_SESSIONS)
    for kind, time in events:
        anna.judge(now, anna.event(kind, time))
    return measured(anna.policy, anna.state)


def test_a_session_over_midnight_is_one_also_when_its_second_half_comes_first() -> None:
    events = [("view", "01 23:50"), ("view", "02 00:05"), ("buy", "02 00:20")]
    for order in permutations(events):
        assert told(*order, now="02 12:00") == ["1", str(30 * 60), "0", "new", str(15 * 60)]


def test_an_event_between_two_sessions_makes_them_one() -> None:
    apart = [("view", "01 23:30"), ("view", "02 00:15")]
    assert told(*apart, now="02 12:00") == ["2", "0", "100", "returning", ""]
    assert told(*apart, ("glance", "01 23:55"), now="02 12:00") == ["1", str(45 * 60), "0", "new", str(45 * 60)]


def test_what_is_left_of_a_session_stays_when_its_first_day_leaves_the_window() -> None:
    events = [("view", "01 23:50"), ("view", "02 00:05"), ("buy", "02 00:20")]
    assert told(*events, now="03 23:59")[:2] == ["1", str(30 * 60)]
    anna = Customer(WITH_SESSIONS)
    anna.judge("03 00:00", *[anna.event(*event) for event in events])
    anna.judge("04 00:00")
    assert measured(anna.policy, anna.state)[:2] == ["1", str(15 * 60)]
    anna.judge("05 00:00")
    assert measured(anna.policy, anna.state) == [""] * 5


def test_a_session_without_a_page_is_none_that_was_left_at_once() -> None:
    assert told(("glance", "01 09:00"), now="01 12:00") == ["1", "0", "0", "new", ""]


@pytest.mark.parametrize(
    "written",
    [
        [Visit(0, 0, 1)],
        [Visit(0, 0, 0), Visit(3000, 3000, 2)],
        [Visit(63, 64, 1), Visit(64 + PAUSE, 86_399, 4_097)],
        [Visit(10**9, 2 * 10**9, 10**9)],
    ],
)
def test_visits_come_back_as_they_were_written(written: list[Visit]) -> None:
    pane_start = at("03 00:00")
    moved = [Visit(first + pane_start // 10**6, last + pane_start // 10**6, pages) for first, last, pages in written]
    assert decode_visits(encode_visits(moved, pane_start), pane_start) == moved


def test_the_visits_of_a_busy_day_stay_small() -> None:
    day = at("03 00:00")
    busy = [
        Visit(start, start + 900, 12) for start in range(day // 10**6 + 6 * 3600, day // 10**6 + 24 * 3600, 3 * 3600)
    ]
    assert len(busy) == 6
    assert len(encode_visits(busy, day)) <= 64
