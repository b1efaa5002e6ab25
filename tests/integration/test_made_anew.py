"""Topics that are deleted and made anew: another log under the same name is a gap, whatever its length."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from streams.topic_names import ERASURES
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.integration.test_linking import LINKING, link
from tests.polling import poll_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import Record, admin, create_topic, make_anew, send_batches
from tests.services.log_reader import read_topic
from tests.services.system import System, event, event_record, metric
from tests.services.worker import WorkerProcess

AT = time.time() - 3600
ENDS_WITHIN = 90.0
DAY = 86_400.0
TWO_CHANNELS = f"""{COUNTING}
[channels.email]
topic = "NAMESPACE-email"
weights = {{ open = 1 }}
"""
_COMPACTED = {"cleanup.policy": "compact"}


def views(customer: str, count: int) -> list[Record]:
    """Write events without ids, so that each application shows."""
    return [event_record(event(customer, "page_view", AT)) for _ in range(count)]


async def reason(worker: WorkerProcess) -> str:
    """Wait until a worker ends by itself, and not well; return why, as its log says in the end."""
    assert await asyncio.to_thread(worker.process.wait, ENDS_WITHIN) != 0
    return worker.log.read_text().rpartition("the worker ends: ")[2]


async def run(system: System, *arguments: str) -> tuple[int, str]:
    """Run a command."""
    return await asyncio.to_thread(system.command, *arguments)


async def score_ten(system: System, customer: str) -> None:
    """Have ten views of a customer scored, by a worker that has stopped then."""
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 10))
        await system.wait_for_score(customer, "10")
        assert worker.stop() == 0


async def commit(system: System, topic: str, offset: int) -> None:
    """Commit an offset of partition 0 for the group, as soon as it has no member."""
    place = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka, group_id=system.namespace, enable_auto_commit=False)
    await consumer.start()
    consumer.assign([place])

    async def taken() -> bool:
        try:
            await consumer.commit({place: offset})
        except CommitFailedError:
            return False
        return True

    try:
        await poll_until(taken, 60)
    finally:
        await consumer.stop()


@pytest.mark.parametrize("records", [3, 10, 40])
async def test_another_log_is_a_gap_whatever_its_length_while_the_worker_is_down(
    make_system: MakeSystem, records: int
) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("anew")
    label = f"{topic}/0"
    await score_ten(system, customer)
    await make_anew(system.kafka, topic)
    await system.send_raw("clickstream", views(customer, records))
    second = system.worker()
    second.start()
    assert f"the topic was made anew. To go on with the new log: engagement gaps accept {label}" in (
        await reason(second)
    )
    assert system.score(customer) == "10"
    status, text = await run(system, "gaps", "show")
    assert (status, "the topic was made anew" in text) == (1, True), text

    status, text = await run(system, "gaps", "accept", label)
    assert status == 0, text
    assert system.command("gaps", "show")[0] == 0
    with system.worker() as third:
        await system.wait_for_score(customer, str(10 + records))
        await system.send_raw("clickstream", views(customer, 1))
        await system.wait_for_score(customer, str(11 + records))
        assert third.stop() == 0


@pytest.mark.parametrize("records", [0, 3, 10, 40])
async def test_another_log_is_a_gap_whatever_its_length_while_the_worker_runs(
    make_system: MakeSystem, records: int
) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("anew")
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 10))
        await system.wait_for_score(customer, "10")
        # The new log has its records before the worker looks again.
        worker.send(signal.SIGSTOP)
        await make_anew(system.kafka, topic)
        if records:
            await system.send_raw("clickstream", views(customer, records))
        worker.send(signal.SIGCONT)
        assert f"engagement gaps accept {topic}/0" in await reason(worker)
    assert system.score(customer) == "10"
    assert system.fences() == {(topic, 0): {10}}
    status, text = await run(system, "gaps", "accept", "--all")
    assert status == 0, text
    with system.worker() as third:
        await system.send_raw("clickstream", views(customer, 1))
        await system.wait_for_score(customer, str(11 + records))
        assert third.stop() == 0


@pytest.mark.beyond_embedded_kafka("takes no commit for a group from outside it")
@pytest.mark.parametrize("running", [False, True])
async def test_what_is_committed_of_the_old_log_skips_nothing_of_the_new_one(
    make_system: MakeSystem, *, running: bool
) -> None:
    system = make_system(COUNTING, session_timeout=6)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("anew")
    await score_ten(system, customer)
    await make_anew(system.kafka, topic)
    await system.send_raw("clickstream", views(customer, 30))
    assert (await run(system, "gaps", "accept", "--all"))[0] == 0
    if not running:
        await commit(system, topic, 20)
    with system.worker() as second:
        await system.wait_for_score(customer, "40")
        if running:
            # Until its session is over; then it joins the group anew.
            second.send(signal.SIGSTOP)
            await system.send_raw("clickstream", views(customer, 30))
            await commit(system, topic, 50)
            second.send(signal.SIGCONT)
        else:
            await system.send_raw("clickstream", views(customer, 30))
        await system.wait_for_score(customer, "70")
        assert second.stop() == 0
    assert system.fences() == {(topic, 0): {60}}


@pytest.mark.beyond_embedded_kafka("creates a topic that is asked about")
async def test_the_stream_clock_waits_for_a_topic_that_is_gone(make_system: MakeSystem) -> None:
    system = make_system(TWO_CHANNELS, clock="stream")
    await system.create_topics(1)
    topic, customer, then = system.topic("email"), system.customer("anew"), AT - 10 * DAY
    with system.worker() as worker:
        for channel, kind in (("clickstream", "page_view"), ("email", "open")):
            await system.send(channel, event(customer, kind, then))
        await system.wait_for_score(customer, "2")
        async with admin(system.kafka) as client:
            await client.delete_topics([topic])
        # The consumer has noticed, and reads on without it.
        await poll_until(lambda: f"'{topic}': 0" in worker.log.read_text(), 30)
        await poll_until(lambda: worker.log.read_text().count("Worker ready") == 2, 30)
        await system.send("clickstream", event(customer, "page_view", then + 2 * DAY))
        await poll_until(lambda: system.fences()[system.topic("clickstream"), 0] == {2}, 30)
        assert metric(worker, "engagement_evaluation_time_seconds") == pytest.approx(then)
        await poll_until(lambda: f"topic {topic} does not exist" in worker.get("/ready")[1], 30)
        # What the new log holds may be from before what has been read meanwhile.
        await create_topic(system.kafka, topic, 1)
        assert f"engagement gaps accept {topic}/0" in await reason(worker)


async def test_fences_without_the_id_of_their_log_are_taken_over(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("older")
    key = f"{system.namespace}:_fences:logs"
    await score_ten(system, customer)
    noted = system.redis.hgetall(key)
    assert noted[f"{topic}/0"]
    # As an earlier version has left it.
    system.redis.delete(key)
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 2))
        await system.wait_for_score(customer, "12")
        assert worker.stop() == 0
    assert system.redis.hgetall(key) == noted


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("records", [1, 2, 5])
async def test_links_made_anew_are_a_gap_whatever_their_number(
    make_system: MakeSystem, records: int, *, running: bool
) -> None:
    system = make_system(LINKING)
    await system.create_topics(1)
    topic = system.topic("identities")
    anna, cookie, tab = (system.customer(name) for name in ("anna", "cookie", "tab"))
    names = [system.customer(f"n{number}") for number in range(records)]
    worker = system.worker()
    with worker:
        await link(system, (cookie, anna), (tab, anna))
        await system.send_raw("clickstream", views(cookie, 3))
        await system.wait_for_score(anna, "3")
        if not running:
            assert worker.stop() == 0
        else:
            worker.send(signal.SIGSTOP)
        await make_anew(system.kafka, topic)
        await link(system, *[(name, anna) for name in names])
        if running:
            worker.send(signal.SIGCONT)
        else:
            worker = system.worker()
            worker.start()
        assert f"engagement gaps accept {topic}/0" in await reason(worker)
    assert (await run(system, "gaps", "accept", f"{topic}/0"))[0] == 0
    with system.worker() as again:
        # All links of the new topic hold, and those of the old one still do.
        for name in [*names, cookie]:
            await system.send_raw("clickstream", views(name, 1))
        await system.wait_for_score(anna, str(3 + records + 1))
        assert again.stop() == 0


@pytest.mark.parametrize(("records", "running"), [(1, False), (2, False), (5, False), (2, True), (5, True)])
async def test_erasures_made_anew_end_the_worker_whatever_their_number(
    make_system: MakeSystem, own_kafka: KafkaBroker, records: int, *, running: bool
) -> None:
    system = make_system(COUNTING, kafka=own_kafka.bootstrap)
    await system.create_topics(1)
    # Other tests erase on this broker, too.
    await make_anew(system.kafka, ERASURES, settings=_COMPACTED)
    erased = [system.customer(f"e{number}") for number in range(2)]
    kept = system.customer("kept")
    worker = system.worker()
    with worker:
        await system.send_raw("clickstream", [*views(erased[0], 3), *views(erased[1], 3), *views(kept, 3)])
        await system.wait_for_score(kept, "3")
        for customer in erased:
            assert (await run(system, "erase", customer, "--yes"))[0] == 0
        await system.send_raw("clickstream", views(kept, 1))
        await system.wait_for_score(kept, "4")
        tombstones = [(record.key, record.value) for record in await read_topic(system.kafka, ERASURES)]
        if not running:
            assert worker.stop() == 0
        else:
            worker.send(signal.SIGSTOP)
        await make_anew(system.kafka, ERASURES, settings=_COMPACTED)
        # The first tombstone again and again: the second one is lost.
        again = [Record(tombstones[0][1], tombstones[0][0])] * records
        await send_batches(system.kafka, ERASURES, [(0, again)])
        if running:
            worker.send(signal.SIGCONT)
        else:
            worker = system.worker()
            worker.start()
        assert f"engagement gaps accept {ERASURES}/0" in await reason(worker)
    status, text = await run(system, "gaps", "show")
    assert (status, f"{ERASURES}/0" in text) == (1, True), text
    # The way back: erase again, then go on with the new topic.
    assert (await run(system, "erase", erased[1], "--yes"))[0] == 0
    assert (await run(system, "gaps", "accept", f"{ERASURES}/0"))[0] == 0
    with system.worker() as third:
        # What happened before the erasure would have no effect.
        late = event_record(event(erased[1], "page_view", time.time()))
        await system.send_raw("clickstream", [late, *views(kept, 1)])
        await system.wait_for_score(kept, "5")
        await system.wait_for_score(erased[1], "1")
        assert third.stop() == 0


async def test_a_rebuild_of_scores_from_another_log_is_refused(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("anew")
    await score_ten(system, customer)
    await make_anew(system.kafka, topic)
    await system.send_raw("clickstream", [event_record(event(customer, "drop", AT))] * 12)
    status, text = await run(system, "rebuild")
    assert (status, f"engagement gaps accept {topic}/0" in text) == (1, True), text
    assert system.score(customer) == "10"
