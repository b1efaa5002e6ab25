"""`make bench`: the product, its limit and its peers on the same input, and other shapes of it, in one run."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import redis

from streams.embedded import EmbeddedKafka
from tests.benchmarks import product
from tests.benchmarks.comparison import compared
from tests.benchmarks.environments import java_peer, peer
from tests.benchmarks.rounds import Measured, NotRun, Program, run_in_turn
from tests.benchmarks.shapes import SHAPES
from tests.benchmarks.workload import Workload, fill
from tests.services.kafka import KAFKA_VERSION, KafkaBroker
from tests.services.redis import local_redis

#: What an agent does that gets records one by one takes so long that it gets fewer.
_STOCK_EVENTS = 20_000
#: Records of other shapes are up to ten times as large.
_SHAPED_EVENTS = 200_000
_BROKERS = {"real": f"Apache Kafka {KAFKA_VERSION}", "embedded": "the embedded broker, in memory"}
Run = Callable[[], Mapping[str, float]]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--customers", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="the first is dropped where there are more than one")
    parser.add_argument("--kafka", choices=(*_BROKERS, "both"), default="real", help="(default: %(default)s)")
    parser.add_argument("--only", action="append", help="only programs with this in their title; may come again")
    arguments = parser.parse_args()
    if not product.COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench`, or `make compiled` first")
    tables = [
        measure(kind, arguments.events, arguments.customers, arguments.rounds, arguments.only)
        for kind in _BROKERS
        if arguments.kafka in (kind, "both")
    ]
    print("\n" + "\n\n".join(tables))
    return 0


def measure(kind: str, events: int, customers: int, rounds: int, only: list[str] | None) -> str:
    """Measure all programs on one broker.

    Args:
        kind: of the broker.
        events: how many.
        customers: how many.
        rounds: how many.
        only: parts of titles; the limit and the service are always there.

    Returns:
        The report in Markdown.
    """
    shaped = min(_SHAPED_EVENTS, events)
    with broker(kind) as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        print(f"{_BROKERS[kind]}: filling, {events:,} events, {customers:,} customers", flush=True)
        workload = Workload("bench-", events, customers)
        few = Workload("few-", min(_STOCK_EVENTS, events), customers)
        asyncio.run(fill(kafka.bootstrap, workload))
        asyncio.run(fill(kafka.bootstrap, few))
        others = [
            asyncio.run(fill(kafka.bootstrap, Workload(f"shape{number}-", shaped, customers, shape=shape)))
            for number, shape in enumerate(SHAPES[1:])
            if wanted(_title(shape.title, shaped), only)
        ]
        every = programs(kind, kafka.bootstrap, store.url, workload, few, others, Path(folder))
        chosen = [*every[:2], *(one for one in every[2:] if wanted(one.title, only))]
        measured = run_in_turn(chosen, rounds)
    limit, ours = measured[:2]
    counted = f"medians of {rounds - 1} rounds after one that is dropped" if rounds > 1 else "one round"
    head = f"{_BROKERS[kind]}, {store.name}; {events:,} events, {customers:,} customers; {counted}."
    return "\n\n".join([head, compared(measured, limit, ours), *_memory(ours)])


def wanted(title: str, only: list[str] | None) -> bool:
    """Return whether a program is to be run.

    Args:
        title: its own.
        only: parts of titles; None for all.
    """
    return not only or any(part in title for part in only)


def _title(shape: str, events: int) -> str:
    return f"engagement streams, records of {shape} ({events:,} events)"


def broker(kind: str) -> AbstractContextManager[KafkaBroker | EmbeddedKafka]:
    """Prepare a broker of one's own."""
    return KafkaBroker(heap="1g") if kind == "real" else EmbeddedKafka()


def programs(
    kind: str, brokers: str, url: str, workload: Workload, few: Workload, others: Sequence[Workload], folder: Path
) -> list[Program]:
    """List what is compared; the limit comes first, the product second.

    Args:
        kind: of the broker.
        brokers: host:port.
        url: of Redis.
        workload: the input.
        few: the start of the input, for those that are slow.
        others: the start of it in other shapes.
        folder: for the files of the product.

    Returns:
        The programs; each leaves Redis empty behind it.
    """
    words = (brokers, workload.prefix, url, str(workload.events))
    topics = ",".join(workload.topics)

    def service(package: Path | None, of: Workload = workload) -> Run:
        return lambda: product.run(brokers, url, of, folder, package)

    def counts(run: Run) -> Run:
        return lambda: _all_counted(run(), url, workload)

    def stock(variant: str) -> Run:
        return lambda: peer("stock_faust", brokers, few.prefix, url, str(few.events), variant)

    def kafka_streams() -> Mapping[str, float]:
        if kind != "real":
            raise NotRun("it needs what only Apache Kafka has")
        return java_peer("kafka_streams", "WindowedCounts", *words, topics)

    only_counts = "Counts by customer, channel and day only"
    every = [
        Program(
            "the limit",
            "aiokafka fetches, orjson decodes, nothing else.",
            lambda: peer("limit", brokers, workload.prefix, str(workload.events)),
        ),
        Program(
            "engagement streams, hot path compiled",
            "The whole service: scores, bands, trend, alerts, schedules, ids of events against duplicates, dead "
            "letters, fences, committed offsets. To the last fence in Redis, up to which everything is stored.",
            service(product.COMPILED),
        ),
        Program("engagement streams, plain Python", "The same.", service(None)),
        *[
            Program(_title(other.shape.title, other.events), "The same, compiled.", service(product.COMPILED, other))
            for other in others
        ],
        Program(
            "hand-written aiokafka loop",
            f"{only_counts}; a dictionary per batch, one Redis pipeline per batch; no guarantees.",
            counts(lambda: peer("handwritten", *words)),
        ),
        Program(
            "hand-written loop with a fence",
            f"{only_counts}; one Lua call per batch that moves a fence with the sums; exactly once in effect.",
            counts(lambda: peer("fenced", *words)),
        ),
        Program(
            "Kafka Streams, one thread",
            f"{only_counts}; RocksDB with changelog topics, commits once a second, Redis in pipelines; at least once.",
            counts(kafka_streams),
        ),
        Program(
            "Bytewax, one worker",
            f"{only_counts}; in memory, written to Redis in batches when their day is over; no recovery store.",
            counts(lambda: peer("bytewax_windows", *words, topics)),
        ),
        Program(
            "Quix Streams",
            f"{only_counts}; RocksDB with changelog topics, checkpoints once a second, one Redis pipeline each; at "
            "least once.",
            counts(lambda: peer("quix_streams", *words, topics)),
        ),
        Program(
            f"stock Faust agent with a table ({few.events:,} events)",
            "Points by customer and channel in a windowed table, one Redis write an event.",
            stock("windowed"),
        ),
        Program(
            f"stock Faust agent without ({few.events:,} events)",
            "Points by customer and channel, no window; one Redis write an event.",
            stock("bare"),
        ),
    ]
    return [Program(one.title, one.includes, _emptied(one.run, url)) for one in every]


def _emptied(run: Run, url: str) -> Run:
    def run_and_empty() -> Mapping[str, float]:
        try:
            return run()
        finally:
            with redis.Redis.from_url(url) as client:
                client.flushall()

    return run_and_empty


def _all_counted(result: Mapping[str, float], url: str, workload: Workload) -> Mapping[str, float]:
    """Check that a peer did what it says: add up what it left in Redis."""
    total = 0
    with redis.Redis.from_url(url) as client:
        for keys in _in_parts(list(client.scan_iter(f"{workload.prefix}*", count=10_000))):
            pipeline = client.pipeline(transaction=False)
            for key in keys:
                pipeline.hvals(key)
            total += sum(int(value) for values in pipeline.execute() for value in values)
    if total != workload.events:
        raise NotRun(f"it counted {total:,} of {workload.events:,} events")
    return result


def _in_parts(keys: list[bytes]) -> list[list[bytes]]:
    return [keys[start : start + 10_000] for start in range(0, len(keys), 10_000)]


def _memory(ours: Measured) -> list[str]:
    if not ours.results:
        return []
    used = statistics.median(result["bytes_per_customer"] for result in ours.results)
    return [f"Redis held {used:,.0f} bytes for each customer of the service, indexes and event ids included."]


if __name__ == "__main__":
    sys.exit(main())
