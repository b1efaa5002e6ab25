"""A broker that dies under a reader: the client tries for ever and says nothing, the reader does not."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Iterator

import pytest

from streams.embedded import EmbeddedKafka
from streams.embedded.kafka_metadata import fetch_metadata
from streams.embedded.ports import LOOPBACK, free_ports
from streams.errors import BrokerUnavailable
from streams.kafka import patience, topic_follower
from streams.kafka.topic_follower import tail_topics
from streams.kafka.topic_range import open_range
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until, wait_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import Record
from tests.services.system import System


@pytest.fixture
def mortal() -> Iterator[EmbeddedKafka]:
    """Give a broker that may be killed."""
    with EmbeddedKafka() as broker:
        yield broker


@pytest.fixture
async def system(mortal: EmbeddedKafka, make_system: MakeSystem) -> System:
    """Give a system with some records."""
    system = make_system(COUNTING, kafka=mortal.bootstrap)
    await system.create_topics(1)
    await system.send_raw("clickstream", [Record(b"%d" % number) for number in range(5)])
    return system


async def test_who_reads_to_the_end_of_a_log_gives_up_where_nothing_more_comes(
    system: System, mortal: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SILENT_AFTER", 1.0)
    async with open_range(system.settings, system.topic("clickstream")) as opened:
        mortal.kill()
        async with asyncio.timeout(60):
            with pytest.raises(BrokerUnavailable, match="no more records for 1 s"):
                assert [_ async for _ in opened.batches()] == []


async def test_who_follows_a_topic_says_once_that_kafka_is_away(
    system: System, mortal: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(topic_follower, "_ASKED_EVERY", 0.5)
    caplog.set_level(logging.INFO, topic_follower.__name__)

    def said() -> list[str]:
        return [line.message for line in caplog.records if line.name == topic_follower.__name__]

    async with tail_topics(system.settings, [system.topic("clickstream")], from_beginning=True) as records:
        assert [(await anext(records)).value for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
        following = asyncio.ensure_future(anext(records))
        await asyncio.sleep(1.5)
        assert said() == []
        mortal.kill()
        await poll_until(said)
        await asyncio.sleep(2)
        assert not following.done()
        following.cancel()
    assert len(set(said())) == len(said()) <= 2
    assert all("does not answer" in line and line.endswith("; waiting for it") for line in said())


async def test_who_follows_a_topic_that_is_not_there_yet_says_so(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, topic_follower.__name__)
    name = f"{system.namespace}-later"

    async def first() -> bytes | None:
        async with tail_topics(system.settings, [name], from_beginning=False) as records:
            value: bytes | None = (await anext(records)).value
            return value

    following = asyncio.ensure_future(first())
    await poll_until(lambda: f"there is no topic {name}; waiting for it" in caplog.messages)
    following.cancel()


class MisleadingBroker(KafkaBroker):
    """A broker that sends its clients on to where nobody listens."""

    def answers(self) -> bool:
        """Return whether it is up."""
        try:
            return fetch_metadata(LOOPBACK, self.port).cluster_id == self.cluster_id
        except (OSError, ValueError, struct.error):
            return False


@pytest.mark.usefixtures("kafka_here")
def test_addresses_that_a_broker_gives_and_that_do_not_answer_are_named(make_system: MakeSystem) -> None:
    away = f"{LOOPBACK}:{free_ports(1)[0]}"
    with MisleadingBroker({"advertised.listeners": f"PLAINTEXT://{away}"}) as kafka:
        system = make_system(COUNTING, kafka=kafka.bootstrap)
        worker = system.worker()
        worker.start()
        wait_until(lambda: f"sends clients on to {away}" in worker.get("/ready")[1], 30)
        status, said = system.command("doctor", "--within", "5s")
        assert status == 1
        assert f"broker {away}: Kafka at {away} does not answer" in said
