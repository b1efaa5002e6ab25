"""Publishes alerts, band changes and dead letters; a message counts as published when the brokers have it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.errors import BrokerUnavailable
from streams.metrics import Metrics
from streams.producers import start_producer
from streams.records import DeadLetter, Message
from streams.settings import Settings
from streams.topic_names import DEAD_LETTERS
from streams.topics import MOST_DEAD_LETTER_BYTES

_REQUEST_MS = 15_000
_LINGER_MS = 2
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
        self._metrics = metrics
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def open(self) -> None:
        """Connect; raises `BrokerUnavailable` where Kafka does not answer."""
        await self._connected()

    async def close(self) -> None:
        """Send what is under way and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def check(self, seconds: float) -> None:
        """Ask Kafka for a sign of life.

        Args:
            seconds: to wait for it.

        Raises:
            BrokerUnavailable: if there is none.
        """
        producer = await self._connected()
        try:
            async with asyncio.timeout(seconds):
                await producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailable(f"Kafka at {self._settings.kafka_brokers} does not answer: {error!r}") from error

    async def publish(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Publish messages and wait until the brokers have them.

        Args:
            messages: each with the customer's id, which is the key.

        Raises:
            BrokerUnavailable: if one was not accepted; all may then be published again.
        """
        await self._send(
            [(message.topic, customer.encode(), orjson.dumps(message.body), []) for customer, message in messages]
        )

    async def publish_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Publish records that cannot be scored, key, value and headers untouched.

        Args:
            letters: with the reasons.

        Raises:
            BrokerUnavailable: if one was not accepted; all may then be published again.
        """
        await self._send([_dead_letter(letter) for letter in letters])
        for letter in letters:
            self._metrics.dead_letters.labels(letter.reason).inc()

    async def _send(self, messages: Sequence[_Sent]) -> None:
        if not messages:
            return
        producer = await self._connected()
        try:
            sent = [
                await producer.send(topic, value, key=key, headers=headers) for topic, key, value, headers in messages
            ]
            await asyncio.gather(*sent)
        except MessageSizeTooLargeError as error:
            topic = DEAD_LETTERS
            raise BrokerUnavailable(f"{topic}: a dead letter is larger than the topic's max.message.bytes") from error
        except KafkaError as error:
            await self._give_up()
            raise BrokerUnavailable(f"Kafka has not accepted a message: {error!r}") from error

    async def _connected(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is not None:
                return self._producer
            producer = await start_producer(
                self._settings,
                linger_ms=_LINGER_MS,
                request_timeout_ms=_REQUEST_MS,
                max_request_size=2 * MOST_DEAD_LETTER_BYTES,
            )
            self._producer = producer
            return producer

    async def _give_up(self) -> None:
        # A producer that has failed once may refuse everything from then on, so the next attempt makes a new one.
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


def _dead_letter(letter: DeadLetter) -> _Sent:
    record = letter.record
    headers = [
        *record.headers,
        ("dlq.reason", letter.reason.encode()),
        ("dlq.detail", letter.detail[:_DETAIL].encode("utf-8", "replace")),
        ("dlq.topic", record.topic.encode()),
        ("dlq.partition", str(record.partition).encode()),
        ("dlq.offset", str(record.offset).encode()),
    ]
    return DEAD_LETTERS, record.key, record.value, headers
