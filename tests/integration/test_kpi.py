"""The figures over all customers are those of the raw events: through a killed worker, erasures, loss and rebuild."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.test_group import (
    PARTITIONS,
    POLICY,
    START,
    Feed,
    history,
    lose_a_worker_and_redis,
    run_and_compare,
    start,
)
from tests.polling import poll_until
from tests.reference import brute_force, figures
from tests.services.command import run_command
from tests.services.system import System, metric
from tests.services.worker import WorkerProcess

pytestmark = pytest.mark.slow
FIRST_DAY = START // figures.DAY
DAYS = 46


def day(number: int) -> str:
    return brute_force.rfc3339((FIRST_DAY + number) * figures.DAY)[:10]


def wanted(system: System, events: Sequence[dict[str, Any]], first: int, last: int) -> dict[str, Any]:
    """Compute the figures of days by brute force, all events being judged."""
    policy = brute_force.parse_policy((system.folder / f"{system.namespace}.toml").read_text())
    customers = brute_force.histories(map(json.dumps, events), policy)
    rows = {row.customer_id: row for row in brute_force.evaluate_all(customers, policy)}
    bands = [figures.band_history(customers[name][0].time, row.band_changes) for name, row in rows.items()]
    return figures.document(figures.active_days(customers, policy), bands, FIRST_DAY + first, FIRST_DAY + last)


def differences(system: System, events: Sequence[dict[str, Any]], first: int = 0, last: int = DAYS) -> list[str]:
    """Compare what the command prints with the brute force."""
    printed = run_command(system.environment, "kpi", "--json", "--from", day(first), "--to", day(last)).stdout
    return figures.differences(wanted(system, events, first, last), json.loads(printed))


async def published(system: System, events: Sequence[dict[str, Any]], worker: WorkerProcess) -> None:
    """Wait until Redis and Prometheus have the figures of the last day."""
    last = brute_force.micros(max(event["timestamp"] for event in events)) // figures.DAY - FIRST_DAY
    right = wanted(system, events, last - 29, last)
    today = right["days"][-1]

    def there() -> bool:
        found = system.redis.hgetall(f"{system.namespace}:kpi")
        names = ("daily_active", "weekly_active", "monthly_active", "returned")
        return bool(
            found
            and found["day"] == today["day"]
            and [int(found[name]) for name in names] == [today[name] for name in names]
            and (float(found["retention"]), int(found["lost"])) == (right["retention"], right["lost"])
            and found["flow:engaged:disengaged"] == str(right["flows"]["engaged disengaged"])
            and metric(worker, "engagement_kpi", figure="monthly_active") == today["monthly_active"]
        )

    await poll_until(there, 60)


async def test_figures_stay_exact_when_a_worker_is_killed_and_redis_is_emptied_and_a_customer_erased(
    make_system: MakeSystem,
) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics(PARTITIONS)
    events = history(system, 12_000)
    feed = Feed(system, events, 10)
    first, second = system.worker(), system.worker()
    await start(first)

    await run_and_compare(system, events, feed, lambda: lose_a_worker_and_redis(first, second, system, feed))
    assert differences(system, events) == []
    assert differences(system, events, 33, 40) == []
    await published(system, events, second)

    def rebuild(*options: str, status: int = 0) -> str:
        return run_command(system.environment, "rebuild", *options, status=status).stdout

    erased = system.customer("c7")
    run_command(system.environment, "erase", "--yes", erased)
    left = [event for event in events if event["customer_id"] != erased]
    assert differences(system, left) == []
    assert await asyncio.to_thread(second.stop) == 0

    assert "0 differ" in rebuild("--dry-run", "--figures")
    assert "0 differed" in rebuild()
    assert differences(system, left) == []
    sums = next(iter(system.redis.scan_iter(match=f"{system.namespace}:_kpi:*", count=1000)))
    system.redis.hincrby(sums, f"d{FIRST_DAY + 5}", 3)
    broken = system.customer("c9")
    [name, *_] = [name for name in system.redis.hkeys(f"{system.namespace}:customer:{broken}") if name.startswith("_a")]
    system.redis.hdel(f"{system.namespace}:customer:{broken}", name)
    assert differences(system, left) != []
    found = rebuild("--dry-run", "--figures", status=1)
    assert "figures over all customers, active: " in found
    assert "the list of active days is " in found
    assert "1 differed and have been replaced" in rebuild("--figures")
    assert differences(system, left) == []
    assert "0 differ" in rebuild("--dry-run", "--figures")
