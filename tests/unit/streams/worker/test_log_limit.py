"""What libraries repeat is written once a minute; nothing of the service's own is left out."""

from __future__ import annotations

import logging

from streams.worker.log_limit import RepeatLimit


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def record(text: str, *args: object, name: str = "aiokafka.client", level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, text, args, None)


def test_a_repeated_error_is_written_once_a_minute_with_the_number_of_those_left_out() -> None:
    clock = Clock()
    limit = RepeatLimit(clock)
    assert limit.filter(record("no connection to %s", 1))
    assert not any(limit.filter(record("no connection to %s", node)) for node in range(3))
    assert limit.filter(record("another %s", 1))
    clock.now = 59.9
    assert not limit.filter(record("no connection to %s", 2))
    clock.now = 60.0
    again = record("no connection to %s", 7)
    assert limit.filter(again)
    assert again.getMessage() == "no connection to 7 (4 more like this in the last 60 s)"
    clock.now = 120.0
    last = record("no connection to %s", 7)
    assert limit.filter(last)
    assert last.getMessage() == "no connection to 7"


def test_information_is_the_same_only_if_it_reads_the_same() -> None:
    limit = RepeatLimit(Clock())
    assert limit.filter(record("assigned %s", "email/1", level=logging.INFO))
    assert limit.filter(record("assigned %s", "email/2", level=logging.INFO))
    assert not limit.filter(record("assigned %s", "email/2", level=logging.INFO))


def test_nothing_of_the_service_is_left_out() -> None:
    limit = RepeatLimit(Clock())
    assert all(limit.filter(record("held", name="streams.rounds.pipeline")) for _ in range(5))


def test_every_handler_gets_the_same_answer() -> None:
    limit = RepeatLimit(Clock())
    first, second = record("gone"), record("gone")
    assert [limit.filter(first), limit.filter(first)] == [True, True]
    assert [limit.filter(second), limit.filter(second)] == [False, False]


def test_what_is_remembered_is_bounded() -> None:
    limit = RepeatLimit(Clock())
    for number in range(5_000):
        limit.filter(record(f"text {number}"))
    assert len(limit._seen) <= 1_000
