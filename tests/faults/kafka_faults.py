"""Faults of the brokers; each is one injection, after which the system can go on."""

from __future__ import annotations

import asyncio
import time

from streams.topic_names import ALERTS, BAND_CHANGES, DEAD_LETTERS
from tests.faults.run import POLICY, FaultRun
from tests.services.kafka import KafkaBroker
from tests.services.kafka.leaders import move_leaders

#: While a broker is away some partitions may rest for longer than others; none is to be taken for idle.
PATIENT_POLICY = POLICY.read_text(encoding="utf-8").replace('idle_after = "10s"', 'idle_after = "10m"')


def crash_broker(run: FaultRun, broker: KafkaBroker) -> None:
    """Kill a broker with SIGKILL, and start it again on its data after up to three seconds."""
    broker.kill()
    time.sleep(run.dice.uniform(0, 3))
    broker.start()


def move_all_leaders(run: FaultRun) -> None:
    """Let another broker of a cluster lead every partition of the topics in use, that of the group's offsets too."""
    topics = [*run.system.topics, ALERTS, BAND_CHANGES, DEAD_LETTERS, "__consumer_offsets"]
    asyncio.run(move_leaders(run.system.kafka, topics))
