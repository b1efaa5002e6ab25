"""What the log says where a producer is started."""

from __future__ import annotations

import logging

import pytest

from streams.embedded.ports import LOOPBACK, free_ports
from streams.errors import BrokerUnavailable
from streams.kafka.producers import start_producer
from streams.settings.settings import read_settings


async def test_a_broker_without_producer_ids_is_no_error_of_the_log(
    embedded_kafka_bootstrap: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        producer = await start_producer(read_settings({"ENGAGEMENT_KAFKA_BROKERS": embedded_kafka_bootstrap}))
        await producer.stop()

    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "the broker gives no producer ids" in caplog.text


async def test_a_broker_that_is_not_there_is_one(caplog: pytest.LogCaptureFixture) -> None:
    brokers = f"{LOOPBACK}:{free_ports(1)[0]}"
    # Commands that other tests have run here may have made the client quiet.
    with caplog.at_level(logging.ERROR, logger="aiokafka"), pytest.raises(BrokerUnavailable):
        await start_producer(read_settings({"ENGAGEMENT_KAFKA_BROKERS": brokers}))

    assert any(record.levelno == logging.ERROR for record in caplog.records)
