"""`make bench-silence`: what silence costs with ever more customers scheduled, and the stream through a midnight."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from dataclasses import dataclass

from tests.benchmarks import product
from tests.benchmarks.crossings import AlertCount, boundary_after, cpu_when, leaves_at, policy_text, schedule
from tests.benchmarks.figures import growth, table
from tests.benchmarks.midnight import Stream, through_midnight
from tests.benchmarks.system import System, running
from tests.services.process_figures import memory_available

#: Of Redis and of the broker's log, for each customer that is added, generously.
_BYTES_EACH = 1_400
#: From the choice of a boundary on: so long may it take until all who are due have been scored.
_LEAD = 20.0
#: CPU is counted from so long before the boundary.
_BEFORE = 1.0
_ALERTS_WITHIN = 120.0


@dataclass(frozen=True)
class Crossing:
    """One boundary: seconds from it to the last alert, and CPU seconds of worker, Redis and broker."""

    seconds: float
    worker: float
    redis: float
    broker: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.silence", description=__doc__)
    parser.add_argument("--due", type=int, default=10_000, help="at each boundary (default: %(default)s)")
    parser.add_argument(
        "--scheduled", type=int, nargs="+", default=[100_000, 1_000_000], help="ascending (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each; the first is dropped where there are more")
    parser.add_argument("--rate", type=int, default=20_000, help="of the stream at midnight (default: %(default)s)")
    parser.add_argument("--no-midnight", action="store_true", help="only the curve")
    arguments = parser.parse_args()
    if not product.COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench-silence`, or `make compiled` first")
    with running(policy_text(), product.COMPILED) as system:
        measured, refused = curve(system, arguments)
        print("\n" + report(measured, refused, arguments.due), flush=True)
        if not arguments.no_midnight and measured:
            crossing = max(measured) // 20
            print("\n" + asyncio.run(through_midnight(system, crossing, Stream(arguments.rate))))
    return 0


def curve(system: System, arguments: argparse.Namespace) -> tuple[dict[int, Crossing], dict[int, str]]:
    """Measure with more and more customers scheduled.

    Args:
        system: which is measured.
        arguments: of the command.

    Returns:
        The medians by number of customers scheduled; and which numbers were left out, with the reason.
    """
    measured: dict[int, Crossing] = {}
    refused: dict[int, str] = {}
    there = 0
    for scheduled in arguments.scheduled:
        needed = (scheduled - there) * _BYTES_EACH
        if needed > memory_available():
            refused[scheduled] = f"{needed / 1e9:.0f} GB of memory needed, {memory_available() / 1e9:.0f} free"
            print(f"{scheduled:,} scheduled: not run, {refused[scheduled]}", flush=True)
            continue
        print(f"{scheduled:,} scheduled: filling", flush=True)
        schedule(system, "bystander", range(there, scheduled), time.time())
        there = scheduled
        rounds = [
            cross(system, f"due-{scheduled}-{number}", arguments.due) for number in range(1, arguments.rounds + 1)
        ]
        counted = rounds[1:] or rounds
        columns = zip(*((one.seconds, one.worker, one.redis, one.broker) for one in counted), strict=True)
        measured[scheduled] = Crossing(*(statistics.median(column) for column in columns))
    return measured, refused


def cross(system: System, name: str, due: int) -> Crossing:
    """Let customers cross at the next boundary, and wait for their alerts.

    Args:
        system: which is measured.
        name: of these customers, before their numbers.
        due: how many.

    Returns:
        What it took.
    """
    boundary = boundary_after(time.time() + _LEAD)
    schedule(system, name, range(due), leaves_at(boundary))
    assert time.time() < boundary - _BEFORE, "the customers who are due were scored too late; the machine is too slow"
    seconds, before, after = asyncio.run(_crossed(system, name, due, boundary))
    used = {part: after[part] - before[part] for part in after}
    crossing = Crossing(seconds, used["worker"], used["Redis"], used["broker"])
    print(f"  {name}: {crossing.seconds:.2f} s to the last alert, worker {crossing.worker:.2f} CPU s", flush=True)
    return crossing


async def _crossed(
    system: System, name: str, due: int, boundary: int
) -> tuple[float, dict[str, float], dict[str, float]]:
    async with AlertCount(system.brokers, name) as alerts:
        before = dict(await asyncio.to_thread(cpu_when, system, boundary - _BEFORE))
        last = await alerts.read_until(due, boundary + _ALERTS_WITHIN)
        return last - boundary, before, system.cpu_seconds()


def report(measured: dict[int, Crossing], refused: dict[int, str], due: int) -> str:
    """Write the table and the law of growth.

    Args:
        measured: by number of customers scheduled.
        refused: numbers that were left out, with the reason.
        due: customers at each boundary.

    Returns:
        Markdown.
    """
    head = ("customers scheduled", "s from the boundary to the last alert", "CPU s: worker", "Redis", "broker")
    rows = [
        [f"{scheduled:,}", *(f"{figure:.2f}" for figure in (one.seconds, one.worker, one.redis, one.broker))]
        for scheduled, one in measured.items()
    ]
    rows += [[f"{scheduled:,}", f"not run: {reason}", "", "", ""] for scheduled, reason in refused.items()]
    lines = [
        f"{due:,} customers are due at each boundary; the timer looks once a second. Mark: under 2 s of the worker.",
        "",
        table(head, rows),
    ]
    if len(measured) > 1:
        _, exponent = growth([(scheduled, one.worker) for scheduled, one in measured.items()])
        lines += ["", f"The worker's time grows as the customers scheduled to the power of {exponent:.2f}."]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
