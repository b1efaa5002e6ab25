"""Absences on the stream clock: the alerts are those of the whole history, whatever happens to the workers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.policy_file.document import parse_policy
from tests.integration import test_group as group
from tests.integration.conftest import MakeSystem
from tests.integration.test_rebuild import rebuild
from tests.polling import poll_until
from tests.reference import brute_force
from tests.reference.absent import KINDS, expected
from tests.reference.comparison import judged_to_the_end

pytestmark = pytest.mark.slow

POLICY = group.POLICY.replace('cooldown = "2d"', 'cooldown = "2d"\nabsence = { members_within = "14d" }')


async def test_absences_are_told_once_though_a_worker_is_killed(make_system: MakeSystem) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics()
    events = group.history(system, 6_000, customers=80, days=60)
    wanted = expected(parse_policy(POLICY), events)
    feed = group.Feed(system, events, 10, partitions=4)
    second, third = await group.lose_a_worker(system, feed)
    ends = max(brute_force.micros(event["timestamp"]) for event in events)
    customers = len({event["customer_id"] for event in events})
    await poll_until(lambda: judged_to_the_end(system.redis_url, system.namespace, customers, ends), 60)

    async def told() -> list[tuple[str, str, int]]:
        # Who is killed between publishing and marking is repeated by the next owner, word for word (decision 33).
        alerts: dict[str, dict[str, Any]] = {}
        for alert in await system.alerts():
            if alert["kind"] in KINDS:
                assert alerts.setdefault(alert["alert_id"], alert) == alert
        return [
            (alert["customer_id"], alert["kind"], brute_force.micros(alert["occurred_at"])) for alert in alerts.values()
        ]

    async def all_told() -> bool:
        return len(await told()) >= len(wanted)

    await poll_until(all_told, 30)
    assert sorted(await told()) == sorted(wanted)
    assert {kind for _, kind, _ in wanted} == {"absent", "returned"}
    assert await asyncio.to_thread(second.stop) == 0
    assert await asyncio.to_thread(third.stop) == 0

    said = await rebuild(system, "--figures")
    assert "0 differed" in said, said
    broken, _, _ = next(alert for alert in sorted(wanted) if alert[1] == "absent")
    key = f"{system.namespace}:customer:{broken}"
    stands = str(system.redis.hget(key, "_b"))
    system.redis.hset(key, "_b", stands.replace(stands.split(";")[2], "-1", 1))
    assert "1 differed and have been replaced" in await rebuild(system, "--figures")
    assert str(system.redis.hget(key, "_b")).split(";")[:4] == stands.split(";")[:4]
    assert sorted(await told()) == sorted(wanted)
