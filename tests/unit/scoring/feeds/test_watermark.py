"""How far the evaluation time may go; wall-clock times in seconds after noon, event times in hours."""

from __future__ import annotations

import pytest

from scoring.feeds.watermark import KEEPING_UP, STALE_AFTER, Mark, stream_time, wall_time
from scoring.instants import HOUR, SECOND

NOON = 1_704_110_400 * SECOND
NOW = NOON + 100 * SECOND
IDLE_AFTER = 10 * SECOND


def second(offset: float) -> int:
    """Give a moment of the wall clock."""
    return NOON + round(offset * SECOND)


def mark(newest: int, *, moved: float = 99, since: float = 0, caught_up: bool = True, reported: float = 100) -> Mark:
    """Give a mark: the newest event time in hours, and when its partition has moved and reported."""
    return Mark(newest * HOUR, second(moved), caught_up, second(since), second(moved), second(reported), 1, 7)


def idle(newest: int, **fields: float) -> Mark:
    """Give the mark of a partition that has had no record for long."""
    return mark(newest, **{"moved": 50, **fields})  # type: ignore[arg-type]


def watermark(*marks: Mark, lateness: int = 0) -> float:
    """Give the watermark in hours."""
    return stream_time(marks, NOW, lateness, IDLE_AFTER) / HOUR


def test_the_slowest_partition_that_moves_holds_the_watermark() -> None:
    assert watermark(mark(5), mark(3), mark(9)) == 3


def test_the_lateness_is_taken_off() -> None:
    assert watermark(mark(5), mark(3), lateness=HOUR) == 2
    assert watermark(mark(1), lateness=2 * HOUR) == 0


def test_an_idle_partition_does_not_hold_it() -> None:
    assert watermark(mark(5), idle(3)) == 5


def test_a_partition_is_idle_from_the_moment_on_not_before() -> None:
    assert watermark(mark(5), mark(3, moved=90)) == 5
    assert watermark(mark(5), mark(3, moved=90.000001)) == 3


def test_a_partition_that_is_not_read_to_its_end_holds_it_however_long_it_has_not_moved() -> None:
    assert watermark(mark(5), idle(3, caught_up=False)) == 3


def test_a_partition_without_a_recent_report_holds_it() -> None:
    assert STALE_AFTER == 5 * SECOND
    assert watermark(mark(5), idle(3, reported=95)) == 5
    assert watermark(mark(5), idle(3, reported=94.999999)) == 3


def test_a_partition_that_nobody_has_reported_holds_everything() -> None:
    assert watermark(mark(5), Mark()) == 0
    assert watermark(Mark()) == 0


def test_without_partitions_there_is_no_time() -> None:
    assert watermark() == 0


def test_with_all_partitions_idle_the_newest_event_of_all_holds() -> None:
    assert watermark(idle(5), idle(9), idle(3)) == 9
    assert watermark(idle(5), idle(9), lateness=HOUR) == 8


def test_partitions_without_an_event_do_not_hold_once_they_are_idle() -> None:
    assert watermark(mark(5), idle(0)) == 5
    assert watermark(idle(0)) == 0


def test_when_the_stream_wakes_up_an_idle_partition_is_waited_for_again() -> None:
    woken = mark(5, since=95)
    assert watermark(woken, idle(3)) == 3
    assert watermark(mark(5, since=90), idle(3)) == 5


def test_the_stream_is_awake_from_the_first_partition_that_moves_on() -> None:
    assert watermark(mark(5, since=95), mark(7, since=80), idle(3)) == 5


def test_a_stretch_that_ended_long_ago_does_not_wake_the_stream() -> None:
    assert watermark(mark(5, since=80), idle(3, since=99)) == 5


def test_the_wall_clock_is_now_while_every_partition_keeps_up() -> None:
    assert KEEPING_UP == 5 * SECOND
    assert wall_time([mark(0, moved=99), mark(0, moved=95)], NOW) == NOW


def test_a_partition_that_is_behind_takes_the_time_back_to_where_it_is() -> None:
    assert wall_time([mark(0, moved=99), mark(0, moved=94)], NOW) == second(94)


@pytest.mark.parametrize("marks", [[], [Mark()], [mark(0), Mark()]])
def test_a_partition_that_is_not_known_stops_the_wall_clock(marks: list[Mark]) -> None:
    assert wall_time(marks, NOW) == 0
