"""What properties make of events, in the real worker: types and points of their own, in Redis, alerts and commands."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from tests.integration.running import Running, run_on
from tests.integration.test_live_policy import put
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka_client import Record, send_batches
from tests.services.system import NAMESPACE, event, metric

POLICY = """
version = "types-1"
[channels.survey]
topic = "NAMESPACE-survey"
weights = { answer = 0, detractor = -30, promoter = 50 }
[[channels.survey.types]]
type = "answer"
as = "detractor"
when = { "properties.score" = { at_most = 6 } }
[[channels.survey.types]]
type = "answer"
as = "promoter"
when = { "properties.score" = { at_least = 9 } }

[channels.news]
topic = "NAMESPACE-news"
weights = { open = 1, click = 3, autumn_open = 2, autumn_click = 6 }
machine = { open = "machine_open" }
[[channels.news.types]]
type = "open"
as = "autumn_open"
when = { "properties.campaign" = "autumn" }
[[channels.news.types]]
type = "click"
as = "autumn_click"
when = { "properties.campaign" = "autumn" }

[channels.shop]
topic = "NAMESPACE-shop"
weights = { purchase = 5, large_purchase = 15, refund = 0, cancellation = 0 }
retracts = { cancellation = ["purchase", "large_purchase"] }
retracts_key = "order_id"
[[channels.shop.types]]
type = "purchase"
as = "large_purchase"
when = { "properties.amount" = { at_least = 100 } }
[channels.shop.points]
large_purchase = { property = "amount", points = 2, per = 10, cap = 500 }
refund = { property = "amount", points = -2, per = 10 }

[channels.web]
weights = { click = 1, price_click = 8 }
[[channels.web.types]]
type = "click"
as = "price_click"
when = { "properties.link" = { starts_with = "https://example.com/prices" } }
[sources.pages]
topic = "NAMESPACE-pages"
channel = "web"
customer = "visitor"
type = "what"
time = "at"
id = "id"
properties = { link = "data.href" }

[measures.autumn_clicks]
kind = "share"
of = ["news.autumn_click"]
to = ["news.autumn_open"]
[measures.nps]
kind = "balance"
of = ["survey"]
property = "score"
[targets.daily_active]
at_least = 1
[targets.nps]
warn_above = -101
benchmark = 40
"""


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with rules."""
    with run_on(request, tmp_path_factory, "real", POLICY) as running:
        yield running


async def wait_for(running: Running, customer: str, **expected: str) -> dict[str, str]:
    """Wait until fields of a customer have values; give all fields."""

    def reached() -> dict[str, str]:
        fields = running.system.fields(customer)
        return fields if {name: fields.get(name) for name in expected} == expected else {}

    return await poll_until(reached, 30)


def made_of(running: Running, customer: str) -> dict[str, tuple[float, float]]:
    """Return by type the count and the points that `engagement show` prints."""
    status, words = running.system.command("show", customer, "--json")
    assert status == 0
    return {part["type"]: (part["count"], part["points"]) for part in json.loads(words)["made_of"]}


async def test_a_detractor_is_worth_less_than_a_promoter_and_an_alert_names_it(running: Running) -> None:
    system, customer = running.system, running.system.customer("detractor")
    at = time.time() - 60
    await system.send("survey", *[event(customer, "answer", at, properties={"score": score}) for score in (9, 7)])
    await wait_for(running, customer, score="50", band="engaged", nps="50")
    await system.send("survey", event(customer, "answer", at + 1, properties={"score": 3}))
    await wait_for(running, customer, score="20", band="disengaged", nps="0")
    assert made_of(running, customer) == {"promoter": (1, 50), "detractor": (1, -30)}
    [alert] = await system.wait_for_alerts(customer, 1)
    assert [(reason["type"], reason["points"]) for reason in alert["reasons"]] == [("detractor", -30)]


async def test_a_campaign_has_opens_and_clicks_of_its_own(running: Running) -> None:
    system, customer = running.system, running.system.customer("reader")
    before = metric(running.worker, "engagement_events_total", channel="news", outcome="property_ignored")
    sent = [
        *(("open", campaign) for campaign in ("autumn", "autumn", "spring", 7)),
        *(("click", campaign) for campaign in ("autumn", "spring")),
    ]
    happened = [event(customer, kind, properties={"campaign": campaign}) for kind, campaign in sent]
    machine = event(customer, "open", properties={"campaign": "autumn", "machine_open": True})
    await system.send("news", *happened, machine)
    await wait_for(running, customer, score=str(2 * 2 + 2 * 1 + 6 + 3), autumn_clicks="50")
    after = metric(running.worker, "engagement_events_total", channel="news", outcome="property_ignored")
    assert after - before == 1


async def test_points_follow_the_amount_of_large_purchases_and_refunds_take_them_back(running: Running) -> None:
    system, customer = running.system, running.system.customer("buyer")
    bought = [event(customer, "purchase", properties={"amount": 99.99, "order_id": "1"})]
    bought.append(event(customer, "purchase", properties={"amount": 120.5, "order_id": "2"}))
    bought.append(event(customer, "purchase", event_id="3", properties={"amount": 450, "order_id": "3"}))
    await system.send("shop", *bought, bought[-1])
    await wait_for(running, customer, score=str(5 + 2 * 15 + 100))
    assert made_of(running, customer)["large_purchase.amount"] == (570.5, 100)
    await system.send("shop", event(customer, "refund", properties={"amount": 30}))
    await wait_for(running, customer, score=str(5 + 2 * 15 + 100 - 6))
    await system.send("shop", event(customer, "cancellation", properties={"order_id": "3"}), partition=1)
    await wait_for(running, customer, score=str(5 + 15 + 24.1 - 6))


async def test_a_click_on_a_given_link_out_of_a_source_has_a_type_of_its_own(running: Running) -> None:
    system, customer = running.system, running.system.customer("visitor")
    at = time.time() - 60
    links = ("https://example.com/prices/2026", "https://example.com/imprint")
    clicks = [
        {"visitor": customer, "what": "click", "at": at, "id": f"{customer}-{number}", "data": {"href": link}}
        for number, link in enumerate(links)
    ]
    values = [Record(json.dumps(click).encode()) for click in (*clicks, clicks[0])]
    await send_batches(system.kafka, f"{system.namespace}-pages", [(0, values)])
    await wait_for(running, customer, score="9", web="9")
    status, words = system.command("types")
    assert (status, words.strip()) == (0, "the policy names every type that came in the last day")


async def test_a_figure_is_told_beside_its_target(running: Running) -> None:
    system, customer = running.system, running.system.customer("figured")
    await system.send("survey", event(customer, "answer", properties={"score": 10}))
    await wait_for(running, customer, score="50")

    def told() -> bool:
        met = [
            metric(running.worker, "engagement_kpi_target_met", figure=name) for name in ("daily_active", "measure:nps")
        ]
        return met == [1, -1]

    await poll_until(told, 60)
    assert metric(running.worker, "engagement_kpi_target", figure="measure:nps", bound="benchmark") == 40
    status, words = system.command("kpi", "--json")
    targets = json.loads(words)["targets"]
    assert (status, targets["daily_active"]["at_least"], targets["daily_active"]["verdict"]) == (0, 1, "met")
    assert (targets["measure:nps"]["benchmark"], targets["measure:nps"]["verdict"]) == (40, "warning")
    status, words = system.command("kpi")
    assert (status, "warning above -101, benchmark 40" in words) == (0, True)


async def test_a_rule_that_changes_holds_for_what_comes_and_after_a_rebuild_for_all(running: Running) -> None:
    system, customer = running.system, running.system.customer("changed")
    answers = [event(customer, "answer", properties={"score": score}) for score in (8, 9)]
    await system.send("survey", answers[0])
    await system.send("shop", event(customer, "purchase", properties={"amount": 200}))
    await wait_for(running, customer, survey="0", shop=str(15 + 40))
    changed = (
        POLICY.replace("types-1", "types-2")
        .replace("at_least = 9", "at_least = 8")
        .replace("points = 2,", "points = 3,")
    )
    put(system, changed.replace(NAMESPACE, system.namespace))
    await wait_for(running, customer, policy_version="types-2", survey="0", shop=str(15 + 60))
    await system.send("survey", answers[1])
    await wait_for(running, customer, survey="50")
    await asyncio.to_thread(run_command, system.environment, "rebuild", timeout=120)
    await wait_for(running, customer, survey="100", shop=str(15 + 60))
