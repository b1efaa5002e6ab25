"""A stock Faust agent that does the same job: one agent per topic, one Redis write per event.

It keeps a score per customer in Redis with the built-in weights, as Faust's documentation writes an agent: a record
model, `async for event in stream`, and a write for each event. It has no window, no duplicates, no alerts by silence
and no exactness after a fault. Arguments: brokers, prefix, Redis URL, events.
"""

import json
import os
import signal
import sys
import time

import faust
import redis.asyncio as redis

from scoring.policy_file import builtin_policy
from tests.benchmarks.workload import TOPICS

brokers, prefix, url, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
app = faust.App(
    f"{prefix}stock-{time.time_ns()}", broker=f"kafka://{brokers}", store="memory://", web_enabled=False,
    consumer_auto_offset_reset="earliest", topic_disable_leader=True, datadir="/tmp",
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

    @app.agent(app.topic(prefix + channel, value_type=Event), name=channel)
    async def score(stream: faust.StreamT) -> None:
        async for event in stream:
            progress["started"] = progress["started"] or time.perf_counter()
            points = weights[channel].get(event.type, 0)
            await client.hincrbyfloat(f"{prefix}stock:{event.customer_id}", "score", points)
            progress["seen"] += 1
            if progress["seen"] == count:
                result = {"events": count, "seconds": time.perf_counter() - progress["started"]}
                # Faust takes over sys.stdout for its log.
                print(json.dumps(result), file=sys.__stdout__, flush=True)
                os.kill(os.getpid(), signal.SIGTERM)


for name in TOPICS:
    add_agent(name)

faust.Worker(app, loglevel="ERROR").execute_from_commandline()
