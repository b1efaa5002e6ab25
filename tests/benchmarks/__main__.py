"""`python -m tests.benchmarks`: the product, its limit, and a stock Faust agent, side by side in one run."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from streams.embedded import EmbeddedKafka
from tests.benchmarks import product
from tests.benchmarks.workload import fill
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis

#: Where `make compiled` puts the package.
COMPILED = Path(__file__).parents[2] / "build" / "compiled"
_PEER_SECONDS = 180
_STOCK_EVENTS = 20_000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3, help="the first is dropped where there are more than one")
    parser.add_argument("--broker", choices=("kafka", "embedded"), default="kafka")
    arguments = parser.parse_args()
    if not COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench`, or `make compiled` first")
    broker = KafkaBroker(heap="1g") if arguments.broker == "kafka" else EmbeddedKafka()
    with broker as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        print(
            f"filling: {arguments.events:,} events, {arguments.customers:,} customers, {arguments.broker}", flush=True
        )
        asyncio.run(fill(kafka.bootstrap, "bench-", arguments.events, arguments.customers))
        asyncio.run(fill(kafka.bootstrap, "small-", _STOCK_EVENTS, arguments.customers))
        programs: dict[str, Callable[[], dict[str, float]]] = {
            "the limit: aiokafka and orjson, consume and decode only": lambda: peer(
                "limit", kafka.bootstrap, "bench-", str(arguments.events)
            ),
            "engagement streams, everything on, hot path compiled": lambda: product.run(
                kafka.bootstrap, "bench-", store.url, arguments.events, Path(folder), COMPILED
            ),
            "engagement streams, everything on, plain Python": lambda: product.run(
                kafka.bootstrap, "bench-", store.url, arguments.events, Path(folder)
            ),
            f"stock Faust agent, windowed table, one Redis write an event ({_STOCK_EVENTS:,} events)": lambda: peer(
                "stock_faust", kafka.bootstrap, "small-", store.url, str(_STOCK_EVENTS), "windowed"
            ),
            f"stock Faust agent, no table, one Redis write an event ({_STOCK_EVENTS:,} events)": lambda: peer(
                "stock_faust", kafka.bootstrap, "small-", store.url, str(_STOCK_EVENTS), "bare"
            ),
        }
        report(programs, arguments.rounds)
    return 0


def peer(name: str, *arguments: str) -> dict[str, float]:
    """Run a peer's program in a process of its own; it prints one line of JSON."""
    command = [sys.executable, "-m", f"tests.benchmarks.peers.{name}", *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PEER_SECONDS).stdout
    # Faust prints a spinner of its own between the lines.
    result: dict[str, float] = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    return result


def report(programs: dict[str, Callable[[], dict[str, float]]], rounds: int) -> None:
    """Run all programs in turn, some rounds, and print medians and ratios."""
    rates: dict[str, list[float]] = {name: [] for name in programs}
    extra: dict[str, float] = {}
    for number in range(rounds):
        for name, run in programs.items():
            result = run()
            rate = result["events"] / result["seconds"]
            print(f"  round {number + 1}: {rate:>9,.0f} events/s  {name}", flush=True)
            if number or rounds == 1:
                rates[name].append(rate)
            extra |= {key: value for key, value in result.items() if key == "bytes_per_customer"}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    limit, ours, _plain, *stock = medians.values()
    print("\n| program | events/s | of the limit | the product is faster by |\n| --- | --- | --- | --- |")
    for name, rate in medians.items():
        print(f"| {name} | {rate:,.0f} | {rate / limit:.3f} | {ours / rate:.1f} |")
    times = ", ".join(f"{ours / rate:.1f}" for rate in stock)
    print(f"\nproduct / limit {ours / limit:.2f}, product / stock agents {times}")
    for key, value in extra.items():
        print(f"Redis, {key.replace('_', ' ')}: {value:,.0f}")


if __name__ == "__main__":
    sys.exit(main())
