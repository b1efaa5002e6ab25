"""`make bench-latency`: from an event to its score in Redis and to its alert on the topic, under a steady stream."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.benchmarks import product
from tests.benchmarks.figures import table
from tests.benchmarks.probes import Latencies, Probes
from tests.benchmarks.steady_load import steady_load
from tests.benchmarks.system import NAMESPACE, PREFIX, System, cpu_shares, running
from tests.benchmarks.workload import PARTITIONS

#: Before the first round the worker meets the customers of the stream.
_WARM_UP = 5.0
_MARKS = {"score": "25 / 100", "alert": "- / 200"}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.latency", description=__doc__)
    parser.add_argument("--rate", type=int, default=20_000, help="events a second (default: %(default)s)")
    parser.add_argument("--customers", type=int, default=100_000, help="of the stream (default: %(default)s)")
    parser.add_argument("--probes", type=int, default=50, help="a second (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=30, help="of each round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="the first is dropped where there are more than one")
    parser.add_argument("--plain", action="store_true", help="plain Python instead of the compiled package")
    arguments = parser.parse_args()
    if not (arguments.plain or product.COMPILED.is_dir()):
        parser.error("there is no compiled package; run `make bench-latency`, or `make compiled` first")
    package = None if arguments.plain else product.COMPILED
    with running(product.policy_text(PREFIX), package) as system:
        scores, alerts, stream = asyncio.run(measure(system, arguments))
    print(report(scores, alerts, f"{stream}; {arguments.probes} probes a second, {arguments.seconds} s a round"))
    return 0


async def measure(system: System, arguments: argparse.Namespace) -> tuple[list[Latencies], list[Latencies], str]:
    """Send stream and probes.

    Args:
        system: which is measured.
        arguments: of the command.

    Returns:
        Latencies of scores and of alerts for each round, and what was sent.
    """
    rounds = [
        [f"probe-{number}-{one:06}" for one in range(arguments.probes * arguments.seconds)]
        for number in range(arguments.rounds)
    ]
    # What may pass between two rounds until the last probe has been answered.
    seconds = _WARM_UP + arguments.rounds * (arguments.seconds + 2)
    scores, alerts = [], []
    async with Probes(system.brokers, system.url, f"{PREFIX}email", NAMESPACE) as probes:
        print("preparing the probes", flush=True)
        for customers in rounds:
            await probes.prepare(customers)
        stream = (system.brokers, PREFIX, arguments.rate, arguments.customers, PARTITIONS, seconds)
        with steady_load(*stream) as load:
            await asyncio.sleep(_WARM_UP)
            for number, customers in enumerate(rounds, 1):
                before, started = system.cpu_seconds(), time.perf_counter()
                done = await probes.run(customers, arguments.probes)
                busy = cpu_shares(before, system.cpu_seconds(), time.perf_counter() - started)
                scores.append(Latencies.of([one.score for one in done]))
                alerts.append(Latencies.of([one.alert for one in done]))
                score, alert = " / ".join(scores[-1].cells()), " / ".join(alerts[-1].cells())
                print(f"  round {number}: score {score} ms, alert {alert} ms; {busy}", flush=True)
            sent = await asyncio.to_thread(load.end)
    return scores, alerts, sent


def report(scores: list[Latencies], alerts: list[Latencies], stream: str) -> str:
    """Write the table.

    Args:
        scores: of each round; the first does not count where there are more.
        alerts: likewise.
        stream: what was sent.

    Returns:
        Markdown.
    """
    head = ("from the sending of an event until", "median, ms", "99th percentile, ms", "most, ms", "marks")
    rows = [
        ["its score is readable in Redis", *_counted(scores).cells(), _MARKS["score"]],
        ["its alert is read from the topic", *_counted(alerts).cells(), _MARKS["alert"]],
    ]
    return f"\n{stream}; medians of the rounds after the first, which is dropped.\n\n{table(head, rows)}"


def _counted(rounds: list[Latencies]) -> Latencies:
    return Latencies.median_of(rounds[1:] or rounds)


if __name__ == "__main__":
    sys.exit(main())
