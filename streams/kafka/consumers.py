"""Kafka consumers that belong to no group: they read what they are told to, and commit nothing; and how any stops."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.kafka.connections import kafka_options
from streams.settings.settings import Settings

# So much of each partition at a time.
_FETCHED_BYTES = 1024 * 1024


def lone_consumer(settings: Settings, **options: Any) -> AIOKafkaConsumer:
    """Make a consumer that is a member of no group, without connecting.

    Args:
        settings: name the brokers and how to get in.
        options: of aiokafka's consumer.

    Returns:
        The consumer; partitions have to be assigned to it.
    """
    return AIOKafkaConsumer(
        **kafka_options(settings), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest", **options
    )


def committed_reader(settings: Settings) -> AIOKafkaConsumer:
    """Make such a consumer for the records of committed transactions alone.

    Args:
        settings: name the brokers and how to get in.
    """
    return lone_consumer(settings, isolation_level="read_committed", max_partition_fetch_bytes=_FETCHED_BYTES)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, whatever it is doing.

    While a broker is away, aiokafka ends a fetch that was about to be tried again as if its caller were cancelled, and
    leaves the rest as it is.

    Args:
        consumer: started or not.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping])
    if not stopping.cancelled():
        stopping.result()
        return
    fetches = list(consumer._fetcher._pending_tasks)  # noqa: SLF001 - there is no public way
    for fetch in fetches:
        fetch.cancel()
    await asyncio.gather(*fetches, return_exceptions=True)
    await consumer._client.close()  # noqa: SLF001
