"""`make bench-plots`: how time and memory grow with events, customers, partitions and the window, drawn as SVG."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import redis

from tests.benchmarks import product
from tests.benchmarks.environments import drawn
from tests.benchmarks.figures import growth, table
from tests.benchmarks.rounds import NotRun
from tests.benchmarks.workload import PARTITIONS, Workload, fill
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis

_FOLDER = Path("build") / "plots"
Results = Mapping[int, Mapping[str, float]]


@dataclass(frozen=True)
class Curve:
    """Measured points and the law fitted to them: y = factor x x ** exponent."""

    name: str
    title: str
    x: str
    y: str
    points: Sequence[tuple[float, float]]
    factor: float
    exponent: float
    law: str


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description=__doc__)
    parser.add_argument("--events", type=int, default=400_000, help="where they are not what grows")
    parser.add_argument("--customers", type=int, default=50_000, help="where they are not what grows")
    parser.add_argument("--rounds", type=int, default=3, help="the first is dropped where there are more than one")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for the drawings (default: %(default)s)")
    arguments = parser.parse_args()
    if not product.COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench-plots`, or `make compiled` first")
    with KafkaBroker(heap="1g") as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        bench = Bench(kafka.bootstrap, store.url, Path(folder), arguments.rounds)
        curves = measure(bench, arguments.events, arguments.customers)
    rows = [[one.title, f"{one.points[0][0]:,.0f} to {one.points[-1][0]:,.0f}", one.law] for one in curves]
    print("\n" + table(("what", "measured from", "law"), rows))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    file = arguments.folder / "curves.json"
    file.write_text(json.dumps([asdict(one) for one in curves], indent=1))
    try:
        drawn(file, arguments.folder)
    except NotRun as reason:
        print(f"\nnot drawn: {reason}; the points are in {file}")
        return 1
    print(f"\ndrawn: {', '.join(str(arguments.folder / f'{one.name}.svg') for one in curves)}")
    return 0


class Bench:
    """One broker and one Redis server, on which workloads are run one after the other."""

    def __init__(self, brokers: str, url: str, folder: Path, rounds: int) -> None:
        """Keep where they are, and how often each workload is run."""
        self._brokers = brokers
        self._url = url
        self._folder = folder
        self._rounds = rounds
        self._number = 0

    def grow(self, title: str, workloads: Mapping[int, Workload], window: Callable[[int], str]) -> Results:
        """Run workloads in turn.

        Args:
            title: what grows.
            workloads: by how much of it there is; each gets topics of its own.
            window: tells the length of the window, in the policy's notation, by the same.

        Returns:
            Medians of seconds and bytes per customer, by how much there was.
        """
        self._number += 1
        own = {
            size: Workload(f"growth{self._number}-{size}-", one.events, one.customers, one.partitions, one.days)
            for size, one in workloads.items()
        }
        for size, workload in own.items():
            print(f"{title}: {size:,}: filling", flush=True)
            asyncio.run(fill(self._brokers, workload))
        results: dict[int, list[Mapping[str, float]]] = {size: [] for size in own}
        for number in range(1, self._rounds + 1):
            for size, workload in own.items():
                result = self._run(workload, window(size))
                print(f"  round {number}: {title} {size:,}: {result['seconds']:.1f} s", flush=True)
                if number > 1 or self._rounds == 1:
                    results[size].append(result)
        return {
            size: {name: statistics.median(one[name] for one in some) for name in some[0]}
            for size, some in results.items()
        }

    def _run(self, workload: Workload, window: str) -> Mapping[str, float]:
        result = product.run(self._brokers, self._url, workload, self._folder, product.COMPILED, window=window)
        with redis.Redis.from_url(self._url) as client:
            client.flushall()
        return result


def measure(bench: Bench, events: int, customers: int) -> list[Curve]:
    """Let one thing grow after the other.

    Args:
        bench: where it is run.
        events: where they are not what grows.
        customers: likewise.

    Returns:
        The curves.
    """
    by_events = bench.grow(
        "events",
        {count: Workload("", count, customers) for count in (events // 4, events // 2, events, events * 2, events * 4)},
        _month,
    )
    by_customers = bench.grow(
        "customers",
        {count: Workload("", events, count) for count in (customers // 50, customers // 5, customers, customers * 4)},
        _month,
    )
    by_partitions = bench.grow(
        "partitions of each topic",
        {count: Workload("", events, customers, count) for count in (1, PARTITIONS, 12, 24)},
        _month,
    )
    by_window = bench.grow(
        "days of the window",
        {days: Workload("", events, customers, days=days) for days in (7, 30, 90, 365)},
        lambda days: f"{days}d",
    )
    return [
        curve("events", "seconds by events", "events", "seconds", points(by_events, "seconds")),
        curve("customers", "time by customers", "customers", "us an event", _each(by_customers, events)),
        curve(
            "partitions", "time by partitions", "partitions of each topic", "us an event", _each(by_partitions, events)
        ),
        curve("window", "time by the window", "days", "us an event", _each(by_window, events)),
        curve(
            "window-memory", "memory by the window", "days", "bytes a customer", points(by_window, "bytes_per_customer")
        ),
    ]


def _month(_size: int) -> str:
    return "30d"


def points(results: Results, name: str) -> list[tuple[float, float]]:
    """Take one figure out of results."""
    return [(size, result[name]) for size, result in results.items()]


def _each(results: Results, events: int) -> list[tuple[float, float]]:
    return [(size, seconds * 1e6 / events) for size, seconds in points(results, "seconds")]


def curve(name: str, title: str, x: str, y: str, measured: Sequence[tuple[float, float]]) -> Curve:
    """Fit the law of growth to points.

    Args:
        name: of the drawing.
        title: of the drawing.
        x: name of the axis.
        y: likewise.
        measured: the points.

    Returns:
        The curve.
    """
    factor, exponent = growth(measured)
    return Curve(name, title, x, y, measured, factor, exponent, f"{y} = {factor:.3g} x ({x}) ^ {exponent:.2f}")


if __name__ == "__main__":
    sys.exit(main())
