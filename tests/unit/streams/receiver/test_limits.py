"""What the receiver takes at most."""

from __future__ import annotations

import pytest

from streams.errors import RequestRefused
from streams.receiver.limits import Backlog, Rate


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def refused(rate: Rate, records: int = 1) -> float:
    """Give the seconds after which a request may come again that is refused, as it must be."""
    with pytest.raises(RequestRefused) as error:
        rate.take(records)
    assert (error.value.status, error.value.code) == (429, "rate")
    return error.value.retry_after


def test_as_many_records_as_a_second_has_come_at_once_and_then_at_their_rate() -> None:
    clock = Clock()
    rate = Rate(10, clock)
    for _ in range(10):
        rate.take(1)
    assert refused(rate) == 1
    clock.now += 0.35
    for _ in range(4):
        rate.take(1)
    refused(rate)


def test_time_without_requests_saves_no_more_than_a_second() -> None:
    clock = Clock()
    rate = Rate(10, clock)
    clock.now += 1_000
    for _ in range(10):
        rate.take(1)
    refused(rate)


def test_a_large_request_is_taken_and_those_after_it_wait_until_its_debt_is_over() -> None:
    clock = Clock()
    rate = Rate(10, clock)
    rate.take(60)
    wait = refused(rate)
    assert wait == 6
    clock.now += wait
    rate.take(1)


def test_what_is_refused_is_not_counted() -> None:
    clock = Clock()
    rate = Rate(10, clock)
    rate.take(10)
    for _ in range(100):
        refused(rate, 50)
    clock.now += 0.15
    rate.take(1)


def test_the_backlog_takes_what_there_is_any_room_for_and_nothing_beyond() -> None:
    backlog = Backlog(100)
    backlog.add(60)
    backlog.add(60)
    with pytest.raises(RequestRefused) as error:
        backlog.add(1)
    assert (error.value.status, error.value.code, error.value.retry_after) == (503, "backlog", 1)
    assert backlog.size == 120
    backlog.take_away(60)
    backlog.check()
    backlog.take_away(60)
    assert backlog.size == 0
