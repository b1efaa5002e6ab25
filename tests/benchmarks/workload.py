"""The input of the benchmarks: events of about 200 bytes, customers by Zipf, three topics."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import murmur2

from tests.benchmarks.shapes import OWN, Event, Shape

TOPICS = ("clickstream", "email", "social")
#: Of each topic, where a benchmark says nothing else.
PARTITIONS = 4
DAY = 86_400
_TYPES = {
    "clickstream": ("page_view", "click", "search", "add_to_cart"),
    "email": ("delivered", "open", "click"),
    "social": ("impression", "like", "comment"),
}
_SHARES = (0.6, 0.2, 0.2)
_BATCH = 1 << 19
# Of a topic that is new the leaders are not there at once; the producer tries again, and says so each time.
logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Workload:
    """What waits in the topics: so many events of so many customers, of the days before now.

    The names of the topics begin with the prefix. `records` is how many records the events are in, once they are there.
    """

    prefix: str
    events: int
    customers: int
    partitions: int = PARTITIONS
    days: int = 3
    shape: Shape = OWN
    records: int = 0

    @property
    def topics(self) -> list[str]:
        """The names of the topics."""
        return [self.prefix + topic for topic in TOPICS]


def events(count: int, customers: int, days: int, seed: int = 1) -> Iterator[tuple[str, bytes, bytes]]:
    """Make events in the order of their time, over the days before now.

    Args:
        count: how many.
        customers: how many; their popularity falls as 1 / rank.
        days: how many.
        seed: of the random choices.

    Yields:
        Topic, key and value.
    """
    choose = random.Random(seed)
    ids = [f"customer-{number:07}" for number in range(customers)]
    choose.shuffle(ids)
    weights = list(accumulate(1 / rank for rank in range(1, customers + 1)))
    start, span = time.time() - days * DAY, days * DAY
    for number, customer in enumerate(choose.choices(ids, cum_weights=weights, k=count)):
        topic = choose.choices(TOPICS, _SHARES)[0]
        value = {
            "customer_id": customer,
            "type": choose.choice(_TYPES[topic]),
            "timestamp": round(start + span * number / count, 3),
            "event_id": f"{choose.getrandbits(64):016x}",
            "properties": {
                "page": f"/products/{choose.randrange(10_000):05}",
                "device": "mobile",
                "campaign": "autumn",
            },
        }
        yield topic, customer.encode(), orjson.dumps(value)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's producers choose for a key."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


async def create_topics(bootstrap: str, workload: Workload) -> None:
    """Create the topics, empty."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, workload.partitions, 1) for topic in workload.topics])
    await admin.close()


async def fill(bootstrap: str, workload: Workload) -> Workload:
    """Create the topics and fill them.

    Args:
        bootstrap: host:port of a broker.
        workload: what to write.

    Returns:
        The workload with the number of its records.
    """
    await create_topics(bootstrap, workload)
    made = events(workload.events, workload.customers, workload.days)
    written = made if workload.shape is OWN else shaped(made, workload.shape)
    records = ((workload.prefix + topic, key, value) for topic, key, value in written)
    return replace(workload, records=await append(bootstrap, records, workload.partitions))


def shaped(made: Iterator[tuple[str, bytes, bytes]], shape: Shape) -> Iterator[tuple[str, bytes, bytes]]:
    """Write events in another shape; those in one record have its topic, and the key of the first.

    Args:
        made: topic, key and value of each event.
        shape: of the records.

    Yields:
        Topic, key and value of each record.
    """
    waiting: dict[str, list[Event]] = {topic: [] for topic in TOPICS}
    for topic, _, value in made:
        waiting[topic].append(orjson.loads(value))
        if len(waiting[topic]) == shape.together:
            yield topic, waiting[topic][0]["customer_id"].encode(), shape.write(waiting[topic])
            waiting[topic] = []
    for topic, rest in waiting.items():
        if rest:
            yield topic, rest[0]["customer_id"].encode(), shape.write(rest)


async def append(bootstrap: str, records: Iterator[tuple[str, bytes, bytes]], partitions: int) -> int:
    """Append records in large batches.

    Args:
        bootstrap: host:port of a broker.
        records: topic, key and value of each.
        partitions: of each topic.

    Returns:
        How many there were.
    """
    count = 0
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=_BATCH, linger_ms=20)
    await producer.start()
    open_batches: dict[tuple[str, int], Any] = {}
    sent: list[asyncio.Future[object]] = []
    try:
        for topic, key, value in records:
            count += 1
            place = (topic, partition_of(key, partitions))
            batch = open_batches.get(place) or open_batches.setdefault(place, producer.create_batch())
            if batch.append(key=key, value=value, timestamp=None) is None:
                sent.append(await producer.send_batch(batch, place[0], partition=place[1]))
                batch = open_batches[place] = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        for (topic, partition), batch in open_batches.items():
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return count
