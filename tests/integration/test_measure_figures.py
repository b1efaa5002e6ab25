"""Measures over all customers are those of the raw events: through a killed worker, a new policy, an erasure, loss."""

from __future__ import annotations

import asyncio
import json
import random
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.test_group import PARTITIONS, Feed, history, lose_a_worker_and_redis, run_and_compare, start
from tests.integration.test_group import POLICY as WITHOUT_MEASURES
from tests.polling import poll_until
from tests.reference import brute_force
from tests.reference.measure_figures import measure_fields
from tests.reference.measures import RawEvent
from tests.services.command import run_command
from tests.services.system import System, metric

pytestmark = pytest.mark.slow

POLICY = f"""{WITHOUT_MEASURES}
[measures.spent]
kind = "sum"
of = ["clickstream.purchase"]
property = "amount"
[measures.average_purchase]
kind = "average"
of = ["clickstream.purchase"]
property = "amount"
over = "3d"
[measures.promoters]
kind = "balance"
of = ["email.open"]
property = "rating"
[measures.reach]
kind = "ratio"
of = ["social.comment"]
to = ["social"]
to_latest = "followers"
times = 100
"""
NEW_MEASURES = """
[measures.click_through_rate]
kind = "ratio"
of = ["email.click"]
to = ["email.open"]
times = 100
[measures.comments]
kind = "count"
of = ["social.comment"]
over = "4d"
"""


def told(system: System) -> list[dict[str, Any]]:
    """Make events that tell something beside their type, some of them nothing that can be used."""
    dice = random.Random(31)
    events = history(system, 9_000)
    for event in events:
        event["properties"] = {
            "amount": dice.choice([0, 9.99, 120, 0.000001, 10**12, "much", None]),
            "rating": dice.randrange(11),
            "followers": dice.randrange(1_000, 2_000),
        }
    return events


def measures(system: System, events: Sequence[dict[str, Any]], now: int) -> dict[str, str]:
    """Compute the measures as of a time."""
    text = (system.folder / f"{system.namespace}.toml").read_text(encoding="utf-8")
    customers: dict[str, list[RawEvent]] = defaultdict(list)
    for event in events:
        time = brute_force.micros(event["timestamp"])
        if time <= now:
            raw = RawEvent(time, event["channel"], event["type"], event["properties"])
            customers[event["customer_id"]].append(raw)
    return measure_fields(tomllib.loads(text), customers, now)


async def published(system: System, events: Sequence[dict[str, Any]], *but: str) -> dict[str, str]:
    """Wait until Redis has the measures of the last event; `but` are those that are left out."""
    last = max(brute_force.micros(event["timestamp"]) for event in events)
    wanted = {name: value for name, value in measures(system, events, last).items() if name not in but}
    found: dict[str, str] = {}

    def there() -> bool:
        fields = system.redis.hgetall(f"{system.namespace}:kpi")
        found.clear()
        found.update({name: value for name, value in fields.items() if name[:8] == "measure:" and name not in but})
        return found == wanted

    try:
        await poll_until(there, 60)
    except AssertionError:
        assert found == wanted
    return found


async def test_measures_stay_exact_through_a_killed_worker_a_new_policy_an_erasure_and_loss(
    make_system: MakeSystem,
) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics(PARTITIONS)
    events = told(system)
    feed = Feed(system, events, 10)
    first, second = system.worker(), system.worker()
    await start(first)

    await run_and_compare(system, events, feed, lambda: lose_a_worker_and_redis(first, second, system, feed))
    found = await published(system, events)
    assert int(found["measure:spent:customers"]) > 20
    document = json.loads(run_command(system.environment, "kpi", "--json").stdout)
    assert document["measures"]["spent"]["customers"] == int(found["measure:spent:customers"])
    assert document["measures"]["reach"] == {"value": float(found["measure:reach"])}

    erased = system.customer("c7")
    run_command(system.environment, "erase", "--yes", erased)
    left = [event for event in events if event["customer_id"] != erased]
    policy = system.folder / f"{system.namespace}.toml"
    text = policy.read_text(encoding="utf-8").replace("group-1", "group-2") + NEW_MEASURES
    policy.write_text(text.replace("[measures.average_purchase]", "[measures.mean]"), encoding="utf-8")
    found = await published(system, left, "measure:reach")
    assert "measure:average_purchase" not in found
    assert int(found["measure:comments:customers"]) > 20
    comments = float(found["measure:comments"])
    await poll_until(lambda: metric(second, "engagement_kpi", figure="measure:comments") == comments, 30)
    assert await asyncio.to_thread(second.stop) == 0
    _break_and_mend(system, left)


def _break_and_mend(system: System, left: Sequence[dict[str, Any]]) -> None:
    def rebuild(*options: str, status: int = 0) -> str:
        return run_command(system.environment, "rebuild", *options, status=status).stdout

    def spent() -> dict[str, Any]:
        document = json.loads(run_command(system.environment, "kpi", "--json").stdout)
        return dict(document["measures"]["spent"])

    right = spent()
    assert "0 differ" in rebuild("--dry-run", "--figures")
    bought = [event for event in left if event["type"] == "purchase" and event["properties"]["amount"] == 120]
    # Partitions end at different times: this one has been judged beyond the end of most of them.
    broken = max(bought, key=lambda event: brute_force.micros(event["timestamp"]))["customer_id"]
    other = min(event["customer_id"] for event in left)
    before = {customer: system.fields(customer) for customer in (broken, other)}
    for key in system.redis.scan_iter(match=f"{system.namespace}:_kpi:*:measures", count=1000):
        [field, *_] = [field for field in system.redis.hkeys(key) if field.startswith("m")]
        system.redis.hincrby(key, field, 10**7)
    system.redis.hdel(f"{system.namespace}:customer:{broken}", "_f0")
    system.redis.hset(f"{system.namespace}:customer:{other}", "score", "1000")
    found = rebuild("--dry-run", "--figures", status=1)
    assert "figures over all customers, measures: " in found
    assert "is not in the measures over all customers" in found
    assert "2 differed and have been replaced" in rebuild("--figures")
    assert "0 differ" in rebuild("--dry-run", "--figures")
    assert spent() == right
    assert {customer: system.fields(customer) for customer in (broken, other)} == before
