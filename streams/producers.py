"""A Kafka producer that is idempotent where the broker can."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownError, UnsupportedVersionError

from streams.errors import BrokerUnavailable


async def start_producer(brokers: str, **options: Any) -> AIOKafkaProducer:
    """Start a producer whose batches are stored once, even if they are sent again after a lost answer.

    The embedded broker has no producer ids for aiokafka (it refuses the only version of the request that aiokafka
    knows); there the producer is an ordinary one.

    Args:
        brokers: host:port, separated by commas.
        options: of aiokafka's producer.

    Returns:
        The producer, connected.

    Raises:
        BrokerUnavailable: if no broker answers.
    """
    try:
        return await _started(brokers, enable_idempotence=True, **options)
    except (UnknownError, UnsupportedVersionError):
        return await _started(brokers, enable_idempotence=False, **options)


async def _started(brokers: str, **options: Any) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", **options)
    try:
        await producer.start()
    except BaseException as error:
        await producer.stop()
        if isinstance(error, KafkaError | OSError) and not isinstance(error, UnknownError | UnsupportedVersionError):
            raise BrokerUnavailable(f"Kafka at {brokers} does not answer: {error!r}") from error
        raise
    return producer
