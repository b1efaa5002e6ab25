"""`make bench-scale`: CPU seconds of workers, Redis and broker for each event, with more and more workers."""

from __future__ import annotations

import argparse
import asyncio
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import redis

from tests.benchmarks import product
from tests.benchmarks.figures import table
from tests.benchmarks.workload import TOPICS, Workload, append, create_topics, events
from tests.polling import wait_until
from tests.services.kafka import KafkaBroker
from tests.services.process_figures import cpu_seconds
from tests.services.redis import local_redis
from tests.services.worker import WorkerProcess

_PARTITIONS = 8
_ALL_PARTITIONS = _PARTITIONS * len(TOPICS)
_GATHERED_WITHIN = 180.0
# A halted worker keeps its place in the group for so long.
_PATIENT = {"ENGAGEMENT_KAFKA_SESSION_TIMEOUT": "600"}
_PARTS = ("workers", "Redis", "broker")
Records = Sequence[tuple[str, bytes, bytes]]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="(default: %(default)s)")
    parser.add_argument("--events", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--customers", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="the first is dropped where there are more than one")
    arguments = parser.parse_args()
    if not product.COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench-scale`, or `make compiled` first")
    print(f"making {arguments.events:,} events", flush=True)
    made = list(events(arguments.events, arguments.customers, 3))
    measured: dict[int, list[Mapping[str, float]]] = {workers: [] for workers in arguments.workers}
    with KafkaBroker(heap="1g") as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        pids = {"Redis": store.pid or 0, "broker": kafka.pid or 0}
        for number in range(1, arguments.rounds + 1):
            for workers, results in measured.items():
                workload = Workload(f"scale{number}-{workers}-", len(made), arguments.customers, _PARTITIONS)
                result = run(kafka.bootstrap, store.url, pids, workload, made, workers, Path(folder))
                shown = ", ".join(f"{part} {result[part]:.1f}" for part in _PARTS)
                print(f"  round {number}: {workers} workers: us an event: {shown}", flush=True)
                if number > 1 or arguments.rounds == 1:
                    results.append(result)
    print("\n" + report(measured))
    return 0


def run(
    brokers: str, url: str, pids: Mapping[str, int], workload: Workload, made: Records, count: int, folder: Path
) -> dict[str, float]:
    """Let some workers apply a backlog.

    They are halted when each has its partitions, and go on when all events have been appended: so all of them have
    enough to do from beginning to end, and their batches are as large as those of one alone.

    Args:
        brokers: host:port.
        url: of Redis, emptied afterwards.
        pids: of Redis and of the broker.
        workload: names of the topics, and how many events.
        made: the events.
        count: of workers.
        folder: for the policy and the logs.

    Returns:
        Microseconds of CPU for each event by part, seconds of the whole, and writes that Redis refused.
    """
    asyncio.run(create_topics(brokers, workload))
    policy = folder / f"{workload.prefix}policy.toml"
    policy.write_text(product.policy_text(workload.prefix))
    settings = product.settings(brokers, url, workload.prefix, policy, product.COMPILED) | _PATIENT
    with ExitStack() as stack:
        workers = [WorkerProcess(settings, folder / f"{workload.prefix}{number}.log") for number in range(count)]
        for worker in workers:
            stack.callback(worker.kill)
            worker.start()
        for worker in workers:
            worker.wait_ready()
        wait_until(lambda: shared([partitions_of(worker) for worker in workers]), _GATHERED_WITHIN)
        for worker in workers:
            worker.send(signal.SIGSTOP)
        named = ((workload.prefix + topic, key, value) for topic, key, value in made)
        asyncio.run(append(brokers, named, workload.partitions))
        before, started = _used(pids, workers), time.perf_counter()
        for worker in workers:
            worker.send(signal.SIGCONT)
        asyncio.run(product.until_committed(brokers, workload, workload.prefix, workers))
        seconds, after = time.perf_counter() - started, _used(pids, workers)
        refused = sum(worker.metric("engagement_refused_writes_total") for worker in workers)
        for worker in workers:
            worker.stop()
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return {"seconds": seconds, "refused": refused} | {
        part: (after[part] - before[part]) * 1e6 / len(made) for part in _PARTS
    }


def partitions_of(worker: WorkerProcess) -> int:
    """Count the partitions that a worker has, by its metrics."""
    return sum(line.startswith("engagement_lag_seconds{") for line in worker.get("/metrics")[1].splitlines())


def shared(partitions: Sequence[int]) -> bool:
    """Return whether all partitions have been given out evenly; 24 over 5 workers are 5, 5, 5, 5, 4."""
    return sum(partitions) == _ALL_PARTITIONS and max(partitions) - min(partitions) <= 1


def _used(pids: Mapping[str, int], workers: Sequence[WorkerProcess]) -> dict[str, float]:
    used = {part: cpu_seconds(pid) for part, pid in pids.items()}
    return used | {"workers": sum(cpu_seconds(worker.process.pid) for worker in workers)}


def report(measured: Mapping[int, Sequence[Mapping[str, float]]]) -> str:
    """Write the table.

    Args:
        measured: results of the rounds that count, by number of workers.

    Returns:
        Markdown.
    """
    medians = {
        workers: {
            part: statistics.median(result[part] for result in results) for part in (*_PARTS, "seconds", "refused")
        }
        for workers, results in measured.items()
    }
    alone = sum(next(iter(medians.values()))[part] for part in _PARTS)
    rows = []
    for workers, one in medians.items():
        whole = sum(one[part] for part in _PARTS)
        cells = [f"{one[part]:.1f}" for part in _PARTS]
        rows.append(
            [
                f"{workers}",
                *cells,
                f"{whole:.1f}",
                f"{whole / alone - 1:+.0%}",
                f"{one['seconds']:.0f}",
                f"{one['refused']:,.0f}",
            ]
        )
    head = (
        "workers",
        *(f"{part}, us an event" for part in _PARTS),
        "together",
        "against the first row",
        "s in all",
        "refused writes",
    )
    note = (
        f"{_ALL_PARTITIONS} partitions. CPU time of the processes, not time that passed: so it shows the work, and not "
        "that the workers share the cores of one machine. All events wait when the workers begin. A refused write "
        "is one of a group with a customer whom another worker has written meanwhile, which is judged anew. Mark: flat "
        "within 15 %."
    )
    return f"{note}\n\n{table(head, rows)}"


if __name__ == "__main__":
    sys.exit(main())
