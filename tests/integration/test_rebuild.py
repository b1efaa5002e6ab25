"""A rebuild by hand: what somebody has broken in Redis is found and mended, while workers write and readers read."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import threading
import time
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import Any

import pytest
import redis

from streams.rebuild.bounds import read_bounds
from streams.rebuild.rebuilt_scores import RebuiltScores
from streams.rebuild.source_log import SourceLog
from streams.store.redis.replacing import ReplaceableStore
from tests.integration.conftest import MakeSystem
from tests.integration.flow import Flow
from tests.integration.policies import COUNTING, MONTH
from tests.integration.test_group import PARTITIONS, POLICY, Feed, history
from tests.polling import poll_until
from tests.reference import brute_force
from tests.reference.comparison import judged_to_the_end, score_differences
from tests.services.command import run_command, start_command
from tests.services.log_reader import read_customers
from tests.services.redis_scan import places_of
from tests.services.system import System, event, seconds


async def rebuild(system: System, *arguments: str, status: int = 0) -> str:
    """Run the command while events flow."""
    done = await asyncio.to_thread(run_command, system.environment, "rebuild", *arguments, status=status, timeout=120)
    return done.stdout


async def audit(system: System, *arguments: str) -> dict[str, list[str]]:
    """Compare only; give the differences by customer."""
    process = await asyncio.to_thread(
        lambda: start_command(system.environment, "rebuild", "--dry-run", "--json", *arguments)
    )
    output, errors = await asyncio.to_thread(process.communicate, timeout=120)
    found = {line["customer_id"]: line["differences"] for line in map(json.loads, output.splitlines())}
    assert process.returncode == (1 if found else 0), errors
    return found


class Reader(threading.Thread):
    """An application that keeps reading customers, and notes what it should never see."""

    def __init__(self, system: System, customers: list[str]) -> None:
        """Prepare."""
        super().__init__(daemon=True)
        self._url, self._prefix, self._customers = system.redis_url, f"{system.namespace}:customer:", customers
        self._ending = threading.Event()
        self.reads = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Read until ended: a customer is there, whole, in one band, and the score never goes back."""
        client: Any = redis.Redis.from_url(self._url, decode_responses=True)
        last: Counter[str] = Counter()
        while not self._ending.is_set():
            for customer in self._customers:
                fields: dict[str, str] = client.hgetall(self._prefix + customer)
                self.reads += 1
                if not {"score", "band", "clickstream", "trend", "updated_at", "_v", "_s"} <= fields.keys():
                    self.wrong.append(f"{customer} lacks fields: {sorted(fields)}")
                elif int(fields["score"]) != int(fields["clickstream"]) or int(fields["score"]) < last[customer]:
                    self.wrong.append(f"{customer} after {last[customer]}: {fields['score']}, {fields['clickstream']}")
                else:
                    last[customer] = int(fields["score"])
        client.close()

    def end(self) -> None:
        """Stop reading."""
        self._ending.set()
        self.join()


def key(system: System, customer: str) -> str:
    return f"{system.namespace}:customer:{customer}"


def group_key(system: System, kind: str, customer: str) -> str:
    """Find the sorted set of a group in which a customer stands."""
    names = system.redis.scan_iter(match=f"{system.namespace}:_{kind}:*", count=1000)
    (name,) = [name for name in names if system.redis.zscore(name, customer) is not None]
    return str(name)


def corrupt(system: System, customers: list[str]) -> None:
    """Break customers, each in another way."""
    client = system.redis
    score, gone, panes, state, index, twice, schedule, unreadable, number = customers
    client.hset(key(system, score), "score", "999")
    client.delete(key(system, gone))
    pane = next(name for name in client.hkeys(key(system, panes)) if name.startswith("_p"))
    client.hdel(key(system, panes), pane)
    client.hset(key(system, state), next(n for n in client.hkeys(key(system, state)) if n.startswith("_p")), "zzzz5")
    client.zrem(f"{system.namespace}:band:disengaged", index)
    client.zadd(f"{system.namespace}:band:power", {twice: 5})
    client.zrem(group_key(system, "refreshes", schedule), schedule)
    client.hset(key(system, unreadable), "_s", "nonsense")
    client.hset(key(system, number), "trend", "-3")


async def test_what_was_broken_is_mended_while_events_flow_and_applications_read(make_system: MakeSystem) -> None:
    system = make_system(COUNTING, session_timeout=6)
    await system.create_topics()
    flow = Flow(system, pause=0.02)
    # These have had some events and get no more, so that what is broken is not noticed by a worker that fails on it.
    quiet = [system.customer(f"quiet{n}") for n in range(9)]
    steady = [system.customer(f"steady{n}") for n in range(5)]
    at = time.time() - 3600
    with system.worker():
        for customers in (quiet, steady):
            await system.send("clickstream", *[event(customer, "page_view", at) for customer in customers * 7])
        for customer in (*quiet, *steady):
            await system.wait_for_score(customer, "7")
        running = asyncio.create_task(flow.run())
        await flow.go_on(1_500)
        reader = Reader(system, steady)
        reader.start()
        try:
            assert await audit(system) == {}
            corrupt(system, quiet)
            made_up = system.customer("made-up")
            system.redis.hset(key(system, made_up), mapping={"score": "50", "band": "engaged", "_v": "x"})
            ghost = system.customer("ghost")
            system.redis.zadd(f"{system.namespace}:band:engaged", {ghost: 5})

            found = await audit(system)
            assert sorted(found) == sorted([*quiet, made_up, ghost]), found
            assert found[quiet[0]] == ["score is 999, by the counts 7"]
            assert found[quiet[1]] == ["is missing"]
            assert "score is 0, by the log 7" in found[quiet[2]]
            assert found[quiet[7]] == ["cannot be read"]
            assert system.fields(quiet[0])["score"] == "999"

            said = await rebuild(system)
            assert f"{len(found)} differed and have been replaced" in said
            assert await audit(system) == {}
            await flow.go_on(500)
        finally:
            reader.end()
        flow.stop()
        await running
        await flow.wait_until_exact()
        for customer in quiet:
            assert system.score(customer) == "7"
            assert list(system.bands_of(customer)) == ["disengaged"]
        assert system.fields(made_up) == {}
        assert system.bands_of(ghost) == {}
        assert reader.wrong == []
        assert reader.reads > 1_000
        assert list(system.redis.scan_iter(match=f"{system.namespace}.rebuild:*", count=1000)) == []
        # They go on from there.
        await system.send("clickstream", *[event(customer, "page_view") for customer in quiet])
        for customer in quiet:
            await system.wait_for_score(customer, "8")


async def test_a_customer_broken_by_hand_is_set_aside_until_the_way_out_that_is_named_is_taken(
    make_system: MakeSystem,
) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("broken")
    with system.worker() as worker:
        await system.send("clickstream", event(customer, "page_view"))
        await system.wait_for_score(customer, "1")
        assert worker.stop() == 0
    (pane,) = [name for name in system.redis.hkeys(key(system, customer)) if name.startswith("_p")]
    system.redis.hset(key(system, customer), pane, "nonsense")
    told = f"{key(system, customer)} cannot be read, because of its field {pane}: somebody has changed it by hand. "
    with system.worker() as worker:
        await system.send("clickstream", event(customer, "page_view"))
        await poll_until(lambda: f"{told}The way out is: engagement rebuild" in worker.log.read_text(), 30)
        assert worker.stop() == 0
    shown = run_command(system.environment, "show", customer, status=1)
    assert f"Error: {told}" in shown.stderr
    assert "1 differed and have been replaced" in await rebuild(system)
    with system.worker():
        await system.wait_for_score(customer, "2")


def there_or_ended(system: System, key: str, process: subprocess.Popen[str]) -> bool:
    """Return whether Redis has a key, or a process has ended."""
    return bool(system.redis.exists(key)) or process.poll() is not None


def damage(system: System, dice: random.Random) -> list[str]:
    """Break a third of all customers as they are now; give their ids."""
    broken = []
    for name in sorted(system.redis.scan_iter(match=f"{system.namespace}:customer:*", count=1000)):
        way = dice.randrange(9)
        panes = [field for field in system.redis.hkeys(name) if field.startswith("_p")]
        if way == 0:
            system.redis.delete(name)
        elif way == 1 and panes:
            system.redis.hdel(name, dice.choice(panes))
        elif way == 2 and system.redis.hexists(name, "band"):
            system.redis.hset(name, mapping={"score": "1000", "band": "power", "disengages_at": ""})
        else:
            continue
        broken.append(str(name).partition(":customer:")[2])
    return broken


@pytest.mark.slow
async def test_everything_is_what_the_brute_force_says_after_a_rebuild_under_load(make_system: MakeSystem) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics(PARTITIONS)
    events = history(system, 20_000)
    policy = brute_force.parse_policy((system.folder / f"{system.namespace}.toml").read_text())
    right = brute_force.evaluate_all(brute_force.histories(map(json.dumps, events), policy), policy)
    wanted = {row.customer_id: asdict(row) for row in right}
    feed = Feed(system, events, 45)
    with system.worker(), system.worker():
        flow = asyncio.create_task(feed.run())
        await feed.reach(1 / 4)
        broken = damage(system, random.Random(7))
        # However long the rebuild takes, events flow all the while.
        feed.pause, before = 1.0, feed.sent
        said = await rebuild(system)
        mended_at = max(
            seconds(fields["updated_at"]) for fields in read_customers(system.redis_url, system.namespace).values()
        )
        assert before < feed.sent < len(events), "no events during the rebuild"
        feed.pause = 0.03
        await flow
        until = brute_force.micros(max(row["last_event_at"] for row in wanted.values()))
        await poll_until(lambda: judged_to_the_end(system.redis_url, system.namespace, len(wanted), until), 60)

        assert len(broken) > 30
        assert "differed and have been replaced" in said
        assert list(score_differences(wanted, read_customers(system.redis_url, system.namespace))) == []
        assert await audit(system) == {}
        raised = {(alert["customer_id"], alert["kind"], alert["occurred_at"]) for alert in await system.alerts()}
        expected = {
            (customer, alert["kind"], alert["occurred_at"])
            for customer, row in wanted.items()
            for alert in row["alerts"]
        }
        healthy = {each for each in expected if each[0] not in broken or seconds(each[2]) > mended_at}
        assert len(healthy) > 100
        assert healthy <= raised
        assert {each for each in raised if each[0] not in broken or seconds(each[2]) > mended_at} <= expected


async def test_a_rebuild_publishes_nothing_and_alerts_go_on_after_it(make_system: MakeSystem) -> None:
    system = make_system(MONTH)
    await system.create_topics()
    customer, other = system.customer("dropping"), system.customer("other")
    at = time.time() - 3600
    with system.worker():
        for who in (customer, other):
            bought = [event(who, "purchase", at) for _ in range(3)]
            await system.send("clickstream", *bought)
            await system.wait_for_score(who, "60")
        await system.send("email", event(other, "unsubscribe", at + 60))
        await system.wait_for_alerts(other, 1)
        changes = len(await system.band_changes())
        system.redis.hset(key(system, customer), "score", "1")
        system.redis.delete(key(system, other))
        assert "2 differed and have been replaced" in await rebuild(system)
        assert system.score(customer) == "60"
        assert system.fields(other)["previous_band"] == "engaged"
        assert (len(await system.alerts()), len(await system.band_changes())) == (1, changes)

        await system.send("email", event(customer, "unsubscribe"))
        (alert,) = await system.wait_for_alerts(customer, 1)
        assert (alert["previous_score"], alert["score"]) == (60, 20)
        await system.send("clickstream", event(other, "purchase"), event(other, "purchase"))
        assert [each["kind"] for each in await system.wait_for_alerts(other, 2)] == ["churn_risk", "recovered"]


async def test_a_rebuild_that_is_killed_is_taken_up_and_workers_go_on_meanwhile(make_system: MakeSystem) -> None:
    system = make_system(COUNTING, session_timeout=6)
    await system.create_topics()
    flow = Flow(system, pause=0.02)
    await flow.write_backlog(60_000)
    customers = [system.customer(f"c{number}") for number in range(0, 200, 2)]
    with system.worker():
        await flow.wait_until_exact()
        running = asyncio.create_task(flow.run())
        for customer in customers:
            system.redis.hset(key(system, customer), "_p1", "zzzz5")
        rebuilt = f"{system.namespace}.rebuild"
        for prefix, what in ((rebuilt, "_fences:0"), (rebuilt, "_erased"), (system.namespace, "_hold")) * 2:
            with start_command(system.environment, "rebuild") as process:
                await poll_until(partial(there_or_ended, system, f"{prefix}:{what}", process), 60)
                process.kill()
        # Nobody is left who holds the workers.
        before = flow.written
        await flow.go_on(500)
        flow.stop()
        await running
        assert flow.written > before
        await rebuild(system)
        await flow.wait_until_exact()
        assert await audit(system) == {}


async def test_without_workers_it_goes_exactly_as_far_as_they_had_come(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("anna")
    with system.worker() as worker:
        await system.send("clickstream", *[event(customer, "page_view", time.time() - 60) for _ in range(3)])
        await system.wait_for_score(customer, "3")
        assert worker.stop() == 0
    await system.send("clickstream", event(customer, "page_view"))
    system.redis.hset(key(system, customer), "score", "5")
    assert "1 differed and have been replaced" in await rebuild(system)
    assert system.score(customer) == "3"
    with system.worker():
        await system.wait_for_score(customer, "4")


async def test_each_group_is_computed_as_far_as_it_had_come(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    store = ReplaceableStore(system.settings)
    ahead = system.customer("ahead")
    names = (system.customer(f"behind{n}") for n in range(1_000))
    behind = next(name for name in names if store.group_of(name) != store.group_of(ahead))
    fences = f"{system.namespace}:_fences:{store.group_of(behind)}"
    await store.close()
    events = [event(who, "page_view", time.time() - 60) for who in (ahead, behind)]
    with system.worker() as worker:
        await system.send("clickstream", *events * 3)
        await system.wait_for_score(behind, "3")
        await system.wait_for_score(ahead, "3")
        before, fence = system.redis.hgetall(key(system, behind)), system.redis.hgetall(fences)
        await system.send("clickstream", *events * 2)
        await system.wait_for_score(behind, "5")
        await system.wait_for_score(ahead, "5")
        assert worker.stop() == 0
    # As if the worker had died between the writes of two groups.
    system.redis.delete(key(system, behind), fences)
    system.redis.hset(key(system, behind), mapping=before)
    system.redis.hset(fences, mapping=fence)

    assert await audit(system) == {}
    system.redis.hset(key(system, behind), "score", "4")
    assert "1 differed and have been replaced" in await rebuild(system)
    assert (system.score(ahead), system.score(behind)) == ("5", "3")
    with system.worker():
        await system.wait_for_score(behind, "5")
    assert system.score(ahead) == "5"


async def test_an_erased_customer_is_not_computed_anew(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer, other = system.customer("gone"), system.customer("other")
    with system.worker():
        await system.send("clickstream", *[event(who, "page_view", time.time() - 60) for who in (customer, other)])
        await system.wait_for_score(other, "1")
        run_command(system.environment, "erase", customer, "--yes")
        assert await audit(system) == {}
        assert "0 differed" in await rebuild(system, "--from-beginning")
        assert system.fields(customer) == {}
        await system.send("clickstream", event(customer, "page_view"), event(other, "page_view"))
        await system.wait_for_score(customer, "1")
        assert await audit(system) == {}


async def test_an_erasure_reaches_what_a_rebuild_that_was_killed_has_left(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    customer, other = system.customer("gone"), system.customer("other")
    with system.worker():
        await system.send("clickstream", *[event(who, "page_view", time.time() - 60) for who in (customer, other)])
        await system.wait_for_score(other, "1")
        await system.wait_for_score(customer, "1")
        log = SourceLog(system.settings)
        async with log:
            rebuilt = RebuiltScores(system.settings, log)
            await rebuilt.open(from_beginning=False)
            live = ReplaceableStore(system.settings)
            await rebuilt.catch_up(await read_bounds(live, system.settings, log.partitions), lambda *_: None)
            await rebuilt.close()
            await live.close()
        assert any(".rebuild:customer:" in place for place in places_of(system.redis_url, customer))
        run_command(system.environment, "erase", customer, "--yes")
        assert places_of(system.redis_url, customer) == []
        assert "0 differed" in await rebuild(system)
        assert places_of(system.redis_url, customer) == []
        assert system.score(other) == "1"


async def test_one_who_has_left_the_window_stays_with_a_score_of_0(make_system: MakeSystem) -> None:
    policy = COUNTING.replace('length = "30d"', 'length = "4s"').replace('pane = "1d"', 'pane = "1s"')
    system = make_system(policy.replace('trend = "7d"', 'trend = "1s"'))
    await system.create_topics()
    customer = system.customer("lapsed")
    with system.worker():
        await system.send("clickstream", event(customer, "page_view"))
        await system.wait_for_score(customer, "1")
        await system.wait_for_score(customer, "0")
        await poll_until(lambda: not any(n.startswith("_p") for n in system.redis.hkeys(key(system, customer))), 30)
        assert await audit(system) == {}
        assert "0 differed" in await rebuild(system)
        assert system.score(customer) == "0"


async def test_a_namespace_without_scores_is_refused(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    done: Any = run_command(system.environment, "rebuild", status=1)
    assert f"nothing is stored under '{system.namespace}'" in done.stderr
    assert list(system.redis.scan_iter(match=f"{system.namespace}*")) == []
