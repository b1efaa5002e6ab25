"""`python -m tests.memory`: the memory of a worker under backlogs of several kinds, against the stated limit."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.memory.backlog import Backlog, fill
from tests.memory.measurement import MIB, Memory, measure
from tests.memory.slow_redis import SlowProxy
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis

#: The stated limit, for the whole process.
LIMIT = 700 * MIB
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_WIDTH = 60


@dataclass(frozen=True)
class Case:
    """What the worker has to go through; the delay is that of Redis's answers, in seconds."""

    title: str
    backlog: Backlog
    delay: float = 0.0


def cases(events: int) -> dict[str, Case]:
    """List the cases.

    Args:
        events: of the largest.
    """
    tenth = max(events // 10, 1)
    return {
        "backlog": Case("a backlog, more customers than are cached", Backlog(events, max(events // 10, 40_000))),
        "newcomers": Case("every event of another customer", Backlog(tenth * 3, tenth * 30)),
        "slow": Case("Redis answers 200 ms late", Backlog(tenth * 2, 100_000), delay=0.2),
        "ids": Case("customers with thousands of event ids", Backlog(tenth * 4, max(tenth // 250, 10))),
        "packed": Case("compressed events of 2,000 bytes", Backlog(tenth, 50_000, padding=2_000, compression="gzip")),
        "large": Case(
            "bad records of 2 MB, Redis slow", Backlog(20_000, 1_000, garbage=400, garbage_bytes=2_000_000), delay=0.2
        ),
    }


def main() -> int:
    """Measure and print; 1 if a worker took more than the limit."""
    parser = argparse.ArgumentParser(prog="python -m tests.memory", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, help="of the largest backlog (default: %(default)s)")
    parser.add_argument("--case", choices=list(cases(0)), action="append", help="only this one; may come again")
    parser.add_argument("--within", type=float, default=3_600, help="seconds for each case (default: %(default)s)")
    arguments = parser.parse_args()
    chosen = {name: case for name, case in cases(arguments.events).items() if name in (arguments.case or [name])}
    measured: dict[str, Memory] = {}
    with KafkaBroker(heap="1g") as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        for name, case in chosen.items():
            print(f"{case.title}: filling", flush=True)
            asyncio.run(fill(kafka.bootstrap, f"{name}-", case.backlog))
            with ExitStack() as stack:
                url = store.url
                if case.delay:
                    proxy = stack.enter_context(SlowProxy(store.port, case.delay))
                    url = store.url.replace(f":{store.port}", f":{proxy.port}")
                memory = measure(kafka.bootstrap, f"{name}-", store.url, url, Path(folder), arguments.within)
            print(f"  {drawn(memory)}  {memory.most // MIB} MiB", flush=True)
            measured[name] = memory
    return report({chosen[name].title: memory for name, memory in measured.items()})


def drawn(memory: Memory) -> str:
    """Draw the curve, the limit being the full height."""
    curve = memory.curve
    step = max(len(curve) / _WIDTH, 1)
    points = [max(curve[int(at * step) : int((at + 1) * step) or 1]) for at in range(min(len(curve), _WIDTH))]
    return "".join(_EIGHTHS[min(point * 8 // LIMIT, 8)] for point in points)


def report(measured: dict[str, Memory]) -> int:
    """Print the table; 1 if a worker took more than the limit."""
    print("\n| | records | customers | MiB at the start | MiB at most |\n| --- | --- | --- | --- | --- |")
    for title, memory in measured.items():
        start, most = memory.at_start // MIB, memory.most // MIB
        print(f"| {title} | {memory.events:,} | {memory.customers:,} | {start} | {most} |")
    over = [title for title, memory in measured.items() if memory.most > LIMIT]
    print(
        f"\nthe limit is {LIMIT // MIB} MiB" + (f", over it: {'; '.join(over)}" if over else ", and all stay under it")
    )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
