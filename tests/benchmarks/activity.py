"""Thirty days of ordinary activity: each customer is active on ten of them, with three types of events each."""

from __future__ import annotations

import random
from collections.abc import Iterator

import orjson

from tests.benchmarks.workload import DAY

DAYS = 30
ACTIVE_DAYS = 10
TYPES_A_DAY = 3
#: What people ordinarily do, by channel and type of the built-in policy.
_TYPES = (
    ("clickstream", "page_view"),
    ("clickstream", "click"),
    ("clickstream", "search"),
    ("clickstream", "session_start"),
    ("clickstream", "add_to_cart"),
    ("email", "delivered"),
    ("email", "open"),
    ("email", "click"),
    ("social", "impression"),
    ("social", "like"),
)


def activity(customers: int, until: float, seed: int = 1) -> Iterator[tuple[str, bytes, bytes]]:
    """Make the events, in the order of their time.

    Args:
        customers: how many.
        until: the midnight at which the last of the days ends, Unix seconds.
        seed: of the random choices.

    Yields:
        Channel, key and value; `customers` x 30 in all, each with an id of its own.
    """
    choose = random.Random(seed)
    active: list[list[int]] = [[] for _ in range(DAYS)]
    for customer in range(customers):
        for day in choose.sample(range(DAYS), ACTIVE_DAYS):
            active[day].append(customer)
    for day, those in enumerate(active):
        start = until - (DAYS - day) * DAY
        times = sorted(choose.random() * DAY for _ in range(len(those) * TYPES_A_DAY))
        kinds = [choose.sample(_TYPES, TYPES_A_DAY) for _ in those]
        order = list(range(len(those))) * TYPES_A_DAY
        choose.shuffle(order)
        for at, number in zip(times, order, strict=True):
            channel, kind = kinds[number].pop()
            name = f"customer-{those[number]:07}"
            value = {
                "customer_id": name,
                "type": kind,
                "timestamp": round(start + at, 3),
                "event_id": f"{choose.getrandbits(64):016x}",
            }
            yield channel, name.encode(), orjson.dumps(value)
