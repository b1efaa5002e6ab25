"""However a worker ends that nobody has told to, the last line of its log says why."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from streams.embedded.ports import LOOPBACK
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.integration.worker_with_bug import BUG, PLACES
from tests.services.system import event

AT = time.time() - 3600
BY_THE_CLIENT = {
    "fetcher": "the fetcher has ended in Kafka's consumer",
    "coordinator": "the coordinator of its group has ended in Kafka's consumer",
    "metadata": "the keeper of the metadata has ended in Kafka's consumer",
}


@pytest.mark.parametrize("place", PLACES)
async def test_the_last_line_names_the_root_of_a_crash(make_system: MakeSystem, place: str) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    await system.send("clickstream", event(system.customer("unlucky"), "page_view", AT))
    worker = system.worker(("tests.integration.worker_with_bug", place))
    worker.start()
    status = await asyncio.to_thread(worker.process.wait, 90)
    last = worker.log.read_text().splitlines()[-1]
    assert status == 1, last
    assert "the worker ends: " in last
    assert f"ZeroDivisionError: {BUG} (worker_with_bug.py:" in last
    assert BY_THE_CLIENT.get(place, "an error that nobody expected") in last


async def test_a_web_port_in_use_is_said_in_a_sentence(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    worker = system.worker()
    with socket.create_server((LOOPBACK, worker.port)):
        worker.start()
        assert await asyncio.to_thread(worker.process.wait, 60) == 1
    said = worker.log.read_text()
    assert "Traceback" not in said
    assert said.splitlines()[-1].partition("the worker ends: ")[2].strip() == (
        f"nothing can listen on {LOOPBACK}:{worker.port} (ENGAGEMENT_WEB_HOST, ENGAGEMENT_WEB_PORT): "
        "address already in use"
    )


async def test_the_page_at_the_root_leads_to_the_others(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    with system.worker() as worker:
        status, page = worker.get("/")
        assert status == 200
        for name in ("health", "ready", "metrics"):
            assert f"<a href={name}>" in page
            assert worker.status(f"/{name}") == 200
        assert worker.status("/router") == 404
