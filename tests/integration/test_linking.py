"""Ids that are linked to customers, through the whole service: before, between and after events, and through faults."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from typing import Any

from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.integration.test_rebuild import audit, rebuild
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka_client import Record
from tests.services.log_reader import read_customers
from tests.services.system import System, event, wait_for_metric
from tests.services.worker import WorkerProcess

LINKING = f'{COUNTING}\n[identities]\ntopic = "NAMESPACE-identities"\n'
_PEOPLE, _IDS = 40, 4


async def link(system: System, *links: tuple[str, str]) -> None:
    """Write links to the topic."""
    records = [
        Record(json.dumps({"id": name, "customer_id": customer}).encode(), name.encode()) for name, customer in links
    ]
    await system.send_raw("identities", records)


async def command(system: System, *arguments: str, status: int = 0) -> str:
    """Run a command while events flow."""
    done = await asyncio.to_thread(run_command, system.environment, *arguments, status=status)
    return str(done.stdout)


async def test_an_id_is_linked_shown_rebuilt_and_erased(make_system: MakeSystem) -> None:
    system = make_system(LINKING, session_timeout=6)
    await system.create_topics()
    anna, cookie, tab, late = (system.customer(name) for name in ("anna", "cookie", "tab", "late"))
    at = time.time() - 3600
    with system.worker() as worker:
        await link(system, (late, anna))
        await system.send("clickstream", *[event(each, "page_view", at) for each in (anna, cookie, cookie, tab)])
        await system.send("clickstream", event(late, "page_view", at), partition=1)
        await system.wait_for_score(cookie, "2")
        await system.wait_for_score(anna, "2")
        printed = await command(system, "link", cookie, anna)
        assert "is linked to" in printed
        await system.wait_for_score(anna, "4")
        assert "stands for" in await command(system, "link", cookie, anna)
        for name, other, told in ((cookie, tab, f"{cookie} stands for {anna}"), (anna, cookie, f"{cookie} stands for")):
            refused = await asyncio.to_thread(run_command, system.environment, "link", name, other, status=1)
            assert told in refused.stderr
            assert "no link has been sent" in refused.stderr
        await system.wait_for_score(anna, "4")
        await link(system, (tab, cookie), (tab, cookie), (tab, late), (cookie, "somebody else"), (anna, tab))
        await system.wait_for_score(anna, "5")
        await system.send("clickstream", *[event(each, "page_view", at) for each in (cookie, tab, late)], partition=2)
        await system.wait_for_score(anna, "8")

        assert system.fields(cookie) == system.fields(tab) == {"customer_id": anna}
        assert system.bands_of(cookie) == {}

        async def reasons() -> list[str]:
            found = await system.dead_letters()
            return [dict(letter.headers)["dlq.reason"].decode() for letter in found]

        await poll_until(lambda: _has(reasons, 2), 30)
        assert sorted(await reasons()) == ["link_closes_circle", "linked_otherwise"]
        await wait_for_metric(3, worker, "engagement_links_total", outcome="linked")
        shown = await command(system, "show", cookie)
        assert shown.startswith(f"{cookie} stands for {anna}\n")
        assert set(json.loads(await command(system, "show", tab, "--json"))["linked_ids"]) == {cookie, tab, late}

        # What the log says of a linked id is put back, and so is the customer's part.
        system.redis.delete(f"{system.namespace}:customer:{cookie}")
        assert set(await audit(system)) == {cookie}
        await rebuild(system)
        assert system.fields(cookie) == {"customer_id": anna}

        printed = await command(system, "erase", cookie, "--yes")
        assert f"erased as {anna}, with 3 linked ids" in printed
        for each in (anna, cookie, tab, late):
            assert system.fields(each) == {}
        await system.send("clickstream", event(cookie, "page_view", at))
        await system.send("clickstream", event(cookie, "page_view"), event(anna, "page_view"))
        await system.wait_for_score(cookie, "1")
        await system.wait_for_score(anna, "1")
        assert await audit(system) == {}


async def _has(told: Any, count: int) -> bool:
    return len(await told()) >= count


class People:
    """Events of people who each have several ids, and the links between these."""

    def __init__(self, system: System) -> None:
        """Prepare."""
        self._system = system
        self._dice = random.Random(4)
        self._at = time.time() - 3600
        self.counts: Counter[str] = Counter()

    def name(self, person: int, number: int) -> str:
        """Name an id of a person; the first is the customer's own."""
        return self._system.customer(f"p{person}-{number}")

    async def send(self, rounds: int) -> None:
        """Write events without ids, so that each application of one shows."""
        for _ in range(rounds):
            chosen = [(self._dice.randrange(_PEOPLE), self._dice.randrange(_IDS)) for _ in range(50)]
            events = [event(self.name(*each), "page_view", self._at) for each in chosen]
            await self._system.send("clickstream", *events, partition=self._dice.randrange(4))
            self.counts.update(self.name(person, 0) for person, _ in chosen)

    async def link(self, number: int) -> None:
        """Link one id of each person, to the one before it: the later ones are linked by way of others."""
        await link(
            self._system, *[(self.name(person, number), self.name(person, number - 1)) for person in range(_PEOPLE)]
        )

    def wrong(self) -> dict[str, object]:
        """Return by how much customers differ from what was written."""
        found = read_customers(self._system.redis_url, self._system.namespace)
        points = {customer: int(fields["score"]) for customer, fields in found.items() if "score" in fields}
        return {
            customer: (points.get(customer), self.counts.get(customer))
            for customer in points.keys() | self.counts.keys()
            if points.get(customer, 0) != self.counts[customer]
        }


async def test_workers_that_are_killed_between_links_and_events_count_each_event_once(make_system: MakeSystem) -> None:
    system = make_system(LINKING, session_timeout=6)
    await system.create_topics()
    people = People(system)
    workers = [system.worker(), system.worker()]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.wait_ready()
    # Both have everybody in their caches before the first link.
    await people.send(40)
    for number, victim in enumerate([*workers, None], 1):
        linking = asyncio.create_task(people.link(number))
        await people.send(20)
        if victim is not None:
            victim.kill()
            workers.append(_another(system))
        await linking
        await people.send(20)
    workers[-1].wait_ready()
    try:
        await poll_until(lambda: not people.wrong(), 60)
    except AssertionError:
        raise AssertionError(str(people.wrong())) from None
    linked = {people.name(person, number) for person in range(_PEOPLE) for number in range(1, _IDS)}
    for name in linked:
        assert system.fields(name) == {"customer_id": name.rpartition("-")[0] + "-0"}
    assert await audit(system) == {}
    for worker in workers[2:]:
        assert worker.stop() == 0


def _another(system: System) -> WorkerProcess:
    worker = system.worker()
    worker.start()
    return worker


async def test_on_the_stream_clock_a_link_moves_no_time(make_system: MakeSystem) -> None:
    system = make_system(LINKING, clock="stream", session_timeout=6)
    await system.create_topics()
    anna, cookie = system.customer("anna"), system.customer("cookie")
    with system.worker():
        await system.send("clickstream", event(anna, "page_view", "2024-01-01T10:00:00Z"))
        await system.send("clickstream", event(cookie, "page_view", "2024-01-02T10:00:00Z"))
        before = await system.wait_for_score(cookie, "1")
        await link(system, (cookie, anna))
        after = await system.wait_for_score(anna, "2", within=30)
        assert after["updated_at"] == before["updated_at"] == "2024-01-02T10:00:00Z"
        # The partition of the links, which has no times, does not hold the watermark back.
        await system.send("clickstream", event(cookie, "page_view", "2024-02-02T09:00:00Z"))
        found = await system.wait_for_score(anna, "1", within=30)
        assert found["updated_at"] == "2024-02-02T09:00:00Z"
