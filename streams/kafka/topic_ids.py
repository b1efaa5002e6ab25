"""The id of a topic, by which one that was deleted and made anew under the same name is known to be another one.

aiokafka knows no version of the request that tells it. Kafka tells it since 2.8; where a broker does not, the id is ''.

Rests on decision 70.
"""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, UnknownTopicOrPartitionError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from streams.kafka.access import unavailable
from streams.kafka.connections import kafka_options
from streams.settings.settings import Settings

_LENGTH = 16
_NONE = bytes(_LENGTH)


class TopicId(AbstractType[bytes]):
    """Sixteen bytes."""

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """Read it."""
        return data.read(_LENGTH)

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """Write it."""
        return value


class _IdsResponse(Response):
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", TopicId),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _IdsRequest(RequestStruct):
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _IdsResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", TopicId), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class DescribeTopicIds(Request[_IdsRequest]):
    """Asks for the ids of topics."""

    API_KEY = 3

    def __init__(self, topics: Collection[str]) -> None:
        """Keep the topics.

        Args:
            topics: their names; none is created.
        """
        self._topics = topics

    def build(self, request_struct_class: type[_IdsRequest]) -> _IdsRequest:
        """Fill the structure in."""
        wanted: list[Any] = [(_NONE, topic, {}) for topic in self._topics]
        return request_struct_class(wanted, False, False, False, {})  # noqa: FBT003 - the order is the schema's


async def ask_topic_ids(client: AIOKafkaClient, topics: Collection[str]) -> dict[str, tuple[int, bytes]] | None:
    """Ask a broker for the ids of topics.

    Args:
        client: connected.
        topics: their names.

    Returns:
        For each topic Kafka's error code, 0 for none, and the id, b'' where it is not told; None where the broker knows
        no ids.
    """
    try:
        answer: Any = await client.send(client.get_random_node(), DescribeTopicIds(topics))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return None
    found = {topic: (code, b"" if topic_id == _NONE else topic_id) for code, topic, topic_id, *_ in answer.topics}
    if any(not code and not topic_id for code, topic_id in found.values()):
        return None
    return {topic: found.get(topic, (int(UnknownTopicOrPartitionError.errno), b"")) for topic in topics}


async def topic_ids(settings: Settings, topics: Collection[str]) -> dict[str, str]:
    """Ask Kafka for the ids of topics.

    Args:
        settings: name the brokers and how to get in.
        topics: their names.

    Returns:
        The ids as hexadecimal digits; '' for a topic that is absent, and where the broker knows no ids.

    Raises:
        BrokerUnavailable: if Kafka does not answer.
    """
    client = AIOKafkaClient(**kafka_options(settings))
    try:
        await client.bootstrap()
        found = await ask_topic_ids(client, topics) or {}
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error
    finally:
        await client.close()
    return {topic: found.get(topic, (0, b""))[1].hex() for topic in topics}
