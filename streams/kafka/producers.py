"""The start of a Kafka producer, idempotent where the broker can be, and its end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownError, UnsupportedVersionError

from streams.kafka.access import unavailable
from streams.kafka.connections import kafka_options
from streams.settings.settings import Settings

logger = logging.getLogger(__name__)

#: To be sent in the place of a null value: aiokafka refuses one without a key before it looks, and Kafka takes it.
NULL: Any = object()


async def start_producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """Start a producer whose batches are stored once, even if they are sent again after a lost answer.

    The embedded broker has no producer ids for aiokafka (it refuses the only version of the request that aiokafka
    knows); there the producer is an ordinary one.

    Args:
        settings: name the brokers and how to get in.
        options: of aiokafka's producer.

    Returns:
        The producer, connected.

    Raises:
        AccessDenied: if Kafka does not let the worker in.
        BrokerUnavailable: if no broker answers.
    """
    sender = logging.getLogger("aiokafka.producer.sender")
    sender.addFilter(_is_news)
    try:
        return await _started(settings, enable_idempotence=True, **options)
    except (UnknownError, UnsupportedVersionError):
        logger.info("the broker gives no producer ids: a message may be stored twice after a lost answer")
        return await _started(settings, enable_idempotence=False, **options)
    finally:
        sender.removeFilter(_is_news)


async def stop_producer(producer: AIOKafkaProducer, within: float) -> None:
    """Stop a producer, which by itself would wait for ever for a broker that is away.

    Args:
        producer: started.
        within: the seconds that what is under way has; after them it is let go.
    """
    try:
        async with asyncio.timeout(within):
            await producer.stop()
    except TimeoutError:
        logger.warning("what was under way to Kafka has not ended within %g s and is let go", within)
        await producer.client.close()


def _is_news(record: logging.LogRecord) -> bool:
    # What this answer means is said above, so it is no error of the log's.
    return "InitProducerIdRequest" not in str(record.msg) or record.args != (UnknownError,)


def _as_written(value: Any) -> bytes | None:
    return None if value is NULL else value


async def _started(settings: Settings, **options: Any) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(**kafka_options(settings), acks="all", value_serializer=_as_written, **options)
    try:
        await producer.start()
    except BaseException as error:
        await producer.stop()
        if isinstance(error, KafkaError | OSError) and not isinstance(error, UnknownError | UnsupportedVersionError):
            raise await unavailable(settings, error) from error
        raise
    return producer
