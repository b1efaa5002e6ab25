"""Moves the leaders of partitions from broker to broker, as an operator does with Kafka's own tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String

from tests.polling import poll_until
from tests.services.kafka_client import admin

_TIMEOUT_MS = 20_000
_PREFERRED = 0
#: The leader is the preferred one already.
_NOT_NEEDED = 84

Partitions = dict[tuple[str, int], dict[str, Any]]


class ElectLeadersResponse(Response):
    """What became of each election; aiokafka has no such request."""

    API_KEY = 43
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                (
                    "partitions",
                    Array(("partition", Int32), ("error_code", Int16), ("error_message", String("utf-8"))),
                ),
            ),
        ),
    )


class ElectLeadersStruct(RequestStruct):
    """The request on the wire."""

    API_KEY = 43
    API_VERSION = 1
    RESPONSE_TYPE = ElectLeadersResponse
    SCHEMA = Schema(
        ("election_type", Int8),
        ("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))),
        ("timeout_ms", Int32),
    )


class ElectLeaders(Request[ElectLeadersStruct]):
    """Asks for the election of the preferred leaders."""

    API_KEY = 43

    def __init__(self, topics: list[tuple[str, list[int]]]) -> None:
        """Keep the partitions.

        Args:
            topics: with the numbers of their partitions.
        """
        self._topics = topics

    def build(self, request_struct_class: type[ElectLeadersStruct]) -> ElectLeadersStruct:
        """Build the request."""
        return request_struct_class(_PREFERRED, self._topics, _TIMEOUT_MS)


async def partitions_of(client: AIOKafkaAdminClient, topics: Iterable[str]) -> Partitions:
    """Describe the partitions of topics: leader, replicas, isr."""
    described = await client.describe_topics(list(topics))
    return {
        (topic["topic"], partition["partition"]): partition for topic in described for partition in topic["partitions"]
    }


async def move_leaders(bootstrap: str, topics: Iterable[str]) -> None:
    """Make the second replica of every partition of topics its leader, by a reassignment and an election; wait for it.

    Args:
        bootstrap: host:port of brokers, with commas.
        topics: replicated ones.
    """
    names = list(topics)
    async with admin(bootstrap) as client:
        before = await partitions_of(client, names)
        wanted = {place: [*found["replicas"][1:], found["replicas"][0]] for place, found in before.items()}
        numbers: dict[str, list[int]] = {name: [] for name in names}
        for topic, number in wanted:
            numbers[topic].append(number)
        moves: list[tuple[str, list[tuple[int, list[int], dict[str, str]]], dict[str, str]]] = [
            (topic, [(number, wanted[topic, number], {}) for number in some], {}) for topic, some in numbers.items()
        ]
        answer = await client._send_to_controller(AlterPartitionReassignmentsRequest(_TIMEOUT_MS, moves, {}))
        assert answer.error_code == 0, answer

        async def reordered() -> bool:
            now = await partitions_of(client, names)
            return all(now[place]["replicas"] == replicas for place, replicas in wanted.items())

        await poll_until(reordered, 20)
        answer = await client._send_to_controller(ElectLeaders(list(numbers.items())))
        codes = {partition[1] for _, partitions in answer.topics for partition in partitions}
        assert codes <= {0, _NOT_NEEDED}, answer

        async def moved() -> bool:
            now = await partitions_of(client, names)
            return all(now[place]["leader"] == replicas[0] for place, replicas in wanted.items())

        await poll_until(moved, 20)
