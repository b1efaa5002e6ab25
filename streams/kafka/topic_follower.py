"""Reads topics from now or from their beginning, without a consumer group.

Rests on decision 147.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.backoff import Backoff
from streams.errors import BrokerUnavailable
from streams.kafka.access import check_rights, unavailable
from streams.kafka.connections import kafka_options
from streams.kafka.consumers import lone_consumer, stop_consumer
from streams.kafka.log_ends import end_offsets
from streams.metrics import Metrics
from streams.settings.settings import Settings

logger = logging.getLogger(__name__)

_ABSENT_SECONDS = 1.0
#: Without records, how often it is asked whether Kafka is there, in seconds.
_ASKED_EVERY = 5.0
_POLL_MILLISECONDS = 500


@asynccontextmanager
async def tail_topics(
    settings: Settings, topics: Sequence[str], *, from_beginning: bool
) -> AsyncIterator[AsyncIterator[ConsumerRecord]]:
    """Follow topics; one that does not exist yet is waited for.

    Args:
        settings: name the brokers and how to get in.
        topics: their names.
        from_beginning: whether what is there already is read first.

    Yields:
        The records of all partitions as they come, without an end.

    Raises:
        AccessDenied: if Kafka does not let the user in, or read the topics.
        BrokerUnavailable: if no broker answers.
    """
    consumer = lone_consumer(settings)
    try:
        await check_rights(settings, {"Read": topics})
        present, awaited = await _partitions(settings, topics)
        await consumer.start()
        consumer.assign(present + awaited)
        if present and not from_beginning:
            for partition, end in (await end_offsets(consumer, present)).items():
                consumer.seek(partition, end)
        yield _records(consumer, settings)
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error
    finally:
        await stop_consumer(consumer)


async def _partitions(settings: Settings, topics: Sequence[str]) -> tuple[list[TopicPartition], list[TopicPartition]]:
    """List the partitions of the topics that are there, and of those that had to be waited for.

    What is in the latter came after the start, so it is read from the beginning.
    """
    present: list[TopicPartition] = []
    awaited: list[TopicPartition] = []
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    waiting = Backoff(Metrics(), logger, "waiting for it")
    try:
        await admin.start()
        missing, found = list(topics), present
        while missing:
            existing = set(await admin.list_topics())
            if there := [topic for topic in missing if topic in existing]:
                for topic in await admin.describe_topics(there):
                    found += [TopicPartition(topic["topic"], entry["partition"]) for entry in topic["partitions"]]
            missing = [topic for topic in missing if topic not in existing]
            if missing:
                found = awaited
                waiting.note(BrokerUnavailable(f"there is no topic {' and no topic '.join(missing)}"))
                await asyncio.sleep(_ABSENT_SECONDS)
    finally:
        await admin.close()
    return present, awaited


async def _records(consumer: AIOKafkaConsumer, settings: Settings) -> AsyncIterator[ConsumerRecord]:
    waiting = Backoff(Metrics(), logger, "waiting for it")
    heard_at = time.monotonic()
    while True:
        found = await consumer.getmany(timeout_ms=_POLL_MILLISECONDS)
        for records in found.values():
            for record in records:
                yield record
        # The client tries for ever, and nobody sees what it logs.
        if not found and time.monotonic() - heard_at < _ASKED_EVERY:
            continue
        try:
            if not found:
                async with asyncio.timeout(_ASKED_EVERY):
                    await consumer.topics()
        except (KafkaError, OSError, TimeoutError) as error:
            waiting.note(BrokerUnavailable(f"Kafka at {settings.kafka_brokers} does not answer: {error!r}"))
        else:
            waiting.over()
        heard_at = time.monotonic()
