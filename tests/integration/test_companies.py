"""The policies of kinds of companies: what vendors write of one customer, to a score, measures and an alert."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from streams.policies.shipped import shipped_policy
from tests.integration import company_feeds as feeds
from tests.integration.conftest import MakeSystem
from tests.midnight import early_enough
from tests.polling import poll_until
from tests.services.kafka_client import Record
from tests.services.system import NAMESPACE, System

HOUR, DAY = 3_600, 86_400
#: What was written, by topic; the time is that of the story's end.
Written = list[tuple[str, Record]]


@dataclass(frozen=True)
class Story:
    """What happens with one customer, who is the one that all ids stand for; and how it ends.

    `then` is what brings the customer below 0, `because` the types that the alert may name: those of the last step.
    `signals` are raised and ended by all of it, whichever topic is read first.
    """

    policy: str
    ids: tuple[str, ...]
    first: Callable[[str, float], Written]
    fields: dict[str, str]
    then: Callable[[str, float], Written]
    score: str
    because: set[str]
    signals: set[str]


def saas(user: str, now: float) -> Written:
    days = [now - day * DAY for day in (9, 7, 5, 3)]
    mail = (f"{user}@example.org".lower(), now - 2 * DAY)
    used = [feeds.segment(user, "Signed In", day) for day in days]
    used += [feeds.segment(user, "Report Created", days[0] + 60 * number) for number in range(3)]
    used += [feeds.segment(user, "", days[1] + n, kind="page", path="/pricing") for n in range(2)]
    used += [feeds.segment(user, "Teammate Invited", days[2]), feeds.identify(user, f"{user}-cookie", days[0])]
    asked = [
        feeds.intercom(user, "conversation.user.created", days[3], "7"),
        feeds.intercom(user, "conversation.admin.replied", days[3] + 2 * HOUR, "7"),
        feeds.intercom(
            user, "conversation.rating.added", days[3] + DAY, "7", conversation_rating={"rating": 5, "remark": None}
        ),
    ]
    paid = [
        feeds.stripe(f"cus-{user}", "customer.subscription.created", days[0]),
        feeds.stripe(f"cus-{user}", "invoice.paid", days[0] + 1, amount_paid=4_900),
    ]
    mailed = [
        feeds.sendgrid((mail[0], "delivered", mail[1])),
        feeds.sendgrid((mail[0], "open", mail[1] + 1), sg_machine_open=True),
        feeds.sendgrid((mail[0], "click", mail[1] + HOUR), url="https://example.org/"),
    ]
    return [
        *at("segment", used),
        *at("intercom", asked),
        *at("stripe", paid),
        *at("sendgrid", mailed),
        *at("typeform", [feeds.typeform(user, days[1], "nps", 9)]),
    ]


def shop(user: str, now: float) -> Written:
    week, month = now - 7 * DAY, now - 30 * DAY
    bought = [
        feeds.shopify(71, "orders/create", week, id=501, total_price="120.00"),
        feeds.shopify(71, "orders/create", month, id=500, total_price="250.00"),
        feeds.shopify(71, "products/update", month),
    ]
    looked = [
        feeds.segment(user, "", week - 300, kind="page", url="https://shop.example/sale/hats"),
        feeds.segment(user, "Product Viewed", week - 200),
        feeds.segment(user, "Product Added", week - 100),
        feeds.segment(user, "Checkout Started", week - 50),
        feeds.segment(user, "Order Completed", week, revenue=120),
        feeds.segment(user, "", month, kind="page", url="https://shop.example/"),
    ]
    address = f"{user}@example.org".lower()
    return [
        *at("rudderstack", looked),
        *at("shopify", bought),
        *at("ses", [feeds.ses(address, "Delivery", week), feeds.ses(address, "Click", week + HOUR)]),
        *at("meta", [feeds.meta(f"psid-{user}", "comment", "add", week)]),
        *at("typeform", [feeds.typeform(user, week + DAY, "stars", 5)]),
        *at("zendesk", [feeds.zendesk(f"zen-{user}", week, "t1")]),
    ]


def publisher(user: str, now: float) -> Written:
    days = [now - day * DAY for day in range(1, 20, 2)]
    address = f"{user}@example.org".lower()
    read = [feeds.snowplow(user, f"/news/article/{number}", day + number) for day in days for number in (1, 2)]
    read += [feeds.snowplow(user, "/", days[0] - 10)]
    mailed = [feeds.postmark(address, "Open", day) for day in days[:8]]
    mailed += [feeds.postmark(address, kind, days[0] + after) for kind, after in (("Delivery", -60), ("Click", 60))]
    paid = [
        feeds.stripe(f"cus-{user}", "customer.subscription.created", days[4]),
        feeds.stripe(f"cus-{user}", "invoice.paid", days[4] + 1, amount_paid=990),
    ]
    said = [feeds.own(user, "comment", days[1], text="Well put.")]
    elsewhere = [feeds.meta(f"psid-{user}", "comment", "add", day) for day in (days[4], days[1])]
    answered = [feeds.own(user, "answered", int(days[4]) + HOUR, object_id="p1")]
    return [
        *at("snowplow", read),
        *at("postmark", mailed),
        *at("stripe", paid),
        *at("comments", said),
        *at("social", answered),
        *at("meta", elsewhere),
    ]


def app(user: str, now: float) -> Written:
    days = [now - day * DAY for day in range(10, 1, -1)]
    used = [feeds.posthog(user, "Application Opened", day) for day in days]
    used += [feeds.posthog(user, "Workout Finished", day + 60 * n) for day in days[:5] for n in (1, 2)]
    used += [feeds.posthog(user, "Rated", days[8] + 30, rating=5)]
    installed = [
        feeds.appsflyer(user, "install", days[0] - 60),
        feeds.appsflyer(user, "af_purchase", days[3], {"af_revenue": 20}),
    ]
    pushed = [
        feeds.braze(user, "users.messages.pushnotification.Send", *days[:3]),
        feeds.braze(user, "users.messages.pushnotification.Open", days[0] + 60),
    ]
    return [*at("posthog", used), *at("appsflyer", installed), *at("braze", pushed)]


def b2b(account: str, now: float) -> Written:
    days = [now - day * DAY for day in (60, 40, 20)]
    address = f"{account}@example.org".lower()
    met = [
        feeds.debezium(account, "contract_signed", days[0], 1, amount=12_000),
        feeds.debezium(account, "call", days[1], 2),
        feeds.debezium(account, "meeting", days[2], 3),
    ]
    used = [feeds.segment(f"{person}-{account}", "Signed In", days[2]) for person in ("jane", "joe")]
    used += [feeds.segment(f"jane-{account}", "Report Created", days[2] + number) for number in range(4)]
    came = [feeds.own(f"jane-{account}", kind, days[1] + n) for n, kind in enumerate(("sign_up", "attendance"))]
    return [
        *at("debezium", met),
        *at("segment", used),
        *at("offline", came),
        *at("postmark", [feeds.postmark(address, kind, days[2] + n) for n, kind in ((0, "Delivery"), (60, "Click"))]),
        *at("zendesk", [feeds.zendesk(f"zen-{account}", days[2], "t2")]),
        *at("typeform", [feeds.typeform(f"jane-{account}", days[1], "nps", 9)]),
    ]


def at(topic: str, records: Iterable[Record]) -> Written:
    return [(topic, record) for record in records]


STORIES = (
    Story(
        "saas",
        ("cus-{}", "{}@example.org"),
        saas,
        # 3 for the plan's page, once a day; 4 logins, 9, 15; a click, a rating less a ticket, 20 and 5, a promoter.
        {
            "score": "72",
            "band": "highly_engaged",
            "product": "31",
            "email": "3",
            "support": "3",
            "commerce": "25",
            "survey": "10",
            "nps": "100",
            "csat": "5",
            "time_to_first_response": "7200",
            "active_days": "4",
            "regularity": "monthly",
            "paid": "49",
            "click_through_rate": "100",
            "lifetime_value": "1788.5",  # 49 in 30 days, for three years
        },
        lambda user, now: at("stripe", [feeds.stripe(f"cus-{user}", "customer.subscription.deleted", now)]),
        "-8",
        {"subscription_cancelled"},
        {"large_fall"},
    ),
    Story(
        "shop",
        ("71", "{}@example.org", "psid-{}", "zen-{}"),
        shop,
        # 6.2 for the way to the order; 10 + 24 and 20 + 50 for the orders; a click, a comment, five stars, a ticket.
        {
            "score": "128.2",
            "band": "power",
            "web": "6.2",
            "commerce": "104",
            "email": "4",
            "social": "4",
            "reviews": "15",
            "support": "-5",
            "purchases": "2",
            "average_purchase": "185",
            "stars": "5",
            "conversion": "40",
            "visitor": "returning",
            "lifetime_value": "6752.5",  # 370 in two months begun, for three years
        },
        lambda user, now: [
            *at("shopify", [feeds.shopify(71, "orders/cancelled", now, id=500, total_price="250.00")]),
            *at("ses", [feeds.ses(f"{user}@example.org".lower(), "Subscription", now)]),
            *at("typeform", [feeds.typeform(user, now, "stars", 1)]),
            *at("zendesk", [feeds.zendesk(f"zen-{user}", now, "t1", public=True, staff=True)]),
        ],
        # 75 less for the order, 40 for the newsletter, 20 for the star.
        "-6.8",
        {"large_purchase", "large_purchase.amount", "cancellation", "unsubscribe", "bad_review"},
        {"upsell", "large_order", "bad_review", "unanswered", "unanswered ended", "large_fall"},
    ),
    Story(
        "publisher",
        ("cus-{}", "{}@example.org", "psid-{}"),
        publisher,
        # 20 articles and the home page, 8 opens and a click, a comment here and two there, 45 for the subscription.
        {
            "score": "86.2",
            "band": "highly_engaged",
            "web": "20.2",
            "email": "11",
            "comments": "4",
            "social": "6",
            "commerce": "45",
            "time_to_answer": "3600",
            "reading": "weekly",
            "reading_days": "10",
            "articles": "20",
            "paid": "9.9",
            "comments_written": "1",
            "click_through_rate": "100",
            "lifetime_value": "361.35",  # 9.90 in 30 days, for three years
        },
        lambda user, now: [
            *at("stripe", [feeds.stripe(f"cus-{user}", "customer.subscription.deleted", now - 1)]),
            *at(
                "postmark",
                [feeds.postmark(f"{user}@example.org".lower(), "SubscriptionChange", now, SuppressSending=True)],
            ),
        ],
        "-33.8",
        {"subscription_cancelled", "unsubscribe"},
        {"large_fall", "comment_unanswered"},
    ),
    Story(
        "app",
        (),
        app,
        # Installed, 9 times opened, 10 workouts, a push opened, five stars; 10 and 20 for the purchase.
        {
            "score": "85",
            "band": "highly_engaged",
            "mobile": "45",
            "commerce": "30",
            "reviews": "10",
            "installs_kept": "1",
            "days_in_use": "9",
            "push_open_rate": "33.33",
            "paid": "20",
            "stars": "5",
            "lifetime_value": "521.43",  # 20 in 28 days, for two years
        },
        lambda user, now: [
            *at("posthog", [feeds.posthog(user, "Push Disabled", now - 2)]),
            *at("braze", [feeds.braze(user, "users.messages.email.Unsubscribe", now - 1)]),
            *at("appsflyer", [feeds.appsflyer(user, "uninstall", now)]),
        ],
        "-5",
        {"push_off", "unsubscribe", "removal"},
        {"large_fall"},
    ),
    Story(
        "b2b",
        ("jane-{}", "joe-{}", "{}@example.org", "zen-{}"),
        b2b,
        # 60 out of the CRM, two people's logins and four reports, a click, a ticket, a promoter, a meeting in person.
        {
            "score": "107",
            "band": "power",
            "account": "60",
            "product": "5",
            "email": "3",
            "support": "-1",
            "survey": "20",
            "offline": "20",
            "meetings": "1",
            "attendance_rate": "100",
            "contracts": "1",
            "contract_value": "12000",
            "nps": "100",
            "days_in_use": "1",
        },
        lambda account, now: at("debezium", [feeds.debezium(account, "contract_cancelled", now, 9)]),
        "-43",
        {"contract_cancelled"},
        {"upsell", "never_started", "unanswered", "large_fall"},
    ),
)


def in_namespace(text: str) -> str:
    """Give a policy topics of a namespace of its own."""
    text = re.sub(r'^topic = "', f'topic = "{NAMESPACE}-', text, flags=re.MULTILINE)
    for section in ("identities", "profiles"):
        text = text.replace(f"\n[{section}]", f'\n[{section}]\ntopic = "{NAMESPACE}-{section}"')
    return text


async def send(system: System, written: Written) -> None:
    """Write records to their topics."""
    for topic in dict(written):
        await system.send_raw(topic, [record for name, record in written if name == topic])


async def wait_for(system: System, customer: str, expected: dict[str, str]) -> None:
    """Wait until fields of a customer have values."""
    found: dict[str, str] = {}

    def reached() -> bool:
        fields = system.fields(customer)
        found.clear()
        found.update({name: fields.get(name, "") for name in expected})
        return found == expected

    try:
        await poll_until(reached, 40)
    except AssertionError:
        assert found == expected
        raise


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.policy)
async def test_what_vendors_write_of_a_customer_is_scored_and_an_end_is_reported(
    make_system: MakeSystem, story: Story
) -> None:
    system, now = make_system(in_namespace(shipped_policy(story.policy)), session_timeout=6), early_enough()
    await system.create_topics(partitions=1)
    customer = system.customer("anna")
    ids = [name.format(customer) for name in story.ids]
    with system.worker():
        await send(system, at("identities", [feeds.link(as_sent(one), customer) for one in ids]))
        await poll_until(lambda: all(linked(system, one, customer) for one in ids), 40)
        first = story.first(customer, now)
        # Topics are read in any order, and who has come into use before the contract is known does not wait for that.
        await send(system, [one for one in first if one[0] == first[0][0]])
        await poll_until(lambda: "score" in system.fields(customer), 40)
        await send(system, [one for one in first if one[0] != first[0][0]])
        await wait_for(system, customer, story.fields)
        assert await system.alerts(customer) == []
        await send(system, story.then(customer, time.time()))
        await wait_for(system, customer, {"score": story.score, "band": "at_risk"})
        *_, alert = await system.wait_for_alerts(customer, 1)
        assert (alert["kind"], alert["severity"], alert["band"]) == ("churn_risk", "critical", "at_risk")
        named = {reason["type"] for reason in alert["reasons"]}
        assert named
        assert named <= story.because
        await poll_until(lambda: raised(system, customer, story.signals), 40)
        assert await system.dead_letters() == []


async def raised(system: System, customer: str, wanted: set[str]) -> bool:
    """Return whether a customer has these signals, and ends of signals."""
    signals = await system.signals(customer)
    return wanted <= {f"{signal['signal']}{' ended' * (signal['kind'] == 'ended')}" for signal in signals}


def linked(system: System, one: str, customer: str) -> bool:
    """Return whether an id stands for the customer."""
    return system.fields(as_sent(one)) == {"customer_id": customer}


def as_sent(one: str) -> str:
    """Write an id as the sources do: addresses in lower case."""
    return one.lower() if "@" in one else one
