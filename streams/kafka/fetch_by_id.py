"""Lets a consumer fetch by the id of a topic, so that no record of another log under the same name ever reaches it.

aiokafka fetches by name: when a topic is deleted and made anew, it goes on in the new log as if it were the old one.
Since version 13 of the request (Kafka 3.1) a fetch may name the id, and a broker answers with an error where that topic
is gone. So the first look at a topic *pins* its id, and each fetch goes through here and names it.

Rests on decisions 70 and 78.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, UnknownTopicOrPartitionError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from streams.kafka.topic_ids import TopicId, ask_topic_ids

#: Error codes of Kafka that aiokafka does not know: there is no topic of this id, or the log has another one.
_GONE = (100, 103)
_ABSENT = int(UnknownTopicOrPartitionError.errno)
_PAUSE = 0.2
#: Where a broker tells ids and cannot fetch by them, they are looked at this often.
_LOOK_SECONDS = 5.0


class _ByIdResponse(Response):
    API_KEY = 1
    API_VERSION = 13
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("session_id", Int32),
        (
            "topics",
            CompactArray(
                ("topic_id", TopicId),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("highwater_offset", Int64),
                        ("last_stable_offset", Int64),
                        ("log_start_offset", Int64),
                        (
                            "aborted_transactions",
                            CompactArray(("producer_id", Int64), ("first_offset", Int64), ("tags", TaggedFields)),
                        ),
                        ("preferred_read_replica", Int32),
                        ("message_set", CompactBytes),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _ByIdRequest(RequestStruct):
    API_KEY = 1
    API_VERSION = 13
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _ByIdResponse
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("max_wait_time", Int32),
        ("min_bytes", Int32),
        ("max_bytes", Int32),
        ("isolation_level", Int8),
        ("session_id", Int32),
        ("session_epoch", Int32),
        (
            "topics",
            CompactArray(
                ("topic_id", TopicId),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("current_leader_epoch", Int32),
                        ("fetch_offset", Int64),
                        ("last_fetched_epoch", Int32),
                        ("log_start_offset", Int64),
                        ("max_bytes", Int32),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        (
            "forgotten_topics_data",
            CompactArray(("topic_id", TopicId), ("partitions", CompactArray(Int32)), ("tags", TaggedFields)),
        ),
        ("rack_id", CompactString("utf-8")),
        ("tags", TaggedFields),
    )


class _FetchById(Request[_ByIdRequest]):
    """A fetch of aiokafka's, of topics whose ids are known."""

    API_KEY = 1

    def __init__(self, fetch: FetchRequest, topics: Iterable[tuple[bytes, Sequence[tuple[int, int, int]]]]) -> None:
        self._fetch = fetch
        self._topics = topics

    def build(self, request_struct_class: type[_ByIdRequest]) -> _ByIdRequest:
        fetch = self._fetch
        wanted: list[Any] = [
            (topic_id, [(number, -1, offset, -1, -1, most, {}) for number, offset, most in partitions], {})
            for topic_id, partitions in self._topics
        ]
        limits = (fetch._max_wait_ms, fetch._min_bytes, fetch._max_bytes, fetch._isolation_level)  # noqa: SLF001
        # Of no fetch session, as aiokafka's own.
        return request_struct_class(-1, *limits, 0, -1, wanted, [], fetch._rack_id, {})  # noqa: SLF001


class _Fetched(NamedTuple):
    """What aiokafka's fetcher reads of an answer, in the order of the version that it takes it for."""

    topics: list[tuple[str, list[tuple[Any, ...]]]]
    API_VERSION: int = 11


class PinnedTopics:
    """The ids that a consumer fetches by."""

    def __init__(self, client: AIOKafkaClient) -> None:
        """Take the place of the client's `send`.

        Args:
            client: of a consumer, before it has fetched anything.
        """
        self._client = client
        self._send = client.send
        self._ids: dict[str, bytes] = {}
        self._codes: dict[str, int] = {}
        self._suspected: dict[str, bytes] = {}
        self._looked_at = 0.0
        # Whether brokers tell ids; not known before the first question.
        self._told: bool | None = None
        #: The topics that are another log by now than the one that is pinned.
        self.made_anew: set[str] = set()
        client.send = self.send

    async def pin(self, topics: Collection[str]) -> dict[str, str]:
        """Pin the ids of topics, unless they are pinned already.

        Args:
            topics: their names.

        Returns:
            The pinned ids, as hexadecimal digits; '' for a topic that is absent, and where brokers tell no ids.
        """
        missing = [topic for topic in topics if topic not in self._ids]
        if missing and self._told is not False:
            found = await ask_topic_ids(self._client, missing)
            self._told = found is not None
            for topic, (code, topic_id) in (found or {}).items():
                self._codes[topic] = code
                if topic_id:
                    # Another task may have been quicker.
                    self._ids.setdefault(topic, topic_id)
        return {topic: self._ids.get(topic, b"").hex() for topic in topics}

    async def send(self, node_id: Any, request: Any, **options: Any) -> Any:
        """Send a request; a fetch goes by the ids of its topics."""
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **options)
        await self.pin([topic for topic, _ in request.topics])
        if not self._told:
            return await self._send(node_id, request, **options)
        return await self._fetch(node_id, request, **options)

    async def _fetch(self, node_id: Any, request: FetchRequest, **options: Any) -> Any:
        known = {self._ids[topic]: topic for topic, _ in request.topics if topic in self._ids}
        topics = [self._absent(topic, partitions) for topic, partitions in request.topics if topic not in self._ids]
        if topics:
            await asyncio.sleep(_PAUSE)
        if not known:
            return _Fetched(topics)
        wanted = [(self._ids[topic], partitions) for topic, partitions in request.topics if topic in self._ids]
        try:
            answer = await self._send(node_id, _FetchById(request, wanted), **options)
        except (IncompatibleBrokerVersion, NotImplementedError):
            if time.monotonic() - self._looked_at > _LOOK_SECONDS:
                await self._look_again(known.values())
            return await self._send(node_id, request, **options)
        told = [(known[topic_id], partitions) for topic_id, partitions, _ in answer.topics if topic_id in known]
        there = {topic for topic, partitions in told if all(code not in _GONE for _, code, *_ in partitions)}
        # The embedded broker answers for a topic that is gone with an id of zeros.
        gone = set(known.values()) - there
        if gone:
            await self._look_again(gone)
            await asyncio.sleep(_PAUSE)
        return _Fetched([*topics, *[(topic, [_as_by_name(each) for each in some]) for topic, some in told]])

    def _absent(self, topic: str, partitions: Iterable[tuple[int, int, int]]) -> tuple[str, list[tuple[Any, ...]]]:
        code = self._codes.get(topic) or _ABSENT
        return topic, [(number, code, -1, -1, -1, [], -1, b"") for number, _, _ in partitions]

    async def _look_again(self, topics: Iterable[str]) -> None:
        """Look whether topics are other ones by now; one broker may be behind another, so two looks have to agree."""
        self._looked_at = time.monotonic()
        for topic, (_, topic_id) in (await ask_topic_ids(self._client, list(topics)) or {}).items():
            if not topic_id or topic_id == self._ids.get(topic):
                self._suspected.pop(topic, None)
            elif self._suspected.get(topic) == topic_id:
                self.made_anew.add(topic)
            else:
                self._suspected[topic] = topic_id


def _as_by_name(partition: tuple[Any, ...]) -> tuple[Any, ...]:
    number, code, high, stable, first, aborted, replica, records, _ = partition
    ended = [(producer, offset) for producer, offset, _ in aborted or ()]
    return number, _ABSENT if code in _GONE else code, high, stable, first, ended, replica, records or b""


def fetch_by_id(consumer: AIOKafkaConsumer) -> PinnedTopics:
    """Have a consumer fetch by the ids of its topics.

    Args:
        consumer: not started.

    Returns:
        The ids.
    """
    return PinnedTopics(consumer._client)  # noqa: SLF001 - there is no public way
