"""`make bench-start`: from a worker's start to its first score, and the replay of a month's backlog."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis

from tests.benchmarks import product
from tests.benchmarks.figures import table
from tests.benchmarks.workload import Workload, fill
from tests.polling import wait_until
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis
from tests.services.worker import WorkerProcess

_DAYS = 30
_MIB = 1 << 20
_FIRST_EVENTS = 1_000
_START_SECONDS = 60.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cold_start", description=__doc__)
    parser.add_argument("--starts", type=int, default=6, help="the first is dropped (default: %(default)s)")
    parser.add_argument(
        "--events", type=int, nargs="+", default=[1_000_000, 10_000_000], help="of the backlogs (default: %(default)s)"
    )
    parser.add_argument("--customers", type=int, default=100_000, help="of each backlog (default: %(default)s)")
    arguments = parser.parse_args()
    if not product.COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench-start`, or `make compiled` first")
    with KafkaBroker(heap="1g") as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        starts = first_scores(kafka.bootstrap, store.url, Path(folder), arguments.starts)
        backlogs = {
            count: replay(kafka.bootstrap, store.url, Path(folder), count, arguments.customers)
            for count in arguments.events
        }
    print("\n" + report(starts, backlogs))
    return 0


def first_scores(brokers: str, url: str, folder: Path, starts: int) -> list[float]:
    """Start workers, each with a namespace of its own, on topics in which some events wait.

    Args:
        brokers: host:port.
        url: of Redis.
        folder: for the policy and the logs.
        starts: how many, one after the other.

    Returns:
        Seconds of each from the start of the process until a score is readable; the first one makes the topics that
        the service writes to.
    """
    workload = Workload("start-", _FIRST_EVENTS, 1)
    asyncio.run(fill(brokers, workload))
    policy = folder / "start.toml"
    policy.write_text(product.policy_text(workload.prefix))
    seconds: list[float] = []
    with redis.Redis.from_url(url) as client:
        for number in range(starts):
            namespace = f"start{number}"
            settings = product.settings(brokers, url, namespace, policy, product.COMPILED)
            worker = WorkerProcess(settings, folder / f"{namespace}.log")
            began = time.perf_counter()
            worker.start()
            try:
                wait_until(lambda: client.hget(f"{namespace}:customer:customer-0000000", "score"), _START_SECONDS)  # noqa: B023 - called at once
                seconds.append(time.perf_counter() - began)
                worker.wait_ready()
            finally:
                worker.kill()
            print(f"  start {number + 1}: {seconds[-1]:.2f} s to the first score", flush=True)
    return seconds


def replay(brokers: str, url: str, folder: Path, count: int, customers: int) -> Mapping[str, float]:
    """Let a worker apply the events of a month.

    Args:
        brokers: host:port.
        url: of Redis, emptied afterwards.
        folder: for the policy and the log.
        count: of events.
        customers: how many.

    Returns:
        See `product.run`.
    """
    print(f"a backlog of {count:,} events: filling", flush=True)
    workload = Workload(f"month{count}-", count, customers, days=_DAYS)
    asyncio.run(fill(brokers, workload))
    print("  applying", flush=True)
    result = product.run(brokers, url, workload, folder, product.COMPILED)
    print(f"  {count / result['seconds']:,.0f} events/s, at most {result['memory'] / _MIB:.0f} MiB", flush=True)
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return result


def report(starts: Sequence[float], backlogs: Mapping[int, Mapping[str, float]]) -> str:
    """Write the tables.

    Args:
        starts: seconds of each; the first does not count where there are more.
        backlogs: by number of events.

    Returns:
        Markdown.
    """
    counted = starts[1:] or starts
    first = table(
        ("from the start of the worker to its first score", "median, s", "longest, s", "mark, s"),
        [[f"{len(counted)} starts", f"{statistics.median(counted):.2f}", f"{max(counted):.2f}", "3"]],
    )
    rows = [
        [f"{count:,}", f"{one['seconds']:.0f}", f"{count / one['seconds']:,.0f}", f"{one['memory'] / _MIB:.0f}"]
        for count, one in backlogs.items()
    ]
    return f"{first}\n\n{table(('events of a month', 's', 'events/s', 'MiB of the worker at most'), rows)}"


if __name__ == "__main__":
    sys.exit(main())
