"""Programs that are run in turn, round after round, so that whatever else the machine does meets all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


class NotRun(RuntimeError):
    """A program cannot run on this machine; the message says why."""


@dataclass(frozen=True)
class Program:
    """One that is compared: its title, what its work includes, and how it is run.

    `run` gives `events` and `seconds`, and may give more.
    """

    title: str
    includes: str
    run: Callable[[], Mapping[str, float]]


@dataclass
class Measured:
    """What the rounds of a program gave: events/s of those that count, or why it was not run."""

    program: Program
    rates: list[float] = field(default_factory=list)
    results: list[Mapping[str, float]] = field(default_factory=list)
    not_run: str = ""

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)


def run_in_turn(programs: Sequence[Program], rounds: int) -> list[Measured]:
    """Run each program once a round, and tell how it goes.

    Args:
        programs: in this order in each round.
        rounds: how many; the first does not count where there are more than one.

    Returns:
        One for each program, in the same order. One that cannot run is not tried again.
    """
    measured = [Measured(program) for program in programs]
    for number in range(1, rounds + 1):
        counts = number > 1 or rounds == 1
        for one in measured:
            if not one.not_run:
                _run(one, number, counts=counts)
    return measured


def _run(one: Measured, number: int, *, counts: bool) -> None:
    try:
        result = one.program.run()
    except NotRun as reason:
        one.not_run = str(reason)
        print(f"  round {number}:       not run  {one.program.title}: {reason}", flush=True)
        return
    rate = result["events"] / result["seconds"]
    note = "" if counts else "  (does not count)"
    print(f"  round {number}: {rate:>9,.0f} events/s  {one.program.title}{note}", flush=True)
    if counts:
        one.rates.append(rate)
        one.results.append(result)
