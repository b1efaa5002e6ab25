"""Events of one object are paired through Kafka and Redis, whatever worker reads them, and in whatever order."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH
from tests.polling import poll_until
from tests.reference import brute_force
from tests.services.command import run_command
from tests.services.kafka_client import send_batches
from tests.services.system import System, event, event_record

CUSTOMERS, EVENTS, PARTITIONS = 40, 2_000, 4
DAY = 86_400
TYPES = {
    "posts": (("like", "object_id"), ("comment", "object_id"), ("unlike", "object_id"), ("delete", "object_id")),
    "email": (("delivered", "message_id"), ("click", "message_id")),
    "desk": (("ticket", "ticket_id"), ("reply", "ticket_id")),
}
POLICY = (
    MONTH.replace("weights = { open = 1,", 'gateway = { click = { after = "delivered" } }\nweights = { delivered = 0,')
    + """
[channels.posts]
topic = "NAMESPACE-posts"
weights = { like = 1.5, comment = 4, unlike = 0, delete = -0.25 }
cap = { like = 2 }
retracts = { unlike = "like", delete = ["like", "comment"] }
[channels.desk]
topic = "NAMESPACE-desk"
weights = { ticket = -2, reply = 1 }
durations = { answer = { from = "ticket", to = "reply", key = "ticket_id" } }
[clock]
lateness = "0s"
"""
)


def history(system: System) -> list[dict[str, Any]]:
    """Draw events of some days, of few objects, many of them at nearly the same time."""
    dice, start = random.Random(11), int(time.time()) - 2 * DAY
    drawn = []
    for number in range(EVENTS):
        channel = dice.choice(list(TYPES))
        kind, key = dice.choice(TYPES[channel])
        at = start + dice.randrange(2) * DAY + dice.randrange(120)
        about = {key: dice.choice(("a", "b", 7))} if dice.random() < 0.9 else {}
        customer = system.customer(f"c{dice.randrange(CUSTOMERS)}")
        body = event(customer, kind, brute_force.rfc3339(at * brute_force.MILLION), properties=about)
        drawn.append({**body, "event_id": f"e{number}", "channel": channel})
    return drawn


async def send(system: System, events: list[dict[str, Any]], dice: random.Random) -> None:
    """Write events in a random order, to partitions at random, in small batches."""
    shuffled = dice.sample(events, len(events))
    for channel in TYPES:
        records = [event_record({**one, "channel": ""}) for one in shuffled if one["channel"] == channel]
        batches = [(dice.randrange(PARTITIONS), records[at : at + 50]) for at in range(0, len(records), 50)]
        await send_batches(system.kafka, system.topic(channel), batches)


def wrong(system: System, events: list[dict[str, Any]]) -> dict[str, tuple[str | None, str]]:
    """Return whose score is not that of the brute force: as it is, as it has to be."""
    policy = brute_force.parse_policy((system.folder / f"{system.namespace}.toml").read_text())
    lives = brute_force.histories(map(json.dumps, events), policy)
    now = int(time.time()) * brute_force.MILLION
    expected = {
        customer: brute_force.score_of(life, policy, now) / brute_force.MILLION for customer, life in lives.items()
    }
    found = {customer: system.score(customer) for customer in expected}
    return {
        customer: (found[customer], str(score))
        for customer, score in expected.items()
        if found[customer] is None or float(str(found[customer])) != score
    }


async def become_right(system: System, events: list[dict[str, Any]]) -> None:
    """Wait until every score is that of the brute force."""
    try:
        await poll_until(lambda: not wrong(system, events), 60)
    except AssertionError:
        raise AssertionError(f"wrong are {wrong(system, events)}") from None


def objects(system: System, customer: str) -> list[str]:
    """Name the fields that hold what was done to which object."""
    names = map(str, system.redis.hkeys(f"{system.namespace}:customer:{customer}"))
    return [name for name in names if name.startswith("_k")]


async def test_scores_are_those_of_the_brute_force_in_any_order_and_across_workers(make_system: MakeSystem) -> None:
    system, dice = make_system(POLICY, session_timeout=6), random.Random(5)
    await system.create_topics(PARTITIONS)
    events = history(system)
    early = dice.sample(events, EVENTS // 2)
    with system.worker():
        await send(system, early, dice)
        await become_right(system, early)
    with system.worker(), system.worker():
        # The other half, and some of the first again.
        await send(system, [one for one in events if one not in early] + early[:200], dice)
        await become_right(system, events)
        customer = system.customer("c1")
        assert objects(system, customer)

        await asyncio.to_thread(run_command, system.environment, "rebuild", "--dry-run", status=0, timeout=120)
        field = objects(system, customer)[0]
        system.redis.hdel(f"{system.namespace}:customer:{customer}", field)
        done = await asyncio.to_thread(run_command, system.environment, "rebuild", "--dry-run", status=1, timeout=120)
        assert "what was done to objects" in done.stdout

        await asyncio.to_thread(run_command, system.environment, "erase", customer, "--yes", timeout=60)
        await poll_until(lambda: not system.redis.exists(f"{system.namespace}:customer:{customer}"), 30)
