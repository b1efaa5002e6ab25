"""Kafka consumers that belong to no group: they read what they are told to, and commit nothing."""

from __future__ import annotations

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
