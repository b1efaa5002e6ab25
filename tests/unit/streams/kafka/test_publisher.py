"""The publisher: a message counts as published when the brokers have it, and every error is a passing fault."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from aiokafka import errors
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from streams.errors import BrokerUnavailable
from streams.kafka.producers import _as_written
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.records import DeadLetter, Message, Partition
from streams.settings.settings import Settings, read_settings
from streams.topic_names import WRITTEN_TOPICS
from tests.unit.streams.bench import Record

KAFKA_ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, KafkaError) and error.__module__ == errors.__name__
]
ALERT = Message("churn-risk-alerts", {"alert_id": "5a0b1c2d-1111", "kind": "churn_risk", "customer_id": "Zoë"})


class Producer:
    """A producer that keeps what it is given, and delivers when it is told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        """Start with nothing; each send fails with the fault, if there is one."""
        self.fault = fault
        self.sent: list[tuple[str, bytes | None, bytes | None, object]] = []
        self.deliveries: list[asyncio.Future[None]] = []
        self.stopped = 0

    async def send(self, topic: str, value: bytes | None, *, key: bytes | None, headers: object) -> Any:
        """Take a message; the result is awaited for its delivery."""
        if self.fault is not None:
            raise self.fault
        assert (key, value) != (None, None), "as aiokafka's"
        self.sent.append((topic, key, value, headers))
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]

    async def stop(self) -> None:
        """Disconnect."""
        self.stopped += 1


def publisher_with(producer: Producer) -> tuple[Publisher, Metrics]:
    """Make a publisher that is connected already."""
    metrics = Metrics()
    publisher = Publisher(read_settings({}), metrics)
    publisher._producer = producer
    return publisher, metrics


async def settled() -> None:
    """Let everything go on that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_publishing_ends_when_every_message_is_delivered() -> None:
    producer = Producer()
    publisher, _ = publisher_with(producer)
    publishing = asyncio.create_task(publisher.publish([("Zoë", ALERT), ("ben", ALERT)]))
    await settled()
    producer.deliveries[1].set_result(None)
    await settled()
    assert not publishing.done()

    producer.deliveries[0].set_result(None)
    await publishing
    assert [(topic, key) for topic, key, _, _ in producer.sent] == [
        ("churn-risk-alerts", "Zoë".encode()),
        ("churn-risk-alerts", b"ben"),
    ]
    assert orjson.loads(producer.sent[0][2] or b"") == ALERT.body


async def test_a_message_that_is_not_delivered_is_a_passing_fault_and_the_producer_is_given_up() -> None:
    producer = Producer()
    publisher, _ = publisher_with(producer)
    publishing = asyncio.create_task(publisher.publish([("anna", ALERT)]))
    await settled()
    producer.deliveries[0].set_exception(KafkaConnectionError("gone"))

    with pytest.raises(BrokerUnavailable, match="not accepted"):
        await publishing
    assert (producer.stopped, publisher._producer) == (1, None)


@pytest.mark.parametrize("kind", KAFKA_ERRORS, ids=lambda error: error.__name__)
async def test_every_error_of_the_client_is_a_passing_fault(kind: type[KafkaError]) -> None:
    publisher, _ = publisher_with(Producer(kind()))

    with pytest.raises(BrokerUnavailable):
        await publisher.publish([("anna", ALERT)])


async def test_a_dead_letter_that_is_too_large_is_told_with_its_topic() -> None:
    producer = Producer(MessageSizeTooLargeError())
    publisher, _ = publisher_with(producer)
    letter = DeadLetter(Record(0, 0, None, b"no json"), "not_json", "", Partition("email", 0))

    told = r"engagement-dead-letters: the dead letter of email\[0\] at offset 0, 7\d bytes, .*max\.message\.bytes"
    with pytest.raises(BrokerUnavailable, match=told):
        await publisher.publish_dead_letters([letter])
    assert producer.stopped == 1


async def test_a_dead_letter_without_key_and_value_is_published() -> None:
    producer = Producer()
    publisher, _ = publisher_with(producer)
    letter = DeadLetter(Record(0, 0, None, None), "empty_value", "", Partition("email", 0))
    publishing = asyncio.create_task(publisher.publish_dead_letters([letter]))
    await settled()
    producer.deliveries[0].set_result(None)
    await publishing

    [(_, key, value, _)] = producer.sent
    assert (key, _as_written(value)) == (None, None)


async def test_an_alert_that_is_too_large_is_told_with_its_topic() -> None:
    publisher, _ = publisher_with(Producer(MessageSizeTooLargeError()))

    with pytest.raises(BrokerUnavailable, match=r"^churn-risk-alerts: a message, \d+ bytes, .*max\.message\.bytes"):
        await publisher.publish([("anna", ALERT)])


async def test_the_fault_names_the_topic_of_the_message_that_failed() -> None:
    producer = Producer()
    publisher, _ = publisher_with(producer)
    change = Message("engagement-band-changes", {"change_id": "1"})
    publishing = asyncio.create_task(publisher.publish([("anna", ALERT), ("anna", change), ("ben", ALERT)]))
    await settled()
    producer.deliveries[1].set_exception(KafkaTimeoutError())

    with pytest.raises(BrokerUnavailable, match=r"topic engagement-band-changes: .*min\.insync\.replicas"):
        await publishing
    producer.deliveries[2].set_exception(KafkaTimeoutError())


async def test_a_client_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Producer):
        client = property(lambda self: self)

        async def stop(self) -> None:
            await asyncio.Event().wait()

        async def close(self) -> None:
            self.stopped += 1

    monkeypatch.setattr("streams.kafka.publisher._PATIENCE", 0.01)
    producer = Hanging()
    publisher, _ = publisher_with(producer)

    change = Message("engagement-band-changes", {"change_id": "1"})
    publishing = asyncio.create_task(publisher.publish([("anna", ALERT), ("anna", change)]))
    await settled()
    producer.deliveries[0].set_result(None)

    with pytest.raises(BrokerUnavailable, match=r"topic engagement-band-changes: .*min\.insync\.replicas"):
        await publishing
    assert (producer.stopped, publisher._producer) == (1, None)


async def test_a_topic_that_has_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cluster:
        async def fetch_all_metadata(self) -> Cluster:
            return self

        def topics(self) -> set[str]:
            return {"clickstream", "social", *WRITTEN_TOPICS}

    producer = Producer()
    producer.client = Cluster()  # type: ignore[attr-defined]
    publisher, _ = publisher_with(producer)

    async def may_see(_settings: Settings, rights: Mapping[str, Sequence[str]]) -> None:
        assert rights == {"Describe": ["email"]}

    monkeypatch.setattr("streams.kafka.publisher.check_rights", may_see)
    with pytest.raises(BrokerUnavailable, match="topic email does not exist"):
        await publisher.check(1)


async def test_dead_letters_are_counted_by_their_reason_once_they_are_out() -> None:
    producer = Producer()
    publisher, metrics = publisher_with(producer)
    record = Record(0, 0, None, b"no json")
    letters = [DeadLetter(record, reason, "", Partition("email", 0)) for reason in ("not_json", "not_json", "other")]
    publishing = asyncio.create_task(publisher.publish_dead_letters(letters))
    await settled()
    count = metrics.registry.get_sample_value
    assert count("engagement_dead_letters_total", {"reason": "not_json"}) is None

    for delivery in producer.deliveries:
        delivery.set_result(None)
    await publishing
    assert count("engagement_dead_letters_total", {"reason": "not_json"}) == 2
    assert count("engagement_dead_letters_total", {"reason": "other"}) == 1


async def test_with_nothing_to_publish_nobody_is_asked() -> None:
    publisher, _ = publisher_with(Producer(KafkaConnectionError("gone")))
    await publisher.publish([])
    await publisher.publish_dead_letters([])

    assert publisher._producer is not None


async def test_a_publisher_that_is_closed_lets_the_producer_finish_once() -> None:
    producer = Producer()
    publisher, _ = publisher_with(producer)
    await publisher.close()
    await publisher.close()

    assert producer.stopped == 1
