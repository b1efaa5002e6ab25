"""The input of the benchmarks: events of about 200 bytes, customers by Zipf, three topics of four partitions."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from itertools import accumulate

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import murmur2

TOPICS = ("clickstream", "email", "social")
PARTITIONS = 4
_TYPES = {
    "clickstream": ("page_view", "click", "search", "add_to_cart"),
    "email": ("delivered", "open", "click"),
    "social": ("impression", "like", "comment"),
}
_SHARES = (0.6, 0.2, 0.2)
_BATCH = 1 << 19
_DAYS = 3


def events(count: int, customers: int, seed: int = 1) -> Iterator[tuple[str, bytes, bytes]]:
    """Make events in the order of their time, over the three days before now.

    Args:
        count: how many.
        customers: how many; their popularity falls as 1 / rank.
        seed: of the random choices.

    Yields:
        Topic, key and value.
    """
    choose = random.Random(seed)
    ids = [f"customer-{number:07}" for number in range(customers)]
    choose.shuffle(ids)
    weights = list(accumulate(1 / rank for rank in range(1, customers + 1)))
    start, span = time.time() - _DAYS * 86_400, _DAYS * 86_400
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


async def fill(bootstrap: str, prefix: str, count: int, customers: int) -> None:
    """Create the topics and fill them.

    Args:
        bootstrap: host:port of a broker.
        prefix: of the topics' names.
        count: events.
        customers: how many.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(prefix + topic, PARTITIONS, 1) for topic in TOPICS])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=_BATCH, linger_ms=20)
    await producer.start()
    open_batches: dict[tuple[str, int], object] = {}
    sent: list[asyncio.Future[object]] = []
    try:
        for topic, key, value in events(count, customers):
            place = (prefix + topic, (murmur2(key) & 0x7FFFFFFF) % PARTITIONS)
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
