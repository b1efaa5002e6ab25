"""Quix Streams: windowed counts in its state (RocksDB, with changelog topics), Redis once a checkpoint.

A tumbling window of a day on the time of the event; a sink that writes the newest count of each customer in one
pipeline for each partition and checkpoint. Checkpoints once a second instead of every five, so that the end is soon
stored. Arguments: brokers, prefix, Redis URL, events, topics with commas. Runs in an environment of its own.
"""

import json
import sys
import tempfile
import time
from datetime import timedelta
from typing import Any

import redis
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

brokers, prefix, url, count, topics = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5].split(",")
client = redis.Redis.from_url(url)
progress = {"seen": 0, "started": 0.0}
app = Application(
    broker_address=brokers,
    consumer_group=f"{prefix}quix-{time.time_ns()}",
    auto_offset_reset="earliest",
    commit_interval=1.0,
    state_dir=tempfile.mkdtemp(),
    loglevel="ERROR",
)


class RedisHashes(BatchingSink):
    """Writes the newest count of each customer and day."""

    def write(self, batch: SinkBatch) -> None:
        """Write what came since the last checkpoint."""
        channel = batch.topic.removeprefix(prefix)
        newest = {(item.key, item.value["start"]): item.value["value"] for item in batch}
        pipeline = client.pipeline(transaction=False)
        for (customer, start), number in newest.items():
            pipeline.hset(f"{prefix}{customer.decode()}", f"{channel}:{start // 86_400_000}", number)
        pipeline.execute()
        progress["seen"] += batch.size
        if progress["seen"] == count:
            print(json.dumps({"events": count, "seconds": time.perf_counter() - progress["started"]}), flush=True)
            app.stop()


def event_time(value: Any, _headers: Any, _timestamp: float, _kind: Any) -> int:
    """Give the time of an event in milliseconds."""
    progress["started"] = progress["started"] or time.perf_counter()
    return int(value["timestamp"] * 1000)


for name in topics:
    topic = app.topic(name, value_deserializer="json", timestamp_extractor=event_time)
    app.dataframe(topic).tumbling_window(timedelta(days=1)).count().current().sink(RedisHashes())
app.run()
