"""The loop written by hand, exactly once in effect: one Lua call per batch that moves a fence with the sums.

A batch that was applied before finds the fence ahead and is left out by the server. Arguments: brokers, prefix, Redis
URL, events.
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

# Keys: the fences. Arguments: number of partitions, then of each its name, the expected and the new offset; then a
# key, a field and a number for each sum.
APPLY = """
local at = 2
for _ = 1, tonumber(ARGV[1]) do
  if (redis.call('HGET', KEYS[1], ARGV[at]) or '0') ~= ARGV[at + 1] then
    return 0
  end
  at = at + 3
end
for partition = 2, at - 1, 3 do
  redis.call('HSET', KEYS[1], ARGV[partition], ARGV[partition + 2])
end
for sum = at, #ARGV, 3 do
  redis.call('HINCRBY', ARGV[sum], ARGV[sum + 1], ARGV[sum + 2])
end
return 1
"""


async def main(brokers: str, prefix: str, url: str, count: int) -> None:
    """Count everything, and print the seconds from the first fetch to the last answer of Redis."""
    topics = [prefix + topic for topic in TOPICS]
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=brokers, auto_offset_reset="earliest", group_id=f"{prefix}fenced-{time.time_ns()}"
    )
    client = redis.Redis.from_url(url)
    apply = client.register_script(APPLY)
    await consumer.start()
    seen, started = 0, 0.0
    while seen < count:
        fetched = await consumer.getmany(timeout_ms=1000)
        if not fetched:
            continue
        started = started or time.perf_counter()
        counts: Counter[tuple[str, str, int]] = Counter()
        words: list[str | int] = [len(fetched)]
        for partition, records in fetched.items():
            for record in records:
                event = orjson.loads(record.value)
                counts[event["customer_id"], partition.topic, int(event["timestamp"] // DAY)] += 1
            seen += len(records)
            words += (f"{partition.topic}/{partition.partition}", records[0].offset, records[-1].offset + 1)
        for (customer, topic, day), number in counts.items():
            words += (f"{prefix}{customer}", f"{topic.removeprefix(prefix)}:{day}", number)
        assert await apply(keys=[f"fences:{prefix}"], args=words), "nobody else moves the fences here"
    print(json.dumps({"events": seen, "seconds": time.perf_counter() - started}))
    await consumer.stop()
    await client.aclose()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
