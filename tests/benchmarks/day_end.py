"""What a day's end of the clock of absence asks of Redis, with ever more customers scheduled.

`python -m tests.benchmarks.day_end` needs neither Kafka nor the compiled package. Closing a day is to read the sums of
members, to move the clock, and to list whom to look at again; judging these is what judging any customer costs.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence

import redis

from scoring.rules.absence import WHOLE_DAY, SegmentClock
from streams.settings.settings import read_settings
from streams.store.redis.store import RedisStore
from tests.benchmarks.figures import table
from tests.services.redis import local_redis

_LIMIT = 500
_DAYS = 200
_WITHIN = 28


def fill(client: redis.Redis, store: RedisStore, customers: int, due: int) -> None:
    """Schedule customers: those that are due below the reading of the clock, the others above it.

    Args:
        client: of the server.
        store: says where a customer belongs.
        customers: how many are scheduled.
        due: how many of them are due.
    """
    groups: dict[int, dict[str, int]] = {}
    for number in range(customers):
        name = f"customer-{number:08}"
        reading = number % WHOLE_DAY if number < due else (_DAYS + 1) * WHOLE_DAY + number
        groups.setdefault(store.group_of(name), {})[name] = reading
    for group, scores in groups.items():
        names = list(scores)
        for start in range(0, len(names), 10_000):
            client.zadd(f"benchmark:_absences::{group}", {name: scores[name] for name in names[start : start + 10_000]})


async def day_end(store: RedisStore, day: int) -> tuple[float, int]:
    """Close a day, and take all who are due.

    Args:
        store: filled.
        day: number of the day at whose start the clock is stored.

    Returns:
        Seconds, and how many were due.
    """
    began = time.perf_counter()
    absences, found = store.absences, 0
    await absences.members(_WITHIN, "", 0, {})
    clock = await absences.clock("")
    readings: Sequence[int] = [0] if clock is None else [clock.at(one) for one in range(clock.first, clock.last + 1)]
    moved = SegmentClock(day - len(readings), [*readings, _DAYS * WHOLE_DAY])
    await absences.move_clock("", None if clock is None else clock.last, moved)
    for group in range(store.groups):
        while customers := await absences.due(group, {"": moved.at(moved.last)}, _LIMIT, "benchmark"):
            found += len(customers)
            await absences.prune(group, [""], customers, customers)
    return time.perf_counter() - began, found


async def measure(url: str, scheduled: int, due: int, rounds: int) -> list[str]:
    """Fill, and close some days.

    Args:
        url: of an empty Redis.
        scheduled: customers.
        due: of them, at each day's end.
        rounds: how many days.

    Returns:
        A row: scheduled, due, milliseconds, and CPU milliseconds of Redis, in the median.
    """
    environment = {"ENGAGEMENT_REDIS_URL": url, "ENGAGEMENT_NAMESPACE": "benchmark"}
    store = RedisStore(read_settings(environment))
    seconds, cpu = [], []
    with redis.Redis.from_url(url) as client:
        await store.open()
        try:
            fill(client, store, scheduled, due)
            for number in range(rounds):
                fill(client, store, due, due)
                before = _cpu(client)
                took, found = await day_end(store, 20_000 + number)
                assert found == due, found
                seconds.append(took)
                cpu.append(_cpu(client) - before)
        finally:
            await store.close()
        client.flushall()
    figures = (statistics.median(seconds), statistics.median(cpu))
    return [f"{scheduled:,}", f"{due:,}", *(f"{1_000 * figure:.0f}" for figure in figures)]


def _cpu(client: redis.Redis) -> float:
    info = client.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.day_end", description=__doc__)
    parser.add_argument("--scheduled", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with local_redis() as server:
        rows = [
            asyncio.run(measure(server.url, number, arguments.due, arguments.rounds)) for number in arguments.scheduled
        ]
    print(table(("scheduled", "due", "ms", "of Redis's CPU, ms"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
