"""Backlogs: many events in batches, made as cheaply as may be."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from tests.services.kafka_client import admin

CHANNELS = ("clickstream", "email", "social")
PARTITIONS = 12
_PER_BATCH = 2_000
_TYPES = (b"click", b"open", b"like", b"reply", b"new")


@dataclass(frozen=True)
class Backlog:
    """What waits in the topics.

    `events` of `customers` who are all as busy as the others, each event with an id of its own; `padding` bytes of
    properties in each. `garbage` records of `garbage_bytes` that are no events. `compression` as the producer names it.
    """

    events: int = 0
    customers: int = 1
    padding: int = 0
    garbage: int = 0
    garbage_bytes: int = 0
    compression: str | None = None


async def fill(bootstrap: str, prefix: str, backlog: Backlog) -> None:
    """Create the topics and fill them.

    Args:
        bootstrap: host:port of a broker.
        prefix: of the topics' names.
        backlog: what to write.
    """
    async with admin(bootstrap) as client:
        settings = {"max.message.bytes": str(16 << 20)}
        topics = [NewTopic(prefix + channel, PARTITIONS, 1, topic_configs=settings) for channel in CHANNELS]
        await client.create_topics(topics)
    options = {"compression_type": backlog.compression, "max_batch_size": 16 << 20, "max_request_size": 16 << 20}
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks=1, linger_ms=0, request_timeout_ms=120_000, **options)
    await producer.start()
    under_way: set[asyncio.Future[object]] = set()
    try:
        for number, values in enumerate(_batches(backlog)):
            place = number % (PARTITIONS * len(CHANNELS))
            batch = producer.create_batch()
            now = int(time.time() * 1000)
            for value in values:
                batch.append(key=None, value=value, timestamp=now)
            topic = prefix + CHANNELS[place % len(CHANNELS)]
            under_way.add(await producer.send_batch(batch, topic, partition=place // len(CHANNELS)))
            if len(under_way) > 100:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for sent in done:
                    sent.result()
        await asyncio.gather(*under_way)
    finally:
        await producer.stop()


def _batches(backlog: Backlog) -> Iterator[Sequence[bytes]]:
    dice = random.Random(1)
    padding = b',"properties":{"text":"%s"}' % (b"x" * backlog.padding) if backlog.padding else b""
    first = int(time.time()) - 3 * 86_400
    for start in range(0, backlog.events, _PER_BATCH):
        yield [
            b'{"customer_id":"customer-%d","type":"%s","timestamp":%d,"event_id":"%016x"%s}'
            % (
                dice.randrange(backlog.customers),
                _TYPES[number % len(_TYPES)],
                first + number * 2 * 86_400 // backlog.events,
                dice.getrandbits(64),
                padding,
            )
            for number in range(start, min(start + _PER_BATCH, backlog.events))
        ]
    for _ in range(backlog.garbage):
        yield [b"x" * backlog.garbage_bytes]
