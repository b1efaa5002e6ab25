"""A steady stream of events of the present, in a process of its own.

Arguments: brokers, prefix of the topics, events a second, customers, partitions of each topic, seconds. Prints one
line of JSON: events sent, and seconds that it took; if that is longer than asked for, the machine could not keep up.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from aiokafka import AIOKafkaProducer

from tests.benchmarks.workload import TOPICS, partition_of

#: Events are sent in bursts this many seconds apart.
_TICK = 0.01
_TYPES = {"clickstream": b"page_view", "email": b"open", "social": b"like"}
_SHARES = (0.6, 0.2, 0.2)
_VALUE = (
    b'{"customer_id":"%s","type":"%s","timestamp":%.3f,"event_id":"%016x",'
    b'"properties":{"page":"/products/00042","device":"mobile","campaign":"autumn"}}'
)
_STOP_SECONDS = 30
_CHOSEN_AT_ONCE = 500


class SteadyLoad:
    """The running stream."""

    def __init__(self, process: subprocess.Popen[str], rate: int) -> None:
        """Keep the process."""
        self._process = process
        self._rate = rate

    def end(self) -> str:
        """Wait for its end, and say what was sent."""
        output, _ = self._process.communicate(timeout=_STOP_SECONDS)
        return told(json.loads(output), self._rate)


def told(sent: Mapping[str, float], rate: int) -> str:
    """Say how steady a stream was.

    Args:
        sent: `events` and `seconds`.
        rate: events a second that were asked for.

    Returns:
        One sentence, which says so where the machine did not manage the rate.
    """
    reached = sent["events"] / sent["seconds"]
    ending = "" if reached > 0.99 * rate else f": THE MACHINE COULD NOT SEND THE {rate:,} THAT WERE ASKED FOR"
    return f"{reached:,.0f} events/s were sent over {sent['seconds']:.0f} s{ending}"


@contextmanager
def steady_load(
    brokers: str, prefix: str, rate: int, customers: int, partitions: int, seconds: float
) -> Iterator[SteadyLoad]:
    """Send events for a while.

    Args:
        brokers: host:port.
        prefix: of the topics.
        rate: events a second.
        customers: how many; their popularity falls as 1 / rank.
        partitions: of each topic.
        seconds: how long.

    Yields:
        The stream, which has begun.
    """
    words = [brokers, prefix, *map(str, (rate, customers, partitions, seconds))]
    command = [sys.executable, "-m", "tests.benchmarks.steady_load", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield SteadyLoad(process, rate)
        finally:
            process.kill()


def values(customers: int, partitions: int) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Make events without end.

    Args:
        customers: how many.
        partitions: of each topic.

    Yields:
        Channel, partition, key and value; the time is that of the request.
    """
    choose = random.Random(time.time_ns())
    ids = [b"customer-%07d" % number for number in range(customers)]
    choose.shuffle(ids)
    places = [partition_of(customer, partitions) for customer in ids]
    weights = list(accumulate(1 / rank for rank in range(1, customers + 1)))
    while True:
        numbers = choose.choices(range(customers), cum_weights=weights, k=_CHOSEN_AT_ONCE)
        for number, channel in zip(numbers, choose.choices(TOPICS, _SHARES, k=_CHOSEN_AT_ONCE), strict=True):
            customer = ids[number]
            value = _VALUE % (customer, _TYPES[channel], time.time(), choose.getrandbits(64))
            yield channel, places[number], customer, value


async def main(brokers: str, prefix: str, rate: int, customers: int, partitions: int, seconds: float) -> None:
    """Send, and print what was sent."""
    made = values(customers, partitions)
    next(made)
    gc.disable()
    async with AIOKafkaProducer(bootstrap_servers=brokers, acks=1) as producer:
        started = time.perf_counter()
        sent = 0
        while sent < rate * seconds:
            wanted = min(int((time.perf_counter() - started) * rate), int(rate * seconds))
            batches: dict[tuple[str, int], Any] = {}
            for _ in range(wanted - sent):
                channel, partition, key, value = next(made)
                batch = batches.get((channel, partition))
                if batch is None:
                    batch = batches[channel, partition] = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
            for (channel, partition), batch in batches.items():
                await producer.send_batch(batch, prefix + channel, partition=partition)
            sent = wanted
            await asyncio.sleep(max(_TICK - (time.perf_counter() - started) % _TICK, 0.001))
        await producer.flush()
        print(json.dumps({"events": sent, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    _brokers, _prefix, _rate, _customers, _partitions, _seconds = sys.argv[1:]
    asyncio.run(main(_brokers, _prefix, int(_rate), int(_customers), int(_partitions), float(_seconds)))
