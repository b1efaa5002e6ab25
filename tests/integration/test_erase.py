"""A customer who has been erased does not come back: under load, from caches, after restarts, or by a rebuild."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from streams.erasures.log import ErasureLog, read_erasures
from streams.erasures.tombstone import Tombstone
from streams.store.redis.store import RedisStore
from streams.topic_names import ALERTS, DEAD_LETTERS
from tests.integration.conftest import MakeSystem
from tests.integration.flow import Flow
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka_client import Record, send_batches, set_topic
from tests.services.log_reader import read_customers, read_topic
from tests.services.redis_scan import places_of
from tests.services.system import System, event, event_record, metric
from tests.services.worker import WorkerProcess

LONG_AGO = ("--events-before", "2000-01-01T00:00:00Z")


async def erase(system: System, *customers: str, options: tuple[str, ...] = ()) -> str:
    """Run the command, while events flow."""
    done = await asyncio.to_thread(run_command, system.environment, "erase", "--yes", *customers, *options)
    return done.stdout


async def tombstone_of(system: System, customer: str) -> Tombstone:
    """Read the tombstone of a customer as it stands in the topic."""
    log = await read_erasures(system.settings)
    return log.tombstones[log.digests.of(customer)]


async def expected(system: System, erased: list[str]) -> dict[str, str]:
    """Count the points of every customer over the raw log, less what stands before a tombstone."""
    tombstones = {customer: await tombstone_of(system, customer) for customer in erased}
    counts: Counter[str] = Counter()
    for record in await read_topic(system.kafka, system.topic("clickstream")):
        body = json.loads(record.value)
        customer = body["customer_id"]
        if customer in tombstones:
            label = f"{record.topic}/{record.partition}"
            until = tombstones[customer].events_before
            if record.offset < tombstones[customer].offsets[label] or body["timestamp"] * 1e6 < until:
                continue
        counts[customer] += 1
    return {customer: str(count) for customer, count in counts.items()}


async def wait_for_scores(system: System, wanted: dict[str, str], within: float = 40.0) -> None:
    """Wait until exactly these customers have exactly these scores."""
    found: dict[str, str] = {}

    def right() -> bool:
        found.clear()
        customers = read_customers(system.redis_url, system.namespace)
        found.update({customer: fields["score"] for customer, fields in customers.items()})
        return found == wanted

    try:
        await poll_until(right, within)
    except AssertionError:
        wrong = {c: (found.get(c), wanted.get(c)) for c in found.keys() | wanted if found.get(c) != wanted.get(c)}
        raise AssertionError(f"found and expected differ: {wrong}") from None


async def started(stack: AsyncExitStack, system: System, count: int = 2) -> list[WorkerProcess]:
    """Start workers, to be stopped at the end."""
    workers = [system.worker() for _ in range(count)]
    for worker in workers:
        worker.start()
        stack.callback(worker.kill)
    for worker in workers:
        await asyncio.to_thread(worker.wait_ready)
    return workers


@pytest.mark.slow
async def test_nothing_comes_back_under_load_by_a_restart_or_by_a_rebuild(make_system: MakeSystem) -> None:
    system = make_system(COUNTING, session_timeout=6)
    await system.create_topics()
    flow = Flow(system, pause=0.005)
    # Those of the first group may come back as new customers with what is appended later, as its time does not count.
    back = [system.customer(f"c{n}") for n in range(4)]
    gone = [system.customer(f"c{n}") for n in range(4, 8)]
    async with AsyncExitStack() as stack:
        workers = await started(stack, system)
        running = asyncio.create_task(flow.run())
        await flow.go_on(2_000)
        for _ in range(2):
            for customer in back:
                await erase(system, customer, options=LONG_AGO)
        assert "erased" in await erase(system, *gone)
        assert [place for customer in gone for place in places_of(system.redis_url, customer)] == []
        await flow.go_on(2_000)
        flow.stop()
        await running

        wanted = await expected(system, [*back, *gone])
        assert not wanted.keys() & set(gone)
        assert wanted.keys() >= set(back)
        await wait_for_scores(system, wanted)
        assert sum(metric(worker, "engagement_scored_events_total", outcome="erased") for worker in workers) > 0
        for worker in workers:
            assert await asyncio.to_thread(worker.stop) == 0

        workers = await started(stack, system)
        await wait_for_scores(system, wanted)
        keys = list(system.redis.scan_iter(match=f"{system.namespace}:*", count=1000))
        system.redis.delete(*keys)
        await wait_for_scores(system, wanted)
        # What was forgotten with the rest is noted anew.
        await poll_until(lambda: system.redis.hlen(f"{system.namespace}:_erased") > len(back) + len(gone), 30)
        await wait_for_scores(system, wanted)
        assert [place for customer in gone for place in places_of(system.redis_url, customer)] == []

        await system.send("clickstream", *[event(customer, "page_view") for customer in gone])
        await wait_for_scores(system, {**wanted, **dict.fromkeys(gone, "1")})


async def test_no_byte_of_the_id_is_left_in_redis_and_an_alert_that_waits_goes_with_it(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("to be erased")
    other = system.customer("to be kept")
    bought = [event(who, "page_view", time.time() - 60) for who in (customer, other) for _ in range(45)]
    with system.worker():
        await system.send("clickstream", *bought)
        await system.wait_for_score(customer, "45")
        await system.wait_for_score(other, "45")
    for who in (customer, other):
        group = RedisStore(system.settings).group_of(who)
        entry = f"12345678-1234 {who}"
        system.redis.hset(f"{system.namespace}:_messages:{group}", entry, f'["alerts",{{"customer_id":"{who}"}}]')
        # Far ahead, so that no worker publishes it.
        system.redis.zadd(f"{system.namespace}:_outbox:{group}", {entry: 1e15})
    assert len(places_of(system.redis_url, customer)) >= 3  # hash, band, schedule; and what waits to be published
    said = await erase(system, customer)

    assert said.splitlines()[0] == f"{customer}: erased"
    assert places_of(system.redis_url, customer) == []
    assert len(places_of(system.redis_url, other)) >= 4
    assert "had no score" in await erase(system, customer)
    refused = run_command(system.environment, "show", customer, status=1)
    assert "has no score" in refused.stderr


async def test_events_that_are_sent_again_later_do_not_bring_the_customer_back(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer, witness = system.customer("gone"), system.customer("witness")
    past = [event(customer, "page_view", time.time() - 60) for _ in range(3)]
    path = system.folder / "again.jsonl"
    path.write_text("\n".join(json.dumps({**each, "channel": "clickstream"}) for each in past), encoding="utf-8")
    with system.worker() as worker:
        await system.send("clickstream", *past)
        await system.wait_for_score(customer, "3")
        await erase(system, customer)
        run_command(system.environment, "replay", str(path))
        await system.send("clickstream", event(witness, "page_view"))
        await system.wait_for_score(witness, "1")
        await poll_until(lambda: metric(worker, "engagement_scored_events_total", outcome="erased") == 3, 30)
        assert places_of(system.redis_url, customer) == []
        await system.send("clickstream", event(customer, "page_view"))
        await system.wait_for_score(customer, "1")


async def test_a_worker_completes_an_erasure_whose_command_died_and_those_of_other_namespaces(
    make_system: MakeSystem,
) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer, other = system.customer("half"), system.customer("other")
    with system.worker() as worker:
        await system.send("clickstream", *[event(who, "page_view", time.time() - 60) for who in (customer, other)])
        await system.wait_for_score(customer, "1")
        await system.wait_for_score(other, "1")
        log = ErasureLog(system.settings)
        ends = {f"{topic}/{number}": end for (topic, number), end in (await system.log_ends()).items()}
        now = time.time_ns() // 1000
        await log.append(Tombstone(log.digests.of(customer), now, now, ends))
        await poll_until(lambda: places_of(system.redis_url, customer) == [], 30)
        await system.send("clickstream", event(other, "page_view"), event(customer, "page_view", time.time() - 30))
        await system.wait_for_score(other, "2")
        assert system.fields(customer) == {}
        assert worker.running


async def test_a_new_event_after_an_erasure_that_is_not_carried_out_yet_starts_a_new_customer(
    make_system: MakeSystem,
) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("half")
    with system.worker():
        await system.send("clickstream", *[event(customer, "page_view", time.time() - 60) for _ in range(7)])
        await system.wait_for_score(customer, "7")
        log = ErasureLog(system.settings)
        ends = {f"{topic}/{number}": end for (topic, number), end in (await system.log_ends()).items()}
        now = time.time_ns() // 1000
        await log.append(Tombstone(log.digests.of(customer), now, now, ends))
    # The next worker knows of it from the start; the new event comes before it would look through all customers.
    with system.worker():
        await system.send("clickstream", event(customer, "page_view"))
        await system.wait_for_score(customer, "1")
        wanted = {customer: "1"}
        await poll_until(lambda: system.redis.hlen(f"{system.namespace}:_erased") >= 2, 30)
        await wait_for_scores(system, wanted)


async def test_a_customer_who_cannot_be_read_is_erased_all_the_same(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("broken")
    with system.worker() as worker:
        await system.send("clickstream", event(customer, "page_view"))
        await wait_for_scores(system, {customer: "1"})
        assert worker.stop() == 0
    system.redis.hset(f"{system.namespace}:customer:{customer}", "_s", "nonsense")

    assert f"{customer}: erased\n" in await erase(system, customer)
    assert places_of(system.redis_url, customer) == []


async def test_nobody_is_erased_by_a_slip_of_the_pen_or_without_being_asked(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    anna, slip = system.customer("anna"), system.customer("ana")
    with system.worker():
        await system.send("clickstream", event(anna, "page_view"))
        await system.wait_for_score(anna, "1")
    said = await asyncio.to_thread(run_command, system.environment, "erase", anna, status=2)
    assert "nobody to be asked" in said.stderr
    assert system.fields(anna)["score"] == "1"

    asked = ["script", "-qec", f"{sys.executable} -m streams erase {anna} {slip}", "/dev/null"]
    done = await asyncio.to_thread(
        subprocess.run, asked, input="y\n", capture_output=True, text=True, env={**os.environ, **system.environment}
    )
    assert done.returncode == 1, done.stdout
    assert f"nobody is known as {slip}; nobody has been erased" in done.stdout
    assert system.fields(anna)["score"] == "1"

    assert "nobody of that name was known" in await erase(system, slip)
    assert "known" not in await erase(system, anna)
    assert system.fields(anna) == {}


async def test_a_worker_with_another_key_refuses_to_start(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    await erase(system, system.customer("somebody"))
    worker = system.worker(erasure_key="another")
    worker.start()
    await poll_until(lambda: not worker.running, 40)

    assert "customers have been erased under another ENGAGEMENT_ERASURE_KEY" in worker.log_tail(200)
    said = run_command({**system.environment, "ENGAGEMENT_ERASURE_KEY": "another"}, "erase", "x", "--yes", status=1)
    assert "another ENGAGEMENT_ERASURE_KEY" in said.stderr


async def test_a_dead_letter_of_an_erased_customer_is_not_replayed(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer, other = system.customer("gone"), system.customer("other")
    letters = [
        Record(
            event_record(event(who, "page_view", time.time() - 60)).value,
            who.encode(),
            (
                ("dlq.reason", b"timestamp_in_future"),
                ("dlq.detail", b""),
                ("dlq.topic", system.topic("clickstream").encode()),
                ("dlq.partition", b"0"),
                ("dlq.offset", b"0"),
            ),
        )
        for who in (customer, other)
    ]
    await send_batches(system.kafka, DEAD_LETTERS, [(0, letters)])
    await erase(system, customer)
    done = run_command(system.environment, "dead-letters", "replay", "--topic", system.topic("clickstream"))

    assert "1 dead letter replayed" in done.stdout
    assert "left out: 1 of erased customers" in done.stdout
    assert [record.key for record in await read_topic(system.kafka, system.topic("clickstream"))] == [other.encode()]


@pytest.mark.beyond_embedded_kafka("cannot change the settings of a topic")
async def test_a_compacted_topic_of_alerts_gets_a_null_value(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("gone")
    kept: dict[str, Any] = {"cleanup.policy": "compact"}
    try:
        await set_topic(system.kafka, ALERTS, kept)
        assert f"{ALERTS} is compacted: null values written" in await erase(system, customer)
    finally:
        await set_topic(system.kafka, ALERTS, {"cleanup.policy": "delete"})
    nulls = [record for record in await read_topic(system.kafka, ALERTS) if record.key == customer.encode()]
    assert [record.value for record in nulls] == [None]
