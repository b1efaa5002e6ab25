"""The limit: aiokafka fetches and orjson decodes, nothing else. Arguments: brokers, prefix, events."""

import asyncio
import json
import sys
import time

import orjson
from aiokafka import AIOKafkaConsumer

from tests.benchmarks.workload import TOPICS


async def main(brokers: str, prefix: str, count: int) -> None:
    """Consume and decode, and print the seconds from the first fetch to the last record."""
    topics = [prefix + topic for topic in TOPICS]
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=brokers, auto_offset_reset="earliest", group_id=f"{prefix}limit-{time.time_ns()}"
    )
    await consumer.start()
    seen, started = 0, 0.0
    while seen < count:
        fetched = await consumer.getmany(timeout_ms=1000)
        if fetched and not started:
            started = time.perf_counter()
        for records in fetched.values():
            for record in records:
                orjson.loads(record.value)
            seen += len(records)
    print(json.dumps({"events": seen, "seconds": time.perf_counter() - started}))
    await consumer.stop()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
