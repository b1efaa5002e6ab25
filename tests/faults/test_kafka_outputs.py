"""Topics that cannot be written to: consumption holds, nothing is acknowledged, `/ready` says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.topic_names import ALERTS, DEAD_LETTERS
from tests.faults.conftest import MakeRun
from tests.faults.kafka_faults import PATIENT_POLICY
from tests.faults.kafka_outputs import dead_letters_deleted, refusing, wait_until_held, wait_until_ready
from tests.services.kafka import KafkaBroker, KafkaCluster

#: Slow enough that workers soon catch up with what has come while they held.
GENTLE = {"policy": PATIENT_POLICY, "pace": 1_200}

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    """Give a broker of which no other test needs the topics."""
    with KafkaBroker() as running:
        yield running


def test_while_the_dead_letter_topic_is_gone_nothing_is_acknowledged(fault_run: MakeRun, broker: KafkaBroker) -> None:
    with fault_run("dead-letter topic deleted", kafka=broker.bootstrap, **GENTLE) as run:
        for _ in run.faults(1):
            with dead_letters_deleted(run):
                wait_until_held(run, f"topic {DEAD_LETTERS} does not exist")
            wait_until_ready(run)


def test_a_dead_letter_larger_than_its_topic_takes_is_held_until_the_topic_takes_it(
    fault_run: MakeRun, broker: KafkaBroker
) -> None:
    title = "dead letters larger than their topic takes"
    with fault_run(title, kafka=broker.bootstrap, **GENTLE) as run:
        for _ in run.faults(1):
            with refusing(run, DEAD_LETTERS, max_message_bytes="5000"):
                wait_until_held(run, "is larger than the topic's max.message.bytes; raise that")
            wait_until_ready(run)


def test_alerts_larger_than_their_topic_takes_hold_consumption(fault_run: MakeRun, broker: KafkaBroker) -> None:
    with fault_run("alerts larger than their topic takes", kafka=broker.bootstrap, **GENTLE) as run:
        for _ in run.faults(1):
            with refusing(run, ALERTS, max_message_bytes="100"):
                wait_until_held(run, f"{ALERTS}: a message")
            wait_until_ready(run)


def test_alerts_that_too_few_replicas_would_hold_are_not_published_and_nothing_goes_on(fault_run: MakeRun) -> None:
    with (
        KafkaCluster() as cluster,
        fault_run("alert topic with too few replicas", kafka=cluster.bootstrap, **GENTLE) as run,
    ):
        for _ in run.faults(1, within=120):
            with refusing(run, ALERTS, min_insync_replicas="3"):
                lost = run.dice.choice(cluster.brokers)
                lost.kill()
                wait_until_held(run, f"topic {ALERTS}: Kafka has not accepted a message within 15 s")
                lost.start()
            wait_until_ready(run)
