"""Worked examples of figures over all customers, by the policy of the page on what is measured, on Kafka and Redis.

Each example is a segment of its own, whose figures are those of all customers if there were no others.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.running import Running, run_on
from tests.integration.test_companies import in_namespace
from tests.polling import poll_until
from tests.services.kafka_client import send_batches
from tests.services.system import System, event, event_record
from tests.unit.docs.reading import DOCS, Document

pytestmark = pytest.mark.timeout(150)

HOUR, DAY = 3_600, 86_400
#: A customer, a channel, a type, the number of days and the hours before midnight of today, and properties.
Happened = tuple[str, str, str, float, dict[str, Any]]


def page_policy() -> str:
    """Give the policy of the page, each channel with a topic of the namespace."""
    page = Document(DOCS / "reference" / "what-is-measured.md")
    with_topics = re.sub(
        r"^\[channels\.(\w+)\]$", r'\g<0>\ntopic = "\1"', "\n".join(page.blocks("toml")), flags=re.MULTILINE
    )
    return in_namespace(with_topics)


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with the policy of the page."""
    with run_on(request, tmp_path_factory, "real", page_policy()) as running:
        yield running


def noon(days: float, after: float = 0) -> float:
    """Give a time so many days ago, so many seconds after noon (UTC)."""
    return (time.time() // DAY - days) * DAY + 12 * HOUR + after


async def send(system: System, segment: str, *happened: Happened) -> None:
    """Write what happened to customers of a segment, each channel to its topic."""
    by_channel = dict[str, list[Any]]()
    for who, channel, kind, at, told in happened:
        body = event(system.customer(f"{segment}-{who}"), kind, at, properties={**told, "plan": segment})
        by_channel.setdefault(channel, []).append(event_record(body))
    for channel, records in by_channel.items():
        await send_batches(system.kafka, system.topic(channel), [(0, records)])


async def told(
    system: System, segment: str, read: Callable[[dict[str, Any]], Any], wanted: object, **period: str
) -> None:
    """Wait until the command prints something of a segment."""
    found: list[object] = [None]
    options = [word for name, day in period.items() for word in (f"--{name}", day)]

    def reached() -> bool:
        status, words = system.command("kpi", "--segment", segment, *options, "--json")
        found[0] = read(json.loads(words)) if status == 0 else words
        return found[0] == wanted

    try:
        await poll_until(reached, 60)
    except AssertionError:
        assert found[0] == wanted
        raise


def day_of(at: float) -> str:
    """Write the day of a time."""
    return time.strftime("%Y-%m-%d", time.gmtime(at))


async def test_sessions_of_a_site_take_5_minutes_on_average_and_one_of_them_bounces(running: Running) -> None:
    views = [("a", 0), ("a", 200), ("a", 6 * HOUR), ("a", 6 * HOUR + 400), ("b", 0), ("b", 300)]
    await send(running.system, "site", *[(who, "web", "page_view", noon(3, after), {}) for who, after in views])
    names = ("session_duration", "pages_per_session", "time_on_page", "bounce_rate")
    await told(
        running.system,
        "site",
        lambda document: [document["days"][-1]["measures"][name]["value"] for name in names],
        [300.0, 2.0, 300.0, 0.0],
    )
    await send(running.system, "site", ("c", "web", "page_view", noon(2), {}))
    redis, key = running.system.redis, f"{running.system.namespace}:kpi:site"
    # Four sessions by now, of 900 seconds, one of them of a single page.
    wanted = ["225", "1.75", "25"]
    await poll_until(lambda: redis.hmget(key, [f"measure:{name}" for name in (*names[:2], names[3])]) == wanted, 90)


async def test_so_many_readers_open_letters_daily_weekly_monthly_or_not_at_all(running: Running) -> None:
    opens: list[Happened] = [("daily", "email", "open", noon(day), {}) for day in range(1, 21)]
    opens += [("weekly", "email", "open", noon(7 * week + 1), {}) for week in range(4)]
    opens += [("monthly", "email", "open", noon(9), {}), ("dormant", "email", "delivered", noon(1), {})]
    await send(running.system, "letters", *opens)
    await told(
        running.system,
        "letters",
        lambda document: document["days"][-1]["measures"]["email_regularity"],
        {"daily": 1, "weekly": 1, "monthly": 1, "dormant": 1},
    )


async def test_each_channel_has_its_points_of_a_day_and_its_active_customers(running: Running) -> None:
    done: list[Happened] = [("a", "web", "page_view", noon(2, after), {}) for after in range(7)]
    done += [("a", "email", "click", noon(2), {}), ("b", "email", "reply", noon(2), {})]
    await send(running.system, "channels", *done)

    def channels(document: dict[str, Any]) -> dict[str, Any]:
        last = document["days"][-1]["channels"]
        return {name: (last[name]["points"], last[name]["daily_active"]) for name in ("web", "email", "social")}

    # Of seven views five count; a click is 5, a reply 8.
    wanted = {"web": (5.0, 1), "email": (13.0, 2), "social": (0.0, 0)}
    await told(running.system, "channels", channels, wanted, to=day_of(noon(2)))


async def test_engaged_customers_bring_37_percent_more_than_others(running: Running) -> None:
    click = {"url": "https://example.com/prices/2026"}
    await send(
        running.system,
        "revenue",
        # 5 and 20 for the amount; and 5 and 27.4 with a click on the prices and a cart, 45.4 in all.
        ("cold", "commerce", "purchase", noon(1), {"amount": 100}),
        ("warm", "commerce", "purchase", noon(1), {"amount": 137}),
        ("warm", "web", "click", noon(1), click),
        ("warm", "web", "add_to_cart", noon(1), {}),
    )

    def revenue(document: dict[str, Any]) -> dict[str, Any]:
        by_band = document["days"][-1]["by_band"]
        own = {band: by_band[band] for band in ("disengaged", "engaged")}
        return {
            band: (each["measures"]["revenue"]["value"], each["a_month"]["revenue"], each["types"]["web.price_click"])
            for band, each in own.items()
        }

    wanted = {"disengaged": (100.0, 3_000.0, 0), "engaged": (137.0, 4_110.0, 1)}
    await told(running.system, "revenue", revenue, wanted, to=day_of(noon(1)))


async def test_a_campaign_has_its_opens_clicks_and_unsubscribes(running: Running) -> None:
    autumn, spring = {"campaign": "autumn"}, {"campaign": "spring"}
    done: list[Happened] = [(who, "email", "open", noon(1), autumn) for who in "abc"]
    done += [("a", "email", "click", noon(1), autumn), ("b", "email", "unsubscribe", noon(1), spring)]
    await send(running.system, "campaigns", *done)
    await told(
        running.system,
        "campaigns",
        lambda document: document["days"][-1]["groups"]["campaign"],
        {
            "missing_at_most": 0,
            "unlisted_at_most": 0,
            "totals": {"email.autumn_open": 3, "email.autumn_click": 1, "email.unsubscribe": 1},
            "values": [
                {"value": "autumn", "email.autumn_open": 3, "email.autumn_click": 1, "email.unsubscribe": 0},
                {"value": "spring", "email.autumn_open": 0, "email.autumn_click": 0, "email.unsubscribe": 1},
            ],
        },
        to=day_of(noon(1)),
    )


async def test_of_four_visitors_two_fill_a_cart_and_one_buys_in_this_order(running: Running) -> None:
    click = {"url": "https://example.com/prices"}
    visit, look, cart = ("web", "page_view"), ("web", "click"), ("web", "add_to_cart")
    buy = ("commerce", "purchase")
    ways = {
        "buys": ((visit, 6), (look, 5), (cart, 4), (buy, 3)),
        "leaves": ((visit, 6), (look, 6), (cart, 5)),
        "looks": ((visit, 6),),
        "other": ((buy, 7), (cart, 7), (visit, 6)),
    }
    done: list[Happened] = [
        (who, *step, noon(day), click if step is look else {}) for who, way in ways.items() for step, day in way
    ]
    await send(running.system, "journey", *done)
    await told(
        running.system,
        "journey",
        lambda document: [step["in_window"] for step in document["days"][-1]["funnels"]["checkout"]],
        [4, 2, 2, 1],
    )


async def test_of_ten_customers_one_is_lost_by_leaving_and_none_by_three_weeks_of_silence(running: Running) -> None:
    came: list[Happened] = [(f"{n}", "web", "page_view", noon(25), {}) for n in range(10)]
    await send(running.system, "leavers", *came, ("3", "email", "unsubscribe", noon(5), {}))
    names = ("customers_at_start", "lost", "churn", "retention")
    period = {"from": day_of(noon(20)), "to": day_of(noon(1))}
    await told(
        running.system, "leavers", lambda document: [document[name] for name in names], [10, 1, 10.0, 90.0], **period
    )


async def test_a_period_that_would_end_before_it_begins_is_refused_with_both_days(running: Running) -> None:
    await send(running.system, "period", ("a", "web", "search", noon(1), {}))
    today, refused = day_of(noon(0)), (2, f"Error: the period would begin on 2999-12-31 and end on {day_of(noon(0))}\n")
    await told(running.system, "period", lambda document: document["days"][-1]["day"], today)
    assert running.system.command("kpi", "--from", "2999-12-31") == refused
