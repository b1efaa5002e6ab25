"""Faults of the topics that the service writes to; each is a context in which nothing can be written to one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from streams.kafka.topics import ensure_topics, topic_settings
from streams.topic_names import DEAD_LETTERS
from tests.faults.kafka_faults import drain
from tests.faults.run import FaultRun
from tests.polling import wait_until
from tests.services.kafka_client import admin, set_topic


@contextmanager
def refusing(run: FaultRun, topic: str, **settings: str) -> Iterator[None]:
    """Give a topic settings with which it refuses what is written, and at the end those that the product gives it.

    Args:
        run: whose workers write to it.
        topic: one of those that the service writes to.
        **settings: of the topic, with underscores for dots.
    """
    usual = topic_settings(run.system.settings.policy)[topic]
    changed = {name.replace("_", "."): value for name, value in settings.items()}
    asyncio.run(set_topic(run.system.kafka, topic, {**usual, **changed}))
    yield
    asyncio.run(set_topic(run.system.kafka, topic, usual))


@contextmanager
def dead_letters_deleted(run: FaultRun) -> Iterator[None]:
    """Delete the dead-letter topic, whose letters the run has read by then, and in the end create it anew."""
    drain(run)
    asyncio.run(run.system.dead_letters())

    async def delete() -> None:
        async with admin(run.system.kafka) as client:
            await client.delete_topics([DEAD_LETTERS])

    asyncio.run(delete())
    run.feeder.go_on()
    yield
    assert DEAD_LETTERS in asyncio.run(ensure_topics(run.system.settings))
    run.system._letters.begin_anew()


def wait_until_held(run: FaultRun, why: str) -> None:
    """Wait until every worker says why it holds, and see that it does while events flow on: nothing is acknowledged."""
    wait_until(lambda: all(why in _reason(worker.get("/ready")[1]) for worker in run.workers.running), 120)
    wait_until(lambda: _applied_meanwhile(run) == 0, 120)
    committed = asyncio.run(run.system.committed())
    assert _applied_meanwhile(run) == 0
    assert asyncio.run(run.system.committed()) == committed
    assert all(why in _reason(worker.get("/ready")[1]) for worker in run.workers.running)
    assert all(worker.status("/health") == 200 for worker in run.workers.running)


def wait_until_ready(run: FaultRun) -> None:
    """Wait until every worker is ready again, and none has ended; nothing is fed meanwhile.

    Each has a backlog in hand. Of two workers that meet on the same customers, the one with the large round can lose
    the race for them against the small rounds of the other for as long as events flow.
    """
    run.feeder.pause()
    wait_until(lambda: all(worker.status("/ready") == 200 for worker in run.workers.running), 180)
    assert len(run.workers.running) == run.workers.started
    run.feeder.go_on()


def _applied_meanwhile(run: FaultRun) -> int:
    """Count what is applied while 3,000 records are written."""
    applied, sent = run.applied(), run.feeder.sent
    wait_until(lambda: run.feeder.sent >= sent + 3_000, 60)
    return run.applied() - applied


def _reason(ready: str) -> str:
    return str(json.loads(ready)["reason"]) if ready else ""
