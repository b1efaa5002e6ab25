"""Figures of segments with real workers: told by profiles, moved by them, on the screen and for Prometheus."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.integration.policies import MONTH
from tests.integration.running import Running, run_on
from tests.polling import poll_until
from tests.services.system import event, metric

POLICY = (
    MONTH
    + """
[profiles]
topic = "NAMESPACE-profiles"
[measures.spent]
kind = "sum"
of = ["clickstream.purchase"]
property = "amount"
"""
)


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with segments and a measure."""
    with run_on(request, tmp_path_factory, "real", POLICY) as running:
        yield running


async def wait_for(running: Running, segment: str, **expected: str) -> None:
    """Wait until figures of a segment have values; a name stands for one with colons."""
    wanted = {name.replace("__", ":"): value for name, value in expected.items()}
    key = f"{running.system.namespace}:kpi:{segment}"

    def there() -> bool:
        found = running.system.redis.hgetall(key)
        return {name: found.get(name) for name in wanted} == wanted

    await poll_until(there, 50)


async def test_figures_follow_customers_from_segment_to_segment(running: Running) -> None:
    system = running.system
    names = [system.customer(f"c{number}") for number in range(6)]
    for number, customer in enumerate(names):
        bought = event(customer, "purchase", properties={"amount": 10 * number, "segment": "free"})
        await system.send("clickstream", bought, event(customer, "page_view", time.time() - 86_400))
    await system.send("profiles", *[{"customer_id": name, "segment": "pro"} for name in names[:2]])

    def all_counted() -> bool:
        status, words = system.command("kpi", "--json")
        return status == 0 and json.loads(words)["segments"] == {"free": 4, "pro": 2}

    await poll_until(all_counted, 30)
    free, pro = (json.loads(system.command("kpi", "--segment", name, "--json")[1]) for name in ("free", "pro"))
    assert free["measures"]["spent"] == {"value": 140.0, "average": 35.0, "customers": 4}
    assert pro["measures"]["spent"] == {"value": 10.0, "average": 5.0, "customers": 2}
    assert (pro["days"][-1]["monthly_active"], pro["days"][-1]["new"], pro["days"][-2]["new"]) == (2, 0, 2)

    await system.send("profiles", *[{"customer_id": name, "segment": "pro"} for name in names[2:]])
    await wait_for(running, "pro", customers="6", measure__spent="150", measure__spent__customers="6")
    await poll_until(lambda: not system.redis.exists(f"{system.namespace}:kpi:free"), 30)
    spent = {"segment": "pro", "figure": "measure:spent"}
    await poll_until(lambda: metric(running.worker, "engagement_segment_kpi", **spent) == 150, 30)
    assert metric(running.worker, "engagement_segment_kpi", segment="free") == 0

    status, words = system.command("kpi", "--segment", "pro", "--json")
    document = json.loads(words)
    assert (status, document["segment"], document["days"][-1]["daily_active"]) == (0, "pro", 6)
    assert document["measures"]["spent"] == {"value": 150.0, "average": 25.0, "customers": 6}
    assert json.loads(system.command("kpi", "--json")[1])["segments"] == {"pro": 6}
    assert "pro 6" in system.command("kpi")[1]
    status, words = system.command("kpi", "--segment", "free")
    assert (status, "there is no customer with a score in segment 'free'" in words) == (1, True)

    assert system.command("erase", "--yes", names[5])[0] == 0
    assert json.loads(system.command("kpi", "--json")[1])["segments"] == {"pro": 5}
    running.worker.stop()
    status, words = system.command("rebuild", "--dry-run", "--figures")
    assert status == 0, words
    group = next(key for key in system.redis.scan_iter(match=f"{system.namespace}:_kpi:*:in:pro", count=1000))
    [field, *_] = [field for field in map(str, system.redis.hkeys(group)) if field.startswith("d")]
    system.redis.hincrby(group, field, 3)
    status, words = system.command("rebuild", "--dry-run", "--figures")
    assert (status, "active in 'pro': " in words) == (1, True), words
    assert system.command("rebuild", "--figures")[0] == 0
    assert system.command("rebuild", "--dry-run", "--figures")[0] == 0
