"""Two namespaces on one Kafka and one Redis: two policies judge the same customers, each with alerts of its own."""

from __future__ import annotations

import time

from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH
from tests.polling import poll_until
from tests.services.system import NAMESPACE, event


async def test_two_policies_alert_on_the_same_drop_each_under_an_id_of_its_own(make_system: MakeSystem) -> None:
    first = make_system(MONTH)
    policy = MONTH.replace(NAMESPACE, first.namespace)
    second = make_system(policy.replace("month-1", "gentle-1").replace("unsubscribe = -40", "unsubscribe = -30"))
    await first.create_topics()
    customer, at = first.customer("shared"), int(time.time()) - 60
    with first.worker(), second.worker():
        bought = [event(customer, "purchase", at + n) for n in range(3)]
        await first.send("clickstream", *bought)
        await first.wait_for_score(customer, "60")
        await second.wait_for_score(customer, "60")
        await first.send("email", event(customer, "unsubscribe", at + 10))
        await first.wait_for_score(customer, "20")
        await second.wait_for_score(customer, "30")

        drops = await first.wait_for_alerts(customer, 2)
        told = {drop["namespace"]: (drop["policy_version"], drop["score"]) for drop in drops}
        assert told == {first.namespace: ("month-1", 20), second.namespace: ("gentle-1", 30)}
        assert len({drop["alert_id"] for drop in drops}) == len(drops) == 2

        # The topic of erasures is shared, so whoever is erased in one namespace is erased in all.
        status, output = second.command("erase", customer, "--yes")
        assert status == 0, output
        await poll_until(lambda: first.fields(customer) == second.fields(customer) == {}, 30)
