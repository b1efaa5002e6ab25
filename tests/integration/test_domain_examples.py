"""The worked examples of what is measured, through Kafka, a worker and Redis: in a customer's fields and the command.

The policy joins those that come with the package for single channels. Each example has a segment of its own, so its
figures over all customers are those of its segment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from streams.policies.shipped import shipped_policy
from tests.integration.running import Running, run_on
from tests.integration.test_companies import in_namespace
from tests.midnight import away_from_midnight, early_enough
from tests.polling import poll_until
from tests.services.kafka_client import send_batches
from tests.services.system import System, event, event_record

HOUR, DAY = 3_600, 86_400
_PARTS = ("web-email-social", "mobile", "support", "survey", "offline", "commerce")
_HEAD = """
version = "examples-1"
[window]
length = "60d"
pane = "1d"
trend = "30d"
[profiles]
[measures.conversion]
kind = "share"
of = ["commerce.purchase"]
to = ["clickstream.page_view"]
[measures.mood]
kind = "average"
of = ["reviews"]
property = "sentiment"
[signals.left_cart]
after = "clickstream.add_to_cart"
without = "commerce.purchase"
within = "1h"
[signals.mention_unanswered]
after = "mentions.mention"
without = "mentions.answered"
within = "1d"
object = "object_id"
[signals.never_started]
after = "mobile.install"
without_band = "engaged"
within = "14d"
[signals.bought]
on = "commerce.purchase"
cooldown = "365d"
[funnels.after_support]
steps = ["support.ticket_opened", "commerce.purchase"]
within = "7d"
[funnels.after_visit]
steps = ["clickstream.page_view", "commerce.purchase"]
within = "7d"
[measures.time_to_answer]
kind = "duration"
channel = "mentions"
duration = "answer"
[channels.mentions]
topic = "mentions"
weights = { mention = 2, answered = 0 }
durations = { answer = { from = "mention", to = "answered", key = "object_id" } }
[channels.reviews]
topic = "reviews"
weights = { review = 2, praise = 10, complaint = -20 }
sentiment = { text = "comment", model = "vader-1" }
types = [
    { type = "review", as = "complaint", when = { "properties.sentiment" = { at_most = -0.05 } } },
    { type = "review", as = "praise", when = { "properties.sentiment" = { at_least = 0.05 } } },
]
"""
#: A customer, a channel, a type, how many seconds ago, and properties.
Happened = tuple[str, str, str, float, dict[str, Any]]


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with every channel."""
    bodies = "".join(f"[channels.{shipped_policy(name).partition('[channels.')[2]}\n" for name in _PARTS)
    with run_on(request, tmp_path_factory, "real", in_namespace(_HEAD + bodies)) as running:
        yield running


async def send(system: System, segment: str, happened: Iterable[Happened]) -> None:
    """Write what happened to customers of a segment, each channel to its topic."""
    now, by_channel = early_enough(ago=60), dict[str, list[Any]]()
    for who, channel, kind, ago, told in happened:
        body = event(system.customer(f"{segment}-{who}"), kind, now - ago, properties={**told, "segment": segment})
        by_channel.setdefault(channel, []).append(event_record(body))
    for channel, records in by_channel.items():
        await send_batches(system.kafka, system.topic(channel), [(0, records)])


async def figures(system: System, segment: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Wait until the command prints figures of a segment: of measures, of the last day, or of the month."""
    found: dict[str, Any] = {}
    document: dict[str, Any] = {}

    def told() -> bool:
        status, words = system.command("kpi", "--segment", segment, "--json")
        if status == 0:
            document.update(json.loads(words))
            flat = {**document["days"][-1], **document["measures"], **document}
            found.update({name: flat[name] for name in wanted})
        return found == wanted

    try:
        await poll_until(told, 60)
    except AssertionError:
        assert found == wanted
        raise
    return document


async def fields(system: System, customer: str, **wanted: str) -> None:
    """Wait until fields of a customer in Redis have values."""
    found: dict[str, str] = {}

    def told() -> bool:
        known = system.fields(system.customer(customer))
        found.update({name: known.get(name, "") for name in wanted})
        return found == wanted

    try:
        await poll_until(told, 60)
    except AssertionError:
        assert found == wanted
        raise


async def test_a_session_takes_5_minutes_on_average(running: Running) -> None:
    times = [3 * DAY - minute * 60 for minute in (0, 2, 4)]
    times += [2 * DAY, 2 * DAY - 6 * 60, *[DAY - minute * 60 for minute in range(6)]]
    await send(running.system, "sessions", [("a", "clickstream", "page_view", at, {}) for at in times])
    await fields(
        running.system,
        "sessions-a",
        session_duration="300",
        sessions="3",
        time_on_site="900",
        pages_per_session="3.67",
        time_on_page="112.5",
        bounce_rate="0",
        visitor="returning",
        active_days="3",
    )


async def test_a_click_through_rate_is_10_percent_of_people_however_often_one_clicks(running: Running) -> None:
    sent: list[Happened] = [(f"{number}", "email", "delivered", DAY, {}) for number in range(1_000)]
    clicks: list[Happened] = [(f"{number}", "email", "click", HOUR, {}) for number in range(100)]
    clicks += [("0", "email", "click", HOUR - 60 * number, {}) for number in range(1, 15)]
    await send(running.system, "mail", [*sent, *clicks])
    await figures(
        running.system,
        "mail",
        {"click_through_rate": {"value": 10.0, "events": 11.4, "customers": 1_000}},
    )


async def test_a_conversion_rate_is_the_share_of_visitors_who_bought(running: Running) -> None:
    came: list[Happened] = [
        (f"{number}", "clickstream", "page_view", DAY - 60 * page, {}) for number in range(40) for page in range(3)
    ]
    bought: list[Happened] = [(f"{number}", "commerce", "purchase", HOUR, {"amount": 20}) for number in (1, 1, 2)]
    await send(running.system, "visitors", [*came, *bought])
    await figures(running.system, "visitors", {"conversion": {"value": 5.0, "events": 2.5, "customers": 40}})


async def test_letters_are_opened_daily_weekly_monthly_or_not_at_all(running: Running) -> None:
    opens: list[Happened] = [("daily", "email", "open", day * DAY, {}) for day in range(31)]
    opens += [("weekly", "email", "open", week * 7 * DAY, {}) for week in range(6)]
    opens += [("monthly", "email", "open", 9 * DAY, {}), ("dormant", "email", "delivered", DAY, {})]
    opens += [("machine", "email", "open", day * DAY, {"machine_open": True}) for day in range(31)]
    await send(running.system, "letters", opens)
    for name in ("daily", "weekly", "monthly", "dormant"):
        await fields(running.system, f"letters-{name}", email_regularity=name)
    await fields(running.system, "letters-machine", email_regularity="dormant", score="0")


async def test_750_interactions_of_10000_followers_are_7_and_a_half_percent(running: Running) -> None:
    kinds = ["like"] * 500 + ["share"] * 200 + ["comment"] * 50 + ["impression"] * 300
    done: list[Happened] = [
        (f"{number % 60}", "social", kind, HOUR + number, {"followers": 9_000}) for number, kind in enumerate(kinds)
    ]
    done += [("reach", "social", "impression", 60, {"followers": 10_000})]
    await send(running.system, "posts", done)
    document = await figures(running.system, "posts", {"social_engagement_rate": {"value": 7.5}})
    assert document["measures"]["social_interactions"]["value"] == 750
    await fields(running.system, "posts-reach", score="0", social="0")


async def test_an_audience_grows_and_apps_stay_by_who_comes_less_who_goes(running: Running) -> None:
    come_and_gone: list[Happened] = [(f"{number}", "social", "follow", 9 * DAY, {}) for number in range(7)]
    come_and_gone += [(f"{number}", "social", "unfollow", DAY, {}) for number in range(2)]
    come_and_gone += [(f"{number}", "mobile", "install", 9 * DAY, {}) for number in range(8)]
    come_and_gone += [(f"{number}", "mobile", "removal", DAY, {}) for number in range(5)]
    come_and_gone += [("0", "mobile", "push_delivered", DAY, {}), ("0", "mobile", "push_opened", HOUR, {})]
    come_and_gone += [("1", "mobile", "push_delivered", DAY, {})]
    await send(running.system, "audience", come_and_gone)
    document = await figures(
        running.system, "audience", {"push_open_rate": {"value": 50.0, "events": 50.0, "customers": 2}}
    )
    told = {name: document["measures"][name]["value"] for name in ("audience_growth", "installs_kept")}
    assert told == {"audience_growth": 5, "installs_kept": 3}


async def test_answers_take_3_minutes_and_solutions_2_hours(running: Running) -> None:
    done = [
        *(
            ("ticket_opened", 0, "a"),
            ("agent_reply", 60, "a"),
            ("agent_reply", 1_800, "a"),
            ("ticket_solved", 7_200, "a"),
        ),
        *(("ticket_opened", 0, "b"), ("agent_reply", 300, "b"), ("ticket_opened", 3_600, "c")),
    ]
    happened: list[Happened] = [
        ("a", "support", kind, DAY - after, {"ticket_id": ticket}) for kind, after, ticket in done
    ]
    await send(running.system, "desk", happened)
    await fields(
        running.system,
        "desk-a",
        time_to_first_response="180",
        time_to_resolution="7200",
        tickets="3",
        tickets_open="2",
    )


async def test_a_net_promoter_score_is_40_and_contentment_an_average(running: Running) -> None:
    ratings = [10] * 200 + [9] * 100 + [8] * 60 + [7] * 40 + [6] * 50 + [0] * 50
    answers: list[Happened] = [(f"{n}", "survey", "nps", HOUR, {"rating": rating}) for n, rating in enumerate(ratings)]
    answers += [(f"{n}", "survey", "csat", HOUR, {"rating": rating}) for n, rating in enumerate((5, 4, 4, 2))]
    await send(running.system, "answers", answers)
    document = await figures(running.system, "answers", {"nps": {"value": 40.0}})
    assert document["measures"]["csat"]["value"] == 3.75


async def test_who_signs_up_and_who_comes_is_counted(running: Running) -> None:
    came: list[Happened] = [(f"{number}", "offline", "sign_up", 9 * DAY, {}) for number in range(4)]
    came += [(f"{number}", "offline", "attendance", DAY, {}) for number in range(3)]
    await send(running.system, "meeting", came)
    document = await figures(
        running.system, "meeting", {"attendance_rate": {"value": 75.0, "events": 75.0, "customers": 4}}
    )
    assert document["measures"]["attendances"] == {"value": 3, "average": 1, "customers": 3}


async def test_100_a_month_for_one_month_is_a_lifetime_value_of_1200_and_refunds_take_back(running: Running) -> None:
    await send(running.system, "buyers", [("a", "commerce", "purchase", 9 * DAY, {"amount": 100})])
    worth = {"lifetime_value": "1200", "average_purchase": "100", "purchases_per_year": "12"}
    await fields(running.system, "buyers-a", **worth)
    await send(running.system, "buyers", [("a", "commerce", "refund", DAY, {"amount": 25})])
    await fields(running.system, "buyers-a", lifetime_value="900", paid="75")


async def test_10000_5000_and_12000_are_a_retention_of_70_percent_each_divided_by_100(running: Running) -> None:
    there: list[Happened] = [(f"{number}", "clickstream", "click", 35 * DAY, {}) for number in range(100)]
    stayed: list[Happened] = [(f"{number}", "clickstream", "click", 9 * DAY, {}) for number in range(70)]
    new: list[Happened] = [(f"new-{number}", "clickstream", "click", 15 * DAY, {}) for number in range(50)]
    await send(running.system, "readers", [*there, *stayed, *new])
    await figures(
        running.system,
        "readers",
        {"retention": 70.0, "customers_at_start": 100, "acquired": 50, "customers_at_end": 120},
    )


async def test_100_lost_of_1000_are_a_churn_of_10_percent(running: Running) -> None:
    there: list[Happened] = [(f"{number}", "clickstream", "click", 35 * DAY, {}) for number in range(1_000)]
    stayed: list[Happened] = [(f"{number}", "clickstream", "click", 9 * DAY, {}) for number in range(900)]
    await send(running.system, "subscribers", [*there, *stayed])
    await figures(running.system, "subscribers", {"churn": 10.0, "customers_at_start": 1_000, "lost": 100})


async def test_daily_weekly_and_monthly_users_stickiness_and_who_returns(running: Running) -> None:
    await away_from_midnight()
    used: list[Happened] = [(f"{number}", "mobile", "launch", 20 * DAY, {}) for number in range(20)]
    used += [(f"{number}", "mobile", "launch", 5 * DAY, {}) for number in range(10)]
    used += [(f"{number}", "mobile", "launch", 0, {}) for number in range(5)]
    used += [(f"{number}", "mobile", "launch", 50 * DAY, {}) for number in range(15)]
    await send(running.system, "users", used)
    await figures(
        running.system,
        "users",
        {
            "daily_active": 5,
            "weekly_active": 10,
            "monthly_active": 20,
            "stickiness": 25.0,
            "returning_share": 75.0,
            "active_days": 1.75,
        },
    )
    await fields(running.system, "users-0", days_in_use="4", days_in_use_of_late="2", use="monthly")


async def test_customers_who_used_support_come_back_more_often_than_visitors_do(running: Running) -> None:
    came: list[Happened] = [(f"{number}", "clickstream", "page_view", 6 * DAY, {}) for number in range(10)]
    came += [(f"{number}", "support", "ticket_opened", 5 * DAY, {"ticket_id": f"{number}"}) for number in range(4)]
    came += [(f"{number}", "commerce", "purchase", 2 * DAY, {"amount": 5}) for number in (0, 1, 2, 9)]
    await send(running.system, "helped", came)
    found: dict[str, list[int]] = {}

    def told() -> bool:
        _, words = running.system.command("kpi", "--segment", "helped", "--json")
        funnels = json.loads(words)["days"][-1]["funnels"]
        found.update({name: [step["in_window"] for step in steps] for name, steps in funnels.items()})
        return found == {"after_support": [4, 3], "after_visit": [10, 4]}

    await poll_until(told, 60)


async def test_bands_divide_customers_and_make_the_engagement_index(running: Running) -> None:
    system = running.system
    points = {"risk": -40, "cold": 40, "warm": 41, "hot": 71, "power": 101}
    done: list[Happened] = [("risk", "email", "unsubscribe", HOUR, {})]
    for who, most in points.items():
        # 20 for each purchase of a day up to three, 1 for each search, and so on up to the number.
        days, rest = divmod(max(most, 0), 20)
        done += [(who, "commerce", "purchase", day * DAY, {"amount": 1}) for day in range(days)]
        done += [(who, "clickstream", "page_view", day * DAY, {}) for day in range(rest)]
    await send(system, "bands", done)
    wanted = {"risk": "at_risk", "cold": "disengaged", "warm": "engaged", "hot": "highly_engaged", "power": "power"}
    for who, band in wanted.items():
        await fields(system, f"bands-{who}", score=str(points[who]), band=band)
        assert list(system.bands_of(system.customer(f"bands-{who}"))) == [band]
    document = await figures(
        system, "bands", {"engaged_share": 40.0, "responsive_share": 20.0, "disengaged_share": 40.0}
    )
    assert document["days"][-1]["bands"] == dict.fromkeys(wanted.values(), 1)
    [alert] = await system.wait_for_alerts(system.customer("bands-risk"), 1)
    assert (alert["kind"], alert["severity"], alert["segment"]) == ("churn_risk", "critical", "bands")


async def test_what_a_text_sounds_like_is_a_number_that_stays_what_it_was(running: Running) -> None:
    system = running.system
    texts = ("Great service, will buy again!", "It does what it says", "Terrible. It arrived broken, nobody answered.")
    reviews = [("a", "reviews", "review", HOUR - at, {"comment": text}) for at, text in enumerate(texts)]
    await send(system, "reviews", reviews)
    # 0.6588, 0 and -0.7351.
    await fields(system, "reviews-a", score=str(10 + 2 - 20), reviews="-8", mood="-0.03")
    [alert] = await system.wait_for_alerts(system.customer("reviews-a"), 1)
    assert [reason["type"] for reason in alert["reasons"]] == ["complaint"]
    own = ("b", "reviews", "review", HOUR, {"comment": "Ganz furchtbar", "sentiment": -0.9})
    await send(system, "reviews", [own])
    await fields(system, "reviews-b", score="-20", mood="-0.9")


async def test_segments_have_the_same_figures_to_be_compared(running: Running) -> None:
    await away_from_midnight()
    for segment, customers in (("free", 3), ("paying", 2)):
        done: list[Happened] = [(f"{n}", "commerce", "purchase", 0, {"amount": 5}) for n in range(customers)]
        await send(running.system, segment, done)
    for segment, customers in (("free", 3), ("paying", 2)):
        document = await figures(running.system, segment, {"daily_active": customers})
        assert document["measures"]["paid"] == {"value": 5 * customers, "average": 5, "customers": customers}
    _, words = running.system.command("kpi", "--segments", "--json")
    beside = json.loads(words)["by_segment"]
    assert [beside[segment]["measure:paid"] for segment in ("free", "paying")] == ["15", "10"]


async def test_moments_at_which_to_act_are_signals(running: Running) -> None:
    system = running.system
    # Answers come first: whoever has been answered in time is not told of, though the question is read later.
    await send(
        system,
        "moments",
        [
            ("buyer", "commerce", "purchase", 1.5 * HOUR, {"amount": 5}),
            ("asked", "mentions", "answered", 10 * HOUR, {"object_id": "answered"}),
            ("waits", "support", "agent_reply", 10 * HOUR, {"ticket_id": "answered"}),
        ],
    )
    await fields(system, "moments-buyer", score="20")
    done: list[Happened] = [(who, "clickstream", "add_to_cart", 2 * HOUR, {}) for who in ("buyer", "visitor")]
    for each in ("answered", "open"):
        done.append(("asked", "mentions", "mention", 25 * HOUR, {"object_id": each}))
        done.append(("waits", "support", "ticket_opened", 25 * HOUR, {"ticket_id": each}))
    done += [("served", "mentions", "mention", 25 * HOUR, {"object_id": "x"})]
    done += [("served", "mentions", "answered", 24 * HOUR, {"object_id": "x"})]
    done += [("idle", "mobile", "install", 15 * DAY, {}), ("angry", "survey", "nps", HOUR, {"rating": 6})]
    done += [("content", "survey", "nps", HOUR, {"rating": 7})]
    done += [("best", "commerce", "purchase", day * DAY, {"amount": 5}) for day in range(6, 0, -1)]
    await send(system, "moments", done)
    wanted = {
        "buyer": ["bought"],
        "visitor": ["left_cart"],
        "asked": ["mention_unanswered"],
        "served": [],
        "waits": ["unanswered"],
        "idle": ["never_started"],
        "angry": ["detractor"],
        "content": [],
        "best": ["bought", "upsell"],
    }
    await fields(system, "moments-served", time_to_answer="3600")
    found: dict[str, list[str]] = {}

    async def told() -> bool:
        signals = await system.signals()
        for who in wanted:
            own = [each for each in signals if each["customer_id"] == system.customer(f"moments-{who}")]
            found[who] = [f"{each['signal']}{' ended' * (each['kind'] == 'ended')}" for each in own]
        return found == wanted

    try:
        await poll_until(told, 60)
    except AssertionError:
        assert found == wanted
        raise
