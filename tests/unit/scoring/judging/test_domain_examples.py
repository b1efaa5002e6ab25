"""The worked examples of the domain, with the policies that come with the package."""

from __future__ import annotations

from typing import Any

from scoring.customer.measuring import measured
from scoring.customer.state import CustomerState
from scoring.events.event import Event, EventReader
from scoring.instants import DAY, MINUTE, SECOND
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.policies.shipped import shipped_policy
from streams.policy_file.document import parse_policy

NOW = 1_700_000_000 * SECOND // DAY * DAY + DAY // 2
_FAR = NOW + DAY


class Anna:
    """A customer under a shipped policy."""

    def __init__(self, name: str) -> None:
        """Start without events."""
        self.policy: Policy = parse_policy(shipped_policy(name))
        self.state = CustomerState()
        self._readers = {channel.name: EventReader(channel, self.policy.types) for channel in self.policy.channels}
        self._events: list[Event] = []

    def does(self, channel: str, kind: str, ago: int = 0, **properties: Any) -> None:
        """Have one event happen some microseconds before now."""
        value = {"customer_id": "a", "type": kind, "timestamp": (NOW - ago) / SECOND, "properties": properties}
        self._events.append(self._readers[channel].read(value, _FAR)[1])

    @property
    def measures(self) -> dict[str, str]:
        """The measures as they are published."""
        events, self._events = self._events, []
        advance(self.policy, self.state, events, Moment(NOW))
        values = measured(self.policy, self.state)
        return {name: value for name, value in zip(self.policy.measure_names, values, strict=True) if value}


def test_an_average_session_of_5_minutes() -> None:
    anna = Anna("web-email-social")
    for day, minutes in ((3, (0, 2, 4)), (2, (0, 6)), (1, (0, 1, 2, 3, 4, 5))):
        for minute in minutes:
            anna.does("clickstream", "page_view", day * DAY - minute * MINUTE)
    measures = anna.measures
    assert measures["session_duration"] == str(5 * 60)
    assert (measures["sessions"], measures["time_on_site"]) == ("3", str(15 * 60))
    assert (measures["pages_per_session"], measures["bounce_rate"]) == ("3.67", "0")
    assert measures["time_on_page"] == text_of(15 * 60 / (2 + 1 + 5))
    assert (measures["visitor"], measures["active_days"]) == ("returning", "3")


def text_of(value: float) -> str:
    """Write a number with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def test_a_click_through_rate_of_10_percent() -> None:
    anna = Anna("web-email-social")
    for number in range(1_000):
        anna.does("email", "delivered", number * MINUTE)
    for number in range(100):
        anna.does("email", "click", number * MINUTE)
    assert anna.measures["click_through_rate"] == "10"


def test_a_social_engagement_rate_of_7_and_a_half_percent() -> None:
    anna = Anna("web-email-social")
    for kind, count in (("like", 500), ("share", 200), ("comment", 50), ("impression", 4_000)):
        for number in range(count):
            anna.does("social", kind, number * MINUTE)
    anna.does("social", "impression", 3 * DAY, followers=400)
    anna.does("social", "impression", 2 * MINUTE, followers=10_000)
    anna.does("social", "impression", 5 * DAY, followers=25_000)
    measures = anna.measures
    assert (measures["social_interactions"], measures["social_engagement_rate"]) == ("750", "7.5")


def test_a_net_promoter_score_of_40() -> None:
    anna = Anna("survey")
    for rating, count in ((10, 200), (9, 100), (8, 60), (7, 40), (6, 50), (0, 50)):
        for number in range(count):
            anna.does("survey", "nps", number * MINUTE, rating=rating)
    assert anna.measures["nps"] == "40"


def test_an_average_contentment() -> None:
    anna = Anna("survey")
    for rating in (5, 4, 4, 2):
        anna.does("survey", "csat", rating=rating)
    anna.does("survey", "csat", rating="very")
    anna.does("survey", "csat")
    for _ in range(8):
        anna.does("survey", "sent")
    assert (anna.measures["csat"], anna.measures["answer_rate"]) == ("3.75", "75")


def test_a_lifetime_value_of_1200() -> None:
    anna = Anna("commerce")
    for month, amount in enumerate((80, 120) * 6):
        anna.does("commerce", "purchase", month * 365 * DAY // 12, amount=amount)
    measures = anna.measures
    assert (measures["average_purchase"], measures["purchases_per_year"]) == ("100", "12")
    assert measures["lifetime_value"] == "1200"


def test_100_a_month_for_one_month_is_a_lifetime_value_of_1200() -> None:
    for days in (0, 12, 30):
        anna = Anna("commerce")
        anna.does("commerce", "purchase", days * DAY, amount=100)
        measures = anna.measures
        assert (measures["lifetime_value"], measures["purchases_per_year"]) == ("1200", "12"), days
        assert measures["average_purchase"] == "100"
    anna = Anna("commerce")
    for days in (31, 0):
        anna.does("commerce", "purchase", days * DAY, amount=100)
    assert anna.measures["lifetime_value"] == "1200"


def test_silence_and_refunds_take_from_a_lifetime_value() -> None:
    anna = Anna("commerce")
    anna.does("commerce", "purchase", 31 * DAY, amount=100)
    assert anna.measures["lifetime_value"] == "600"
    anna.does("commerce", "refund", DAY, amount=25)
    assert (anna.measures["lifetime_value"], anna.measures["paid"]) == ("450", "75")


def test_an_audience_grows_by_who_follows_less_who_leaves() -> None:
    followed_and_left = Anna("web-email-social")
    followed_and_left.does("social", "follow", 2 * DAY, object_id="page")
    followed_and_left.does("social", "unfollow", DAY, object_id="page")
    assert followed_and_left.measures["audience_growth"] == "0"
    for named in (True, False):
        anna = Anna("web-email-social")
        for page in range(7):
            anna.does("social", "follow", 9 * DAY, **({"object_id": page} if named else {}))
        for page in range(2):
            anna.does("social", "unfollow", DAY, **({"object_id": page} if named else {}))
        assert anna.measures["audience_growth"] == "5"


def test_who_leaves_after_the_window_has_forgotten_the_following_makes_an_audience_smaller() -> None:
    anna = Anna("web-email-social")
    anna.does("social", "follow", 30 * DAY, object_id="page")
    anna.does("social", "unfollow", DAY, object_id="page")
    assert anna.measures["audience_growth"] == "-1"


def test_push_messages_that_nobody_opens_are_no_use_of_an_app() -> None:
    anna = Anna("mobile")
    for day in range(30):
        anna.does("mobile", "push_delivered", day * DAY)
    anna.does("mobile", "install", 3 * DAY)
    anna.does("mobile", "removal", 2 * DAY)
    assert "app_sessions" not in anna.measures
    for minute in (0, 3, 20):
        anna.does("mobile", "launch", DAY - minute * MINUTE)
    anna.does("mobile", "push_delivered", DAY - 7 * MINUTE)
    anna.does("mobile", "push_opened", DAY - 21 * MINUTE)
    measures = anna.measures
    assert (measures["app_sessions"], measures["app_session_duration"]) == ("2", "120")


def test_installs_less_removals() -> None:
    anna = Anna("mobile")
    for kind, days in (("install", 9), ("removal", 5), ("install", 4), ("install", 3)):
        anna.does("mobile", kind, days * DAY)
    for minute in (0, 1, 3, 20):
        anna.does("mobile", "screen_view", 8 * DAY - minute * MINUTE)
    for kind in ("push_delivered",) * 4 + ("push_opened",):
        anna.does("mobile", kind, DAY)
    measures = anna.measures
    assert (measures["installs_kept"], measures["push_open_rate"]) == ("2", "25")
    assert (measures["days_in_use"], measures.get("days_in_use_of_late")) == ("1", None)
    assert measures["use"] == "monthly"


def test_who_signs_up_and_comes() -> None:
    anna = Anna("offline")
    for kind, count in (("sign_up", 4), ("cancellation", 1), ("attendance", 3)):
        for number in range(count):
            anna.does("offline", kind, number * DAY)
    assert anna.measures == {"sign_ups": "3", "attendances": "3", "attendance_rate": "75"}


def test_tickets_and_replies() -> None:
    anna = Anna("support")
    for kind, count in (("ticket_opened", 4), ("agent_reply", 6), ("ticket_solved", 3), ("ticket_reopened", 1)):
        for number in range(count):
            anna.does("support", kind, number * DAY)
    expected = {"tickets": "4", "tickets_open": "2", "replies_per_ticket": "1.5", "reopened_rate": "33.33"}
    assert anna.measures == expected


def opened_on(*days: int, machine: bool = False) -> str:
    """Return the regularity of somebody who opens e-mails on some days before today."""
    anna = Anna("web-email-social")
    anna.does("email", "delivered")
    for day in days:
        anna.does("email", "open", day * DAY, machine_open=machine)
    return anna.measures["email_regularity"]


def test_who_opens_daily_weekly_monthly_or_not_at_all() -> None:
    assert opened_on(*range(30)) == opened_on(*range(14, 30)) == opened_on(*range(0, 32, 2), 1) == "daily"
    assert opened_on(*range(0, 29, 2)) == opened_on(1, 8, 15, 22) == opened_on(1, 8, 22) == "weekly"
    assert opened_on(1, 8) == opened_on(29) == opened_on(0, 0, 0) == "monthly"
    assert opened_on() == opened_on(30) == "dormant"


def test_opens_by_machines_neither_score_nor_make_regular() -> None:
    assert opened_on(*range(30), machine=True) == "dormant"
    anna = Anna("web-email-social")
    anna.does("email", "open", machine_open=True)
    anna.does("email", "open", machine_open=False)
    anna.does("email", "open", machine_open="true")
    assert anna.measures["email_regularity"] == "monthly"
    assert anna.state.score == 2_000_000
