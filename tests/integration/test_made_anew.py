"""Topics that are deleted and made anew: another log under the same name is a gap, whatever its length."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from streams.topic_names import ERASURES
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.integration.test_linking import LINKING, link
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import Record, make_anew, send_batches
from tests.services.log_reader import read_topic
from tests.services.system import System, event, event_record
from tests.services.worker import WorkerProcess

AT = time.time() - 3600
ENDS_WITHIN = 90.0
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


@pytest.mark.parametrize("records", [3, 10, 40])
async def test_another_log_is_a_gap_whatever_its_length_while_the_worker_is_down(
    make_system: MakeSystem, records: int
) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("anew")
    label = f"{topic}/0"
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 10))
        await system.wait_for_score(customer, "10")
        assert worker.stop() == 0
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


async def test_fences_without_the_id_of_their_log_are_taken_over(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics(1)
    topic, customer = system.topic("clickstream"), system.customer("older")
    key = f"{system.namespace}:_fences:logs"
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 10))
        await system.wait_for_score(customer, "10")
        assert worker.stop() == 0
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
    with system.worker() as worker:
        await system.send_raw("clickstream", views(customer, 10))
        await system.wait_for_score(customer, "10")
        assert worker.stop() == 0
    await make_anew(system.kafka, topic)
    await system.send_raw("clickstream", [event_record(event(customer, "drop", AT))] * 12)
    status, text = await run(system, "rebuild")
    assert (status, f"engagement gaps accept {topic}/0" in text) == (1, True), text
    assert system.score(customer) == "10"
