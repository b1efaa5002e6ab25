"""Signals on the stream clock: those of the whole history, each id once and the same, whatever happens to workers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from tests.integration import test_group as group
from tests.integration.conftest import MakeSystem
from tests.integration.test_rebuild import rebuild
from tests.polling import poll_until
from tests.reference import brute_force
from tests.reference.comparison import judged_to_the_end
from tests.reference.signals import Told, signals

pytestmark = pytest.mark.slow

POLICY = f"""{group.POLICY}
[signals.angry]
on = ["email.unsubscribe", "email.complaint"]
severity = "critical"
[signals.left_cart]
after = "clickstream.page_view"
without = "clickstream.purchase"
within = "6h"
cooldown = "1d"
[signals.upsell]
reaches = "highly_engaged"
[signals.fall]
falls_by = "50%"
within = "2d"
[measures.bought_of_late]
kind = "count"
of = ["clickstream.purchase"]
over = "3d"
[signals.buyer]
measure = "bought_of_late"
at_least = 3
[funnels.letter]
steps = ["email.open", "clickstream.page_view", "clickstream.purchase"]
within = "3d"
[signals.by_letter]
funnel = "letter"
step = 3
"""


async def test_signals_are_told_once_though_a_worker_is_killed_and_a_rebuild_agrees(make_system: MakeSystem) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics()
    events = group.history(system, 4_000, customers=60, days=45)
    ends = max(brute_force.micros(event["timestamp"]) for event in events)
    wanted = _by_brute_force(events, ends)
    feed = group.Feed(system, events, 10, partitions=4)
    second, third = await group.lose_a_worker(system, feed)
    customers = len({event["customer_id"] for event in events})
    await poll_until(lambda: judged_to_the_end(system.redis_url, system.namespace, customers, ends), 90)

    async def told() -> dict[str, dict[str, Any]]:
        # Who is killed between publishing and marking is repeated by the next owner, word for word (decision 33).
        found: dict[str, dict[str, Any]] = {}
        for signal in await system.signals():
            assert found.setdefault(signal["signal_id"], signal) == signal
        return found

    async def all_told() -> bool:
        return len(await told()) >= len(wanted)

    await poll_until(all_told, 30)
    found = await told()
    assert sorted([_told(signal, found) for signal in found.values()]) == wanted
    assert {(signal.name, signal.ended) for _, signal in wanted} == {
        *[(name, ended) for name in ("left_cart", "upsell", "fall", "buyer", "by_letter") for ended in (False, True)],
        ("angry", False),
    }
    assert await asyncio.to_thread(second.stop) == 0
    assert await asyncio.to_thread(third.stop) == 0
    said = await rebuild(system)
    assert "0 differed" in said, said
    assert await told() == found


def _by_brute_force(events: list[dict[str, Any]], ends: int) -> list[tuple[str, Told]]:
    policy = brute_force.parse_policy(group.POLICY)
    histories: dict[str, list[brute_force.Event]] = defaultdict(list)
    for event in events:
        time = brute_force.micros(event["timestamp"])
        histories[event["customer_id"]].append(brute_force.Event(time, event["channel"], event["type"]))
    return sorted(
        [
            (customer, signal)
            for customer, history in histories.items()
            for signal in signals(history, POLICY, policy, ends)
        ]
    )


def _told(signal: dict[str, Any], found: dict[str, dict[str, Any]]) -> tuple[str, Told]:
    closes = tuple([brute_force.micros(found[closed]["occurred_at"]) for closed in signal.get("closes", ())])
    time = brute_force.micros(signal["occurred_at"])
    return signal["customer_id"], Told(signal["signal"], time, signal["kind"] == "ended", closes)
