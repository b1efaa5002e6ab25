"""Faults of the brokers; each is one injection, after which the system can go on."""

from __future__ import annotations

import asyncio
import time

from streams.topic_names import ALERTS, BAND_CHANGES, DEAD_LETTERS
from tests.faults.run import POLICY, FaultRun
from tests.polling import wait_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka.leaders import move_leaders
from tests.services.kafka_client import add_partitions
from tests.services.log_reader import read_report_times

#: While a broker is away some partitions may rest for longer than others; none is to be taken for idle.
PATIENT_POLICY = POLICY.read_text(encoding="utf-8").replace('idle_after = "10s"', 'idle_after = "10m"')

#: Microseconds after which a worker has asked for the partitions of its topics anew.
_METADATA_AGE = 6_000_000


def crash_broker(run: FaultRun, broker: KafkaBroker) -> None:
    """Kill a broker with SIGKILL, and start it again on its data after up to three seconds."""
    broker.kill()
    time.sleep(run.dice.uniform(0, 3))
    broker.start()


def move_all_leaders(run: FaultRun) -> None:
    """Let another broker of a cluster lead every partition of the topics in use, that of the group's offsets too."""
    topics = [*run.system.topics, ALERTS, BAND_CHANGES, DEAD_LETTERS, "__consumer_offsets"]
    asyncio.run(move_leaders(run.system.kafka, topics))


def widen_topic(run: FaultRun, channel: str, partitions: int) -> None:
    """Give a channel's topic more partitions, and use them as soon as every worker knows of them.

    As long as one does not, its stream clock would go on without them, and their first events would be late.
    """
    topic = run.system.topic(channel)
    asyncio.run(add_partitions(run.system.kafka, topic, partitions))

    def reports() -> dict[tuple[str, int], int]:
        return read_report_times(run.store_url, run.system.namespace)

    wait_until(lambda: {(topic, number) for number in range(partitions)} <= reports().keys(), 60)
    known = max(reports().values())
    wait_until(lambda: min(reports().values()) > known + _METADATA_AGE, 60)
    run.feeder.widen(channel, partitions)
