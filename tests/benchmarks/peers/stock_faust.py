"""A stock Faust agent that does the same job, as Faust's documentation would have it, with one Redis write per event.

A record model, one agent per topic, a windowed table of points by customer and day that expires with the window, and
the customer's score written to Redis for each event. It has no duplicates, no bands, no alerts, no drops by silence,
and no exactness after a fault. With the argument `bare` it does less: no table, only the write to Redis.
Arguments: brokers, prefix, Redis URL, events, `windowed` or `bare`.
"""

import json
import os
import signal
import sys
import tempfile
import time
from datetime import timedelta
from typing import Any

import faust
import redis.asyncio as redis

from streams.policy_file.document import builtin_policy
from tests.benchmarks.workload import PARTITIONS, TOPICS

brokers, prefix, url, count, kind = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
app = faust.App(
    f"{prefix}{kind}-{time.time_ns()}",
    broker=f"kafka://{brokers}",
    store="memory://",
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    topic_partitions=PARTITIONS,
    datadir=tempfile.mkdtemp(),
)
client = redis.Redis.from_url(url)
policy = builtin_policy()
weights = {channel.name: {kind.name: kind.weight / 1e6 for kind in channel.types} for channel in policy.channels}
progress = {"seen": 0, "started": 0.0}


class Event(faust.Record, serializer="json"):
    """An event as producers send it."""

    customer_id: str
    type: str
    timestamp: float


def add_agent(channel: str) -> None:
    """Register the agent of a channel."""
    table: Any = None
    if kind == "windowed":
        table = app.Table(f"points-{channel}", default=float, partitions=PARTITIONS).tumbling(
            timedelta(days=1), expires=timedelta(days=30)
        )

    @app.agent(app.topic(prefix + channel, value_type=Event), name=channel)
    async def score(stream: faust.StreamT[Any]) -> None:
        async for event in stream:
            progress["started"] = progress["started"] or time.perf_counter()
            points = weights[channel].get(event.type, 0)
            key = f"{prefix}{kind}:{event.customer_id}"
            if table is None:
                await client.hincrbyfloat(key, channel, points)
            else:
                table[event.customer_id] += points
                await client.hset(key, channel, table[event.customer_id].current())
            progress["seen"] += 1
            if progress["seen"] == count:
                finish()


def finish() -> None:
    """Print the result and end."""
    result = {"events": count, "seconds": time.perf_counter() - progress["started"]}
    # Faust takes over sys.stdout for its log.
    print(json.dumps(result), file=sys.__stdout__, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


for name in TOPICS:
    add_agent(name)

faust.Worker(app, loglevel="ERROR").execute_from_commandline()
