"""Bytewax: windowed counts, written to Redis in batches when their day is over.

`count_window` on the time of the event, for each customer and channel; one worker, no recovery store. A count is
written when its window closes, so a reader sees nothing of the present day: less than the others do. Arguments:
brokers, prefix, Redis URL, events, topics with commas. Runs in an environment of its own.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import orjson
import redis
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower, count_window
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

brokers, prefix, url, count, topics = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5].split(",")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Event = tuple[str, str, datetime]
Counted = tuple[str, tuple[int, int]]
progress = {"seen": 0, "started": 0.0}


class RedisPartition(StatelessSinkPartition[Counted]):
    """Writes what it is given in one pipeline."""

    def __init__(self) -> None:
        """Connect."""
        self._client = redis.Redis.from_url(url)

    def write_batch(self, items: list[Counted]) -> None:
        """Write counts; the window's number is that of its day."""
        pipeline = self._client.pipeline(transaction=False)
        for key, (day, number) in items:
            channel, _, customer = key.partition(":")
            pipeline.hset(f"{prefix}{customer}", f"{channel}:{day}", number)
        pipeline.execute()


class RedisSink(DynamicSink[Counted]):
    """A partition for each worker."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> RedisPartition:
        """Make one."""
        return RedisPartition()


def read(message: KafkaSourceMessage[Any, Any]) -> Event:
    """Decode a record."""
    progress["started"] = progress["started"] or time.perf_counter()
    progress["seen"] += 1
    value = orjson.loads(message.value)
    channel = (message.topic or "").removeprefix(prefix)
    return channel, value["customer_id"], datetime.fromtimestamp(value["timestamp"], UTC)


flow = Dataflow("counts")
records = op.input("records", flow, KafkaSource([brokers], topics, tail=False))
events = op.map("read", records, read)
clock = EventClock(ts_getter=lambda event: event[2], wait_for_system_duration=timedelta(seconds=10))
days = TumblingWindower(align_to=EPOCH, length=timedelta(days=1))
windows = count_window("count", events, clock, days, key=lambda event: f"{event[0]}:{event[1]}")
op.output("store", windows.down, RedisSink())
cli_main(flow)
assert progress["seen"] == count, f"{progress['seen']} of {count} events"
print(json.dumps({"events": count, "seconds": time.perf_counter() - progress["started"]}))
