"""The wall clock while somebody sets it."""

from __future__ import annotations

import logging

import pytest

from scoring.instants import HOUR, MINUTE, SECOND
from streams.machine_clock import BELIEVED_AFTER, SteadyClock, elapsed

START = 1_700_000_000 * SECOND


class Machine:
    """A machine: time passes, and its clock is off by something."""

    def __init__(self) -> None:
        """Begin with a clock that is right."""
        self.passed = 77
        self.off = 0
        self.clock = SteadyClock(self.wall, lambda: self.passed)

    def wall(self) -> int:
        """Read the clock of the machine."""
        return START + self.passed + self.off

    def after(self, length: int) -> int:
        """Let time pass; tell by how much the steady clock is off then."""
        self.passed += length
        return self.clock() - START - self.passed


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 2 * SECOND, -2 * SECOND])
def test_a_jump_that_does_not_last_is_not_followed(jump: int) -> None:
    machine = Machine()
    machine.off = jump

    assert [machine.after(length) for length in (0, 1, SECOND, MINUTE, 3 * MINUTE)] == [0] * 5
    machine.off = 0
    assert [machine.after(length) for length in (0, HOUR)] == [0, 0]


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_that_lasts_is_followed(jump: int) -> None:
    machine = Machine()
    machine.off = jump

    assert machine.after(0) == 0
    assert machine.after(BELIEVED_AFTER - 1) == 0
    assert machine.after(1) == jump
    assert machine.after(HOUR) == jump


def test_jumps_back_and_forth_are_each_waited_out() -> None:
    machine = Machine()
    for _ in range(10):
        machine.off = HOUR
        assert machine.after(2 * MINUTE) == 0
        machine.off = 0
        assert machine.after(4 * MINUTE) == 0


def test_a_clock_that_is_kept_right_little_by_little_is_followed() -> None:
    machine = Machine()
    for _ in range(100):
        machine.off += SECOND
        assert machine.after(SECOND) == machine.off


def test_the_clock_is_in_doubt_while_a_good_event_could_be_refused() -> None:
    machine = Machine()
    doubts = []
    for off in (0, HOUR, 4 * MINUTE, -HOUR, HOUR):
        machine.off = off
        doubts.append(machine.clock.in_doubt)
    assert doubts == [False, True, False, False, True]
    machine.passed += BELIEVED_AFTER
    assert not machine.clock.in_doubt


def test_a_jump_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    machine.off = -HOUR
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            machine.after(SECOND)

    assert [record.message for record in caplog.records] == [
        "the machine's clock has jumped by -3600.0 s; it is followed if it stays so for 5 minutes"
    ]


def test_the_clock_that_nobody_sets_goes_on() -> None:
    before = elapsed()
    assert elapsed() >= before > 0
