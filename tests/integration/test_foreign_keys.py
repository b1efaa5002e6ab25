"""A customer whose key holds something else: the others go on, also after a restart, and a rebuild brings her back."""

from __future__ import annotations

import asyncio
import time

from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.integration.test_rebuild import audit, rebuild
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.system import event, metric


async def test_one_foreign_key_stops_nobody_else_and_is_replaced_by_a_rebuild(make_system: MakeSystem) -> None:
    system = make_system(COUNTING, session_timeout=6)
    await system.create_topics()
    anna, ben = system.customer("anna"), system.customer("ben")
    key = f"{system.namespace}:customer:{anna}"
    at = time.time() - 3600
    worker = system.worker()
    with worker:
        await system.send("clickstream", *[event(each, "page_view", at) for each in (anna, ben)])
        await system.wait_for_score(anna, "1")
        system.redis.delete(key)
        system.redis.set(key, "planted")
        await system.send("clickstream", *[event(each, "page_view", at) for each in (anna, ben)])
        await system.wait_for_score(ben, "2")
        # The others of a round may be stored before it is known that she cannot be.
        await poll_until(lambda: metric(worker, "engagement_customers_set_aside") == 1, 30)
        assert f"customer '{anna}' is set aside" in worker.log_tail(200)
    refused = await asyncio.to_thread(run_command, system.environment, "show", anna, status=1)
    assert "cannot be read" in refused.stderr
    again = system.worker()
    with again:
        await system.send("clickstream", *[event(each, "page_view", at) for each in (anna, ben)])
        await system.wait_for_score(ben, "3")
        assert set(await audit(system)) == {anna}
        await rebuild(system)
        await system.wait_for_score(anna, "3")
        await system.send("clickstream", event(anna, "page_view", at))
        await system.wait_for_score(anna, "4")
        await poll_until(lambda: metric(again, "engagement_customers_set_aside") == 0, 30)
        assert await audit(system) == {}


async def test_unknown_types_are_named_by_metrics_and_commands(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    anna = system.customer("anna")
    with system.worker() as worker:
        kinds = ["Page-View", "Page-View", "page_view", "invoice"]
        await system.send("clickstream", *[event(anna, kind) for kind in kinds])
        await system.wait_for_score(anna, "1")

        def told() -> bool:
            return metric(worker, "engagement_unknown_types", channel="clickstream", type="Page-View") == 2

        await poll_until(told, 30)
        listed = await asyncio.to_thread(run_command, system.environment, "types", status=1)
        rows = [line.split() for line in listed.stdout.splitlines()]
        assert ["clickstream", "Page-View", "2", "page_view"] in rows
        assert ["clickstream", "invoice", "1"] in rows
        shown = await asyncio.to_thread(run_command, system.environment, "show", anna)
        assert "clickstream Page-View x2, clickstream invoice x1" in " ".join(shown.stdout.split())
