"""Publishes alerts, band changes and dead letters; a message counts as published when the brokers have it.

Rests on decisions 33 and 37.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.errors import BrokerUnavailable
from streams.kafka.access import check_rights, unavailable
from streams.kafka.producers import NULL, start_producer, stop_producer
from streams.kafka.topics import absent_message, topic_settings
from streams.metrics import Metrics
from streams.records import PARTS, DeadLetter, Message
from streams.settings.settings import Settings
from streams.topic_names import DEAD_LETTERS

_REQUEST_MS = 15_000
_LINGER_MS = 2
#: Seconds to wait for deliveries, and for what is under way when a producer is closed; longer than the client's own.
_PATIENCE = 30.0
#: More than a broker takes, so that it is the topic's own limit that decides.
_MOST_REQUEST_BYTES = 256 * 1024 * 1024
_DETAIL = 500

_Sent = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]


class Publisher:
    """One Kafka producer, idempotent where the broker can, made again after a failure."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the brokers.
            metrics: where dead letters are counted.
        """
        self._settings = settings
        self._topics = set(topic_settings(settings.policy, settings.topic_prefix))
        self._metrics = metrics
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def open(self) -> None:
        """Connect; raises `BrokerUnavailable` where Kafka does not answer."""
        await self._connected()

    async def close(self) -> None:
        """Send what is under way and disconnect."""
        await self._give_up()

    async def check(self, seconds: float) -> None:
        """Ask Kafka for a sign of life, and whether all topics are there.

        Args:
            seconds: to wait for it.

        Raises:
            AccessDenied: if Kafka lets the worker in no more, or hides a topic from it.
            BrokerUnavailable: if there is no sign, or a topic has gone.
        """
        producer = await self._connected()
        try:
            async with asyncio.timeout(seconds):
                cluster = await producer.client.fetch_all_metadata()
        except KafkaError as error:
            raise await unavailable(self._settings, error) from error
        except TimeoutError as error:
            raise BrokerUnavailable(f"Kafka at {self._settings.kafka_brokers} does not answer: {error!r}") from error
        if gone := sorted(self._topics - cluster.topics()):
            # One that is hidden looks like one that does not exist.
            await check_rights(self._settings, {"Describe": gone})
            raise BrokerUnavailable(absent_message(gone[0]))

    async def publish(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Publish messages and wait until the brokers have them.

        Args:
            messages: each with the customer's id, which is the key.

        Raises:
            BrokerUnavailable: if one was not accepted; all may then be published again.
        """
        await self._send(
            [
                (self._settings.written(message.topic), customer.encode(), orjson.dumps(message.body), [])
                for customer, message in messages
            ]
        )

    async def publish_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Publish records that cannot be scored, key, value and headers untouched.

        Args:
            letters: with the reasons.

        Raises:
            BrokerUnavailable: if one was not accepted; all may then be published again.
        """
        topic = self._settings.written(DEAD_LETTERS)
        await self._send([_dead_letter(letter, topic) for letter in letters])
        for letter in letters:
            self._metrics.dead_letters.labels(letter.reason).inc()

    async def _send(self, messages: Sequence[_Sent]) -> None:
        if not messages:
            return
        producer = await self._connected()
        deliveries: list[asyncio.Future[Any]] = []
        try:
            for topic, key, value, headers in messages:
                deliveries.append(
                    await producer.send(topic, NULL if value is None else value, key=key, headers=headers)
                )
            # The client has its own deadline for each message, but a sender of it that has died keeps none.
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*deliveries)
        except (KafkaError, TimeoutError) as error:
            await self._give_up()
            failed = len(deliveries)
            for at, delivery in enumerate(deliveries):
                # One that nothing was heard of has been cancelled with the wait for it.
                if delivery.cancelled() or (delivery.done() and delivery.exception() is error):
                    failed = min(failed, at)
                # What failed besides is the same fault; it must not pass for one that nobody has looked at.
                delivery.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise BrokerUnavailable(_why(messages[failed % len(messages)], error)) from error

    async def _connected(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is not None:
                return self._producer
            producer = await start_producer(
                self._settings,
                linger_ms=_LINGER_MS,
                request_timeout_ms=_REQUEST_MS,
                max_request_size=_MOST_REQUEST_BYTES,
            )
            self._producer = producer
            return producer

    async def _give_up(self) -> None:
        # A producer that has failed once may refuse everything from then on, so the next attempt makes a new one.
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_producer(producer, _PATIENCE)


def _dead_letter(letter: DeadLetter, topic: str = DEAD_LETTERS) -> _Sent:
    record = letter.record
    headers = [
        *record.headers,
        ("dlq.reason", letter.reason.encode()),
        ("dlq.detail", letter.detail[:_DETAIL].encode("utf-8", "replace")),
        ("dlq.topic", letter.partition.topic.encode()),
        ("dlq.partition", str(letter.partition.number).encode()),
        ("dlq.offset", str(record.offset).encode()),
        *([(PARTS, letter.parts.encode())] if letter.parts else []),
    ]
    return topic, record.key, record.value, headers


def _why(message: _Sent, error: KafkaError | TimeoutError) -> str:
    """Say what stands in the way of a message, and what to do about it."""
    topic, key, value, headers = message
    if isinstance(error, MessageSizeTooLargeError):
        size = len(key or b"") + len(value or b"") + sum(len(name) + len(content or b"") for name, content in headers)
        what = "a message"
        if topic.endswith(DEAD_LETTERS):
            # The record's own headers stand first, and may bear the same names.
            place = [dict(headers)[f"dlq.{name}"].decode() for name in ("topic", "partition", "offset")]
            what = "the dead letter of {}[{}] at offset {}".format(*place)
        return f"{topic}: {what}, {size:,} bytes, is larger than the topic's max.message.bytes; raise that"
    if isinstance(error, UnknownTopicOrPartitionError):
        return absent_message(topic)
    if isinstance(error, TopicAuthorizationFailedError):
        return f"topic {topic}: this worker may not write to it"
    if isinstance(error, KafkaTimeoutError | TimeoutError):
        return (
            f"topic {topic}: Kafka has not accepted a message in time; are its leader and "
            "enough of its replicas (min.insync.replicas) there?"
        )
    return f"topic {topic}: Kafka has not accepted a message: {error!r}"
