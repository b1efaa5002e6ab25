"""The live stream through a boundary at which many customers cross."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.benchmarks.crossings import AlertCount, boundary_after, leaves_at, schedule
from tests.benchmarks.figures import table
from tests.benchmarks.probes import Latencies, Probe, Probes
from tests.benchmarks.steady_load import steady_load
from tests.benchmarks.system import NAMESPACE, PREFIX, System
from tests.benchmarks.workload import PARTITIONS

#: Those who cross have to be scored before the boundary, and the probes prepared.
_LEAD = 90.0
_WARM_UP = 5.0
_ALERTS_WITHIN = 300.0


@dataclass(frozen=True)
class Stream:
    """Events a second, of so many customers; probes a second, so long before and after the boundary in seconds."""

    rate: int
    customers: int = 100_000
    probes: int = 50
    seconds: int = 30


async def through_midnight(system: System, crossing: int, stream: Stream) -> str:
    """Let customers cross while events and probes flow.

    Args:
        system: which is measured.
        crossing: customers who cross at one boundary.
        stream: what flows.

    Returns:
        The report in Markdown.
    """
    print(f"a midnight at which {crossing:,} cross: filling", flush=True)
    # A slow machine scores as few newcomers a second as this.
    boundary = boundary_after(time.time() + _LEAD + crossing / 5_000)
    await asyncio.to_thread(schedule, system, "midnight", range(crossing), leaves_at(boundary))
    names = [f"probe-{number:06}" for number in range(2 * stream.probes * stream.seconds)]
    async with (
        Probes(system.brokers, system.url, f"{PREFIX}email", NAMESPACE) as probes,
        AlertCount(system.brokers, "midnight") as alerts,
    ):
        await probes.prepare(names)
        begins = boundary - stream.seconds
        assert time.time() < begins - _WARM_UP, "not prepared before the boundary; the machine is too slow"
        await asyncio.sleep(begins - _WARM_UP - time.time())
        words = (system.brokers, PREFIX, stream.rate, stream.customers, PARTITIONS, 2 * stream.seconds + _WARM_UP)
        with steady_load(*words) as load:
            await asyncio.sleep(begins - time.time())
            reading = asyncio.create_task(alerts.read_until(crossing, boundary + _ALERTS_WITHIN))
            done = await probes.run(names, stream.probes)
            last = await reading
            sent = await asyncio.to_thread(load.end)
    half = len(done) // 2
    head = ("probes", "median, ms", "99th percentile, ms", "most, ms")
    rows = [*_rows("the minute before", done[:half]), *_rows("from the boundary on", done[half:])]
    first = (
        f"{crossing:,} customers cross at a boundary; their alerts are out {last - boundary:.1f} s after it; {sent}."
    )
    return f"{first}\n\n{table(head, rows)}"


def _rows(when: str, probes: list[Probe]) -> list[list[str]]:
    return [
        [f"{when}: score readable", *Latencies.of([one.score for one in probes]).cells()],
        [f"{when}: alert readable", *Latencies.of([one.alert for one in probes]).cells()],
    ]
