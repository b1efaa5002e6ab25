"""Null values for erased customers in compacted topics, where the key would otherwise be kept for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka.access import unavailable
from streams.kafka.configs import topic_configs
from streams.kafka.connections import kafka_options
from streams.kafka.producers import start_producer
from streams.settings.settings import Settings
from streams.topic_names import ALERTS, BAND_CHANGES, SIGNALS, shadow_topics


def keyed_topics(settings: Settings) -> list[str]:
    """List the topics that hold customers' ids as keys, and may have been made compacted."""
    topics = (ALERTS, BAND_CHANGES, SIGNALS, *shadow_topics(settings.policy))
    return [settings.written(topic) for topic in topics]


async def compacted_topics(settings: Settings) -> list[str]:
    """List those output topics that the operators have made compacted.

    Args:
        settings: name the brokers and how to get in.

    Raises:
        BrokerUnavailable: if Kafka does not answer or refuses.
    """
    try:
        return await _compacted(settings, keyed_topics(settings))
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error


async def forget_keys(settings: Settings, topics: Sequence[str], customers: Sequence[str]) -> None:
    """Write null values under customers' ids into compacted topics.

    Args:
        settings: name the brokers and how to get in.
        topics: see `compacted_topics`.
        customers: the ids, which are the keys.

    Raises:
        BrokerUnavailable: if Kafka does not answer or refuses.
    """
    if not topics:
        return
    try:
        await _write_nulls(settings, topics, customers)
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error


async def _compacted(settings: Settings, topics: Iterable[str]) -> list[str]:
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        present = set(await admin.list_topics())
        configs = await topic_configs(admin, [topic for topic in topics if topic in present])
    finally:
        await admin.close()
    return [topic for topic, config in configs.items() if "compact" in config.get("cleanup.policy", "")]


async def _write_nulls(settings: Settings, topics: Sequence[str], customers: Sequence[str]) -> None:
    producer = await start_producer(settings)
    try:
        for topic in topics:
            for customer in customers:
                await producer.send_and_wait(topic, None, key=customer.encode())
    finally:
        await producer.stop()
