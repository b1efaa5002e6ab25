"""A feed that stops and comes back: no wave of churn alerts, one notice, and exact alerts afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

import pytest

from tests.integration import test_group as group
from tests.integration.conftest import MakeSystem
from tests.polling import poll_until
from tests.property import silences
from tests.property.lives import Happening
from tests.reference import brute_force
from tests.reference.comparison import judged_to_the_end
from tests.reference.feeds import Feed
from tests.services.system import System, event, instant, metric, wait_for_metric

pytestmark = pytest.mark.slow

PANE, WINDOW = 8, 16
#: Clicks are watched; mails are not, and go on all the time.
SHORT = f"""
version = "silent-1"
[window]
length = "{WINDOW}s"
pane = "{PANE}s"
trend = "{PANE}s"
[alerts]
rearm_margin = 0
cooldown = "1s"
[channels.clickstream]
topic = "NAMESPACE-clickstream"
weights = {{ purchase = 60 }}
silence_after = "{PANE}s"
[channels.email]
topic = "NAMESPACE-email"
weights = {{ open = 1, unsubscribe = -100 }}
[signals.left]
leaves = "engaged"
"""
CUSTOMERS, RETURNING, UNSUBSCRIBED = 3000, 1000, 20


async def beginning_of_a_pane() -> int:
    """Wait until a pane has just begun; give its beginning, in Unix seconds."""
    await poll_until(lambda: time.time() % PANE < 1, 2 * PANE)
    return int(time.time() // PANE) * PANE


async def click(system: System, names: list[str]) -> None:
    """Let each of some customers buy, spread over the partitions."""
    for partition in range(4):
        some = names[partition::4]
        await system.send("clickstream", *[event(name, "purchase") for name in some], partition=partition)


def in_band(system: System, band: str) -> int:
    """Count the customers of a band."""
    return int(system.redis.zcard(f"{system.namespace}:band:{band}"))


async def churning(system: System) -> Counter[tuple[str, str]]:
    """Count the churn alerts by customer and time."""
    return Counter(
        (alert["customer_id"], alert["occurred_at"]) for alert in await system.alerts() if alert["kind"] == "churn_risk"
    )


async def leaving(system: System) -> Counter[tuple[str, str]]:
    """Count the signals of those who have left `engaged` by customer and time."""
    return Counter(
        (each["customer_id"], each["occurred_at"]) for each in await system.signals() if each["kind"] == "raised"
    )


async def test_thousands_who_fall_while_their_feed_is_silent_are_not_alerted_until_it_is_back(
    make_system: MakeSystem,
) -> None:
    system = make_system(SHORT, session_timeout=6)
    await system.create_topics()
    names = [system.customer(f"c{number}") for number in range(CUSTOMERS)]
    unsubscribed = names[-UNSUBSCRIBED:]
    with system.worker() as first:
        begun = await beginning_of_a_pane()
        await click(system, names)
        await poll_until(lambda: in_band(system, "engaged") == CUSTOMERS, WINDOW)

        async def told() -> list[dict[str, Any]]:
            return await system.feed_alerts()

        (notice,) = await poll_until(told)
        assert (notice["kind"], notice["channel"]) == ("feed_silent", "clickstream")
        assert begun + PANE <= brute_force.micros(notice["silent_since"]) / 1e6 < begun + 2 * PANE
        await poll_until(lambda: in_band(system, "disengaged") == CUSTOMERS)
        await wait_for_metric(1, first, "engagement_feed_silent", channel="clickstream")
        await wait_for_metric(CUSTOMERS, first, "engagement_held_crossings_total")
        assert await churning(system) == await leaving(system) == {}
        # Who says so is believed at once.
        await system.send("email", *[event(name, "unsubscribe") for name in unsubscribed])
        await poll_until(lambda: in_band(system, "at_risk") == UNSUBSCRIBED, WINDOW)
        assert first.stop() == 0

    with system.worker() as second, system.worker() as third:
        await poll_until(lambda: metric(third, "engagement_feed_silent", channel="clickstream") == 1, 2 * PANE)
        held_on = await beginning_of_a_pane()
        await poll_until(lambda: time.time() > held_on + PANE + 2, 2 * PANE)
        assert {name for name, _ in await churning(system)} == set(unsubscribed)

        back = await beginning_of_a_pane()
        await click(system, names[:RETURNING])
        await poll_until(lambda: in_band(system, "engaged") == RETURNING, WINDOW)
        expected = {(name, instant(back + PANE)) for name in names[RETURNING:-UNSUBSCRIBED]}

        async def all_alerted() -> bool:
            found = [len(await churning(system)), len(await leaving(system))]
            return min(found) >= len(expected) + UNSUBSCRIBED

        await poll_until(all_alerted, 4 * PANE)
        # Those who came back fall again; the feed is silent again, so nobody hears of it.
        await poll_until(lambda: in_band(system, "engaged") == 0, 4 * PANE)
        alerts = await churning(system)
        assert {entry for entry in alerts if entry[0] not in unsubscribed} == expected
        assert set(alerts.values()) == {1}
        assert await leaving(system) == alerts
        kinds = [message["kind"] for message in await system.feed_alerts()]
        assert kinds == ["feed_silent", "feed_back", "feed_silent"]
        assert (second.stop(), third.stop()) == (0, 0)


WATCHED_MAIL = group.POLICY.replace("[channels.email]", '[channels.email]\nsilence_after = "2d"').replace(
    'idle_after = "2s"', 'idle_after = "8s"'
)


async def test_a_replay_with_a_silence_tells_what_the_definition_says_whatever_happens_to_the_workers(
    make_system: MakeSystem,
) -> None:
    system = make_system(WATCHED_MAIL, clock="stream", session_timeout=6)
    await system.create_topics(group.PARTITIONS)
    gap = (group.START + 15 * group.DAY, group.START + 26 * group.DAY)
    events = [
        each
        for each in group.history(system, 20_000)
        if each["channel"] != "email" or not gap[0] <= brute_force.micros(each["timestamp"]) < gap[1]
    ]
    times = [brute_force.micros(each["timestamp"]) for each in events]
    mails = [time for each, time in zip(events, times, strict=True) if each["channel"] == "email"]
    lives: dict[str, list[Happening]] = {}
    for each, at in zip(events, times, strict=True):
        lives.setdefault(each["customer_id"], []).append(Happening(at, each["channel"], each["type"], each["event_id"]))
    text = group.POLICY.replace("NAMESPACE", system.namespace)
    feeds = {"email": Feed(2 * group.DAY, mails)}
    told = {who: silences.by_definition(text, life, feeds, times[-1]) for who, life in lives.items()}
    without = {who: silences.by_definition(text, life, {}, times[-1]) for who, life in lives.items()}
    flow = group.Feed(system, events, 12)
    first, second, third = (system.worker() for _ in range(3))
    first.start()
    second.start()
    await asyncio.to_thread(first.wait_ready)
    await asyncio.to_thread(second.wait_ready)
    writing = asyncio.create_task(flow.run())
    try:
        await flow.reach(0.4)
        first.kill()
        await group.start(third)
        await writing
    finally:
        writing.cancel()
    await poll_until(lambda: judged_to_the_end(system.redis_url, system.namespace, len(told), max(times)), 90)

    expected = {(who, kind, at) for who, life in told.items() for kind, at in life.alerts}
    unheld = {(who, kind, at) for who, life in without.items() for kind, at in life.alerts}
    found = {
        (alert["customer_id"], alert["kind"], brute_force.micros(alert["occurred_at"]))
        for alert in await system.alerts()
    }
    assert found == expected
    assert len(unheld - expected) > len(lives) / 10
    changes = {
        (change["customer_id"], change["band"], brute_force.micros(change["occurred_at"]))
        for change in await system.band_changes()
    }
    assert changes == {(who, band, at) for who, life in told.items() for band, at in life.changes}
    before, after = max(time for time in mails if time < gap[0]), min(time for time in mails if time >= gap[1])
    notices = {(notice["kind"], notice["occurred_at"]) for notice in await system.feed_alerts()}
    silent_since = brute_force.rfc3339(before + 2 * group.DAY)
    assert notices == {("feed_silent", silent_since), ("feed_back", brute_force.rfc3339(after))}
    assert len({json.dumps(notice["alert_id"]) for notice in await system.feed_alerts()}) == len(notices)
    assert await asyncio.to_thread(second.stop) == 0
    assert await asyncio.to_thread(third.stop) == 0
