"""Measures in Redis: the real worker, from events on several partitions to fields, on the screen and as time passes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.integration.policies import MONTH, SECONDS
from tests.integration.running import Running, run_on
from tests.polling import poll_until
from tests.services.system import event, metric

_MEASURES = """
[measures.sessions]
kind = "sessions"
channel = "clickstream"
[measures.session_duration]
kind = "session_duration"
channel = "clickstream"
[measures.average_purchase]
kind = "average"
of = ["clickstream.purchase"]
property = "amount"
[measures.click_through_rate]
kind = "ratio"
of = ["email.click"]
to = ["email.open", "email.machine_open"]
times = 100
[measures.email_regularity]
kind = "regularity"
of = ["email.open"]
"""
MEASURED = (
    MONTH.replace("[channels.clickstream]", '[channels.clickstream]\nsessions = "30m"').replace(
        "[channels.email]", '[channels.email]\nmachine = { open = "machine_open" }'
    )
    + _MEASURES
)
FLEETING = SECONDS + '[measures.of_late]\nkind = "panes"\nof = ["social.comment"]\nover = "12s"\n'


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with measures."""
    with run_on(request, tmp_path_factory, "real", MEASURED) as running:
        yield running


@pytest.fixture(scope="module")
def fleeting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker whose window is seconds."""
    with run_on(request, tmp_path_factory, "real", FLEETING) as fleeting:
        yield fleeting


async def wait_for(running: Running, customer: str, **expected: str) -> dict[str, str]:
    """Wait until fields of a customer have values; give all fields."""

    def reached() -> dict[str, str]:
        fields = running.system.fields(customer)
        return fields if {name: fields.get(name) for name in expected} == expected else {}

    return await poll_until(reached, 30)


async def test_sessions_join_what_comes_late_from_other_partitions(running: Running) -> None:
    system, customer = running.system, running.system.customer("visitor")
    start = int(time.time()) - 7_200
    await system.send("clickstream", event(customer, "page_view", start), event(customer, "page_view", start + 3_000))
    await wait_for(running, customer, sessions="2", session_duration="0")
    await system.send("clickstream", event(customer, "page_view", start + 1_500), partition=2)
    await wait_for(running, customer, sessions="1", session_duration="3000")
    running.restart()
    await system.send("clickstream", event(customer, "page_view", start + 4_799), partition=1)
    await wait_for(running, customer, sessions="1", session_duration="4799")
    await system.send("clickstream", event(customer, "page_view", start + 6_600), partition=3)
    await wait_for(running, customer, sessions="2", session_duration="2399.5")


async def test_properties_are_averaged_and_wrong_ones_are_counted(running: Running) -> None:
    system, customer = running.system, running.system.customer("buyer")
    before = metric(running.worker, "engagement_events_total", channel="clickstream", outcome="property_ignored")
    bought = [event(customer, "purchase", properties={"amount": amount}) for amount in (19.99, 30, "much", None)]
    await system.send("clickstream", *bought)
    await wait_for(running, customer, score="80", average_purchase="25")
    counted = metric(running.worker, "engagement_events_total", channel="clickstream", outcome="property_ignored")
    assert counted - before == 1


async def test_opens_by_machines_neither_score_nor_make_regular(running: Running) -> None:
    system, customer = running.system, running.system.customer("reader")
    opened = [event(customer, "open", properties={"machine_open": True}) for _ in range(3)]
    await system.send("email", *opened, event(customer, "click"))
    fields = await wait_for(running, customer, score="5", click_through_rate="33.33")
    assert fields["email_regularity"] == "dormant"
    await system.send("email", event(customer, "open", properties={"machine_open": False}))
    await wait_for(running, customer, score="6", click_through_rate="25", email_regularity="monthly")


async def test_show_tells_the_measures(running: Running) -> None:
    system, customer = running.system, running.system.customer("shown")
    await system.send("clickstream", event(customer, "purchase", properties={"amount": 12.5}))
    await wait_for(running, customer, average_purchase="12.5")
    status, words = system.command("show", customer, "--json")
    document = json.loads(words)
    assert (status, document["average_purchase"], document["sessions"]) == (0, 12.5, 1.0)
    status, words = system.command("show", customer)
    assert status == 0
    assert ["average_purchase", "12.5", "30d"] in [line.split() for line in words.splitlines()]


async def test_a_measure_goes_as_its_panes_leave_though_nothing_comes(fleeting: Running) -> None:
    system, customer = fleeting.system, fleeting.system.customer("fleeting")
    await system.send("social", event(customer, "comment", time.time()))
    await wait_for(fleeting, customer, of_late="1", score="4")

    def gone() -> bool:
        fields = system.fields(customer)
        return "of_late" not in fields and fields["score"] == "4"

    await poll_until(gone, 40)
