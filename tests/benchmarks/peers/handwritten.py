"""A loop written by hand: fetch, decode, aggregate in a dictionary, one Redis pipeline per batch, no guarantees.

Arguments: brokers, prefix, Redis URL, events.
"""

import asyncio
import json
import sys
import time
from collections import Counter

import orjson
import redis.asyncio as redis
from aiokafka import AIOKafkaConsumer

from tests.benchmarks.workload import DAY, TOPICS


async def main(brokers: str, prefix: str, url: str, count: int) -> None:
    """Count everything, and print the seconds from the first fetch to the last answer of Redis."""
    topics = [prefix + topic for topic in TOPICS]
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=brokers, auto_offset_reset="earliest", group_id=f"{prefix}loop-{time.time_ns()}"
    )
    client = redis.Redis.from_url(url)
    await consumer.start()
    seen, started = 0, 0.0
    while seen < count:
        fetched = await consumer.getmany(timeout_ms=1000)
        if fetched and not started:
            started = time.perf_counter()
        counts: Counter[tuple[str, str, int]] = Counter()
        for partition, records in fetched.items():
            for record in records:
                event = orjson.loads(record.value)
                counts[event["customer_id"], partition.topic, int(event["timestamp"] // DAY)] += 1
            seen += len(records)
        pipeline = client.pipeline(transaction=False)
        for (customer, topic, day), number in counts.items():
            pipeline.hincrby(f"{prefix}{customer}", f"{topic.removeprefix(prefix)}:{day}", number)
        await pipeline.execute()
    print(json.dumps({"events": seen, "seconds": time.perf_counter() - started}))
    await consumer.stop()
    await client.aclose()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
