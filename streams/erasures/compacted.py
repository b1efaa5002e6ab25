"""Null values for erased customers in compacted topics, where the key would otherwise be kept for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams.errors import BrokerUnavailable
from streams.producers import start_producer
from streams.topic_names import ALERTS, BAND_CHANGES


async def forget_keys(brokers: str, customers: Sequence[str]) -> list[str]:
    """Write null values under the customers' ids into those output topics that the operators have made compacted.

    Args:
        brokers: host:port, separated by commas.
        customers: the ids, which are the keys.

    Returns:
        The compacted topics.

    Raises:
        BrokerUnavailable: if Kafka does not answer or refuses.
    """
    try:
        topics = await _compacted(brokers, (ALERTS, BAND_CHANGES))
        if topics:
            await _write_nulls(brokers, topics, customers)
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"Kafka at {brokers} does not answer: {error!r}") from error
    return topics


async def _compacted(brokers: str, topics: Iterable[str]) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    found = []
    try:
        await admin.start()
        present = set(await admin.list_topics())
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics if topic in present]
        for answer in await admin.describe_configs(asked) if asked else ():
            for _code, _message, _kind, topic, entries in answer.resources:
                settings = {entry[0]: entry[1] for entry in entries}
                if "compact" in (settings.get("cleanup.policy") or ""):
                    found.append(topic)
    finally:
        await admin.close()
    return found


async def _write_nulls(brokers: str, topics: Sequence[str], customers: Sequence[str]) -> None:
    producer = await start_producer(brokers)
    try:
        for topic in topics:
            for customer in customers:
                await producer.send_and_wait(topic, None, key=customer.encode())
    finally:
        await producer.stop()
