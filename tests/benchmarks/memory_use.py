"""`make bench-memory`: bytes of Redis per customer after a month, and a worker's memory with a million active ones."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import redis

from tests.benchmarks import product
from tests.benchmarks.activity import ACTIVE_DAYS, DAYS, TYPES_A_DAY
from tests.benchmarks.figures import table
from tests.benchmarks.month import live_through
from tests.benchmarks.redis_bytes import compact_share, taken_apart
from tests.benchmarks.workload import DAY
from tests.memory.backlog import Backlog, fill
from tests.memory.measurement import MIB, measure
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis

_MARK_BYTES, _MARK_MIB = 800, 300
_WITHIN = 3_600
_EVENTS_EACH = 5


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory_use", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="in Redis (default: %(default)s)")
    parser.add_argument("--active", type=int, default=1_000_000, help="customers of the worker (default: %(default)s)")
    parser.add_argument("--only", choices=("redis", "worker"), help="one of the two measurements")
    arguments = parser.parse_args()
    if arguments.only != "redis" and not product.COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench-memory`, or `make compiled` first")
    reports = []
    if arguments.only != "worker":
        reports.append(of_redis(arguments.customers))
    if arguments.only != "redis":
        reports.append(of_worker(arguments.active))
    print("\n" + "\n\n".join(reports))
    return 0


def of_redis(customers: int) -> str:
    """Measure what a month of ordinary activity takes in Redis.

    Args:
        customers: how many.

    Returns:
        The report in Markdown.
    """
    midnight = time.time() // DAY * DAY
    with local_redis() as store, redis.Redis.from_url(store.url, decode_responses=True) as client:
        print(f"living through a month: {customers:,} customers", flush=True)
        before = client.info("memory")["used_memory"]
        asyncio.run(live_through(store.url, "month", customers, midnight))
        used = client.info("memory")["used_memory"] - before
        stored = product.customers_scored(client, "month")
        parts = taken_apart(client, "month", stored, used)
        compact = compact_share(client, "month")
    head = (
        f"{store.name}, {stored:,} customers, each active on {ACTIVE_DAYS} of {DAYS} days with {TYPES_A_DAY} types: "
        f"{used / stored:,.0f} bytes of Redis for each, everything counted (mark: {_MARK_BYTES}). {compact:.0%} of the "
        "hashes are in Redis's compact form."
    )
    rows = [[part, f"{size:,.0f}", f"{size * stored / used:.0%}"] for part, size in parts.items()]
    return f"{head}\n\n{table(('what', 'bytes a customer', 'share'), rows)}"


def of_worker(active: int) -> str:
    """Measure what a worker takes while many customers are active.

    Args:
        active: customers, of whom each event takes one by chance, so that some in a thousand have none.

    Returns:
        The report in Markdown.
    """
    with KafkaBroker(heap="1g") as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        print(f"filling: {_EVENTS_EACH * active:,} events of {active:,} customers", flush=True)
        asyncio.run(fill(kafka.bootstrap, "active-", Backlog(_EVENTS_EACH * active, active)))
        print("applying", flush=True)
        used = measure(
            kafka.bootstrap, "active-", store.url, store.url, Path(folder), _WITHIN, package=product.COMPILED
        )
    row = [f"{used.customers:,}", f"{used.at_start // MIB}", f"{used.most // MIB}", f"{_MARK_MIB}"]
    head = ("customers active", "MiB of the worker at the start", "MiB at most", "mark")
    return table(head, [row])


if __name__ == "__main__":
    sys.exit(main())
