"""Two namespaces with output topics of their own, on one Kafka and one Redis: nothing of one is seen in the other."""

from __future__ import annotations

import time

from streams.topic_names import ALERTS, BAND_CHANGES, DEAD_LETTERS, ERASURES, FEED_ALERTS, SIGNALS
from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH
from tests.polling import poll_until
from tests.services.log_reader import read_messages, read_topic
from tests.services.system import NAMESPACE, System, event

POLICY = f"""{MONTH}
[signals.left]
on = "email.unsubscribe"
"""


async def _wait_for_alert_and_letter(system: System, customer: str, score: int) -> None:
    await system.wait_for_score(customer, str(score))
    [drop] = await system.wait_for_alerts(customer, 1)
    assert (drop["namespace"], drop["score"]) == (system.namespace, score)
    [signal] = await system.signals(customer)
    assert signal["namespace"] == system.namespace

    async def letters() -> bool:
        return len(await read_topic(system.kafka, system.settings.written(DEAD_LETTERS))) == 1

    await poll_until(letters)


async def _assert_nobody_else_is_told_of(system: System, others: System) -> None:
    for topic in (ALERTS, BAND_CHANGES, SIGNALS, FEED_ALERTS):
        own = await read_messages(system.kafka, system.settings.written(topic))
        assert bool(own) == (topic != FEED_ALERTS), topic
        assert {message["namespace"] for message in own} <= {system.namespace}, topic
        common = await read_messages(system.kafka, topic)
        assert not {system.namespace, others.namespace} & {message["namespace"] for message in common}, topic


def _printed(system: System, *arguments: str) -> str:
    status, output = system.command(*arguments)
    assert status == 0, output
    return output


async def test_two_whole_namespaces_on_one_kafka_and_one_redis_mix_nothing(make_system: MakeSystem) -> None:
    first = make_system(POLICY, output_topics="namespace")
    # Of the same events, as two brands may read one stream.
    policy = POLICY.replace(NAMESPACE, first.namespace).replace("month-1", "gentle-1")
    second = make_system(policy.replace("unsubscribe = -40", "unsubscribe = -30"), output_topics="namespace")
    customer, at = first.customer("shared"), int(time.time()) - 60
    await make_system(POLICY).create_topics()
    await first.create_topics()
    await second.create_topics()
    with first.worker(), second.worker():
        await first.send("clickstream", *[event(customer, "purchase", at + n) for n in range(3)])
        await first.wait_for_score(customer, "60")
        await second.wait_for_score(customer, "60")
        await first.send("email", event(customer, "unsubscribe", at + 10), {"customer_id": customer, "type": "open"})
        await _wait_for_alert_and_letter(first, customer, 20)
        await _wait_for_alert_and_letter(second, customer, 30)

        # Who is erased in the one stays in the other.
        assert f"{customer}: erased" in _printed(second, "erase", customer, "--yes")
        assert second.fields(customer) == {}
        await first.send("clickstream", event(customer, "page_view"))
        await first.wait_for_score(customer, "21")
        await second.wait_for_score(customer, "1")
        assert await read_topic(first.kafka, first.settings.written(ERASURES)) == []
        assert len(await read_topic(second.kafka, second.settings.written(ERASURES))) == 1

    await _assert_nobody_else_is_told_of(first, second)
    await _assert_nobody_else_is_told_of(second, first)


async def test_the_commands_look_at_the_topics_of_their_namespace(make_system: MakeSystem) -> None:
    system = make_system(POLICY, output_topics="namespace")
    await system.create_topics()
    customer = system.customer("maria")
    with system.worker():
        await system.send("email", event(customer, "unsubscribe"), {"customer_id": customer, "type": "open"})
        await _wait_for_alert_and_letter(system, customer, -40)

        assert customer in _printed(system, "alerts", "--from-beginning", "--limit", "1")
        assert "left" in _printed(system, "alerts", "--signals", "--from-beginning", "--limit", "1")
        assert "timestamp_missing" in _printed(system, "dead-letters", "list")
        assert "1 dead letter replayed" in _printed(system, "dead-letters", "replay")
        assert "No gaps" in _printed(system, "gaps", "show")
        assert "0 differ" in _printed(system, "rebuild", "--dry-run")
        assert "every partition has a leader" in system.command("doctor")[1]
    # The record that was sent again has come back.
    assert len(await read_topic(system.kafka, system.settings.written(DEAD_LETTERS))) == 2


async def test_a_namespace_that_changes_to_topics_of_its_own_does_not_bring_back_who_was_erased(
    make_system: MakeSystem,
) -> None:
    system = make_system(MONTH)
    await system.create_topics()
    customer, at = system.customer("gone"), int(time.time()) - 60
    with system.worker():
        await system.send("clickstream", event(customer, "purchase", at))
        await system.wait_for_score(customer, "20")
        assert "erased" in _printed(system, "erase", customer, "--yes")

    system.environment["ENGAGEMENT_OUTPUT_TOPICS"] = "namespace"
    stopped = system.worker()
    stopped.start()
    await poll_until(lambda: not stopped.running, 90)
    assert "engagement gaps accept engagement-erasures/0" in stopped.log_tail(5)
    assert "erased" in _printed(system, "erase", customer, "--yes")
    assert "engagement-erasures/0" in _printed(system, "gaps", "accept", "engagement-erasures/0")
    with system.worker():
        await system.send("clickstream", event(customer, "purchase", at + 1), event(customer, "page_view"))
        await system.wait_for_score(customer, "1")
