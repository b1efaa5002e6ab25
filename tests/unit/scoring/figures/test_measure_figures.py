"""Measures over all customers: the worked examples of the domain, and who is in them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scoring.customer.state import CustomerState
from scoring.events.event import EventReader
from scoring.figures.measure_figures import MeasureFigure, MeasureSums
from scoring.figures.tally_fields import tally_panes
from scoring.instants import DAY, SECOND
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.policies.shipped import shipped_policy
from streams.policy_file.document import parse_policy

POLICY = """
version = "by-hand"
[window]
length = "365d"
pane = "1d"
trend = "7d"
[channels.survey]
weights = { nps = 1, csat = 1 }
[channels.email]
weights = { delivered = 0, click = 5 }
[channels.social]
weights = { like = 1, share = 4, comment = 4, impression = 0 }
[channels.commerce]
weights = { purchase = 20, refund = -20 }
[measures.nps]
kind = "balance"
of = ["survey.nps"]
property = "rating"
[measures.csat]
kind = "average"
of = ["survey.csat"]
property = "rating"
[measures.click_through_rate]
kind = "ratio"
of = ["email.click"]
to = ["email.delivered"]
times = 100
[measures.engagement_rate]
kind = "ratio"
of = ["social.like", "social.share", "social.comment"]
to = ["social"]
to_latest = "followers"
times = 100
[measures.interactions]
kind = "count"
of = ["social.like", "social.share", "social.comment"]
over = "7d"
[measures.lifetime_value]
kind = "sum"
of = ["commerce.purchase"]
property = "amount"
per = "365d"
[measures.kept]
kind = "difference"
of = ["commerce.purchase"]
less = ["commerce.refund"]
[measures.active_days]
kind = "panes"
of = ["social"]
"""
START = 19_700 * DAY


@pytest.fixture
def policy() -> Policy:
    return parse_policy(POLICY)


class Crowd:
    """Customers and what they did."""

    def __init__(self, policy: Policy) -> None:
        """Start with nobody."""
        self.policy = policy
        self.states: dict[str, CustomerState] = {}

    def do(self, customer: str, channel: str, kind: str, count: int = 1, day: int = 0, **properties: float) -> None:
        """Let a customer do something, some times, in the middle of a day."""
        reader = EventReader(next(each for each in self.policy.channels if each.name == channel))
        time = START + day * DAY + DAY // 2
        body = {"customer_id": customer, "type": kind, "timestamp": time / SECOND, "properties": properties}
        events = [reader.read(body, 1 << 60)[1]] * count
        state = self.states.setdefault(customer, CustomerState())
        advance(self.policy, state, events, Moment(time))

    def figures(self, day: int = 0) -> Mapping[str, MeasureFigure]:
        """Give the measures of them all as of a day."""
        fields: dict[str, int] = {}
        for state in self.states.values():
            for field, amount in tally_panes(self.policy.tally, state.panes).items():
                newest = max(amount, fields.get(field, 0))
                fields[field] = newest if field[0] == "^" else fields.get(field, 0) + amount
        return MeasureSums(fields).figures(self.policy, START // DAY + day)


def test_nps_is_that_of_all_answers(policy: Policy) -> None:
    crowd = Crowd(policy)
    for number in range(50):
        for rating, count in ((9, 3), (10, 3), (7, 1), (8, 1), (0, 1), (6, 1)):
            crowd.do(f"{number}", "survey", "nps", count, rating=rating)
    # 300 promoters, 100 passives and 100 detractors of 500.
    assert crowd.figures()["nps"] == MeasureFigure("40")


def test_csat_is_the_average_of_all_answers_and_not_of_averages(policy: Policy) -> None:
    crowd = Crowd(policy)
    crowd.do("one", "survey", "csat", 3, rating=5)
    crowd.do("another", "survey", "csat", 1, rating=1)
    assert crowd.figures()["csat"].value == "4"


def test_click_through_rate_is_clicks_of_all_that_was_delivered(policy: Policy) -> None:
    crowd = Crowd(policy)
    for number in range(100):
        crowd.do(f"{number}", "email", "delivered", 10)
    for number in range(20):
        crowd.do(f"{number}", "email", "click", 5)
    assert crowd.figures()["click_through_rate"].value == "10"


def shipped(name: str) -> Crowd:
    """Make a crowd under a policy that comes with the package."""
    return Crowd(parse_policy(shipped_policy(name)))


def test_a_click_through_rate_is_of_people_and_clicks_have_a_figure_of_their_own() -> None:
    crowd = shipped("web-email-social")
    for number in range(10):
        crowd.do(f"{number}", "email", "delivered")
    crowd.do("3", "email", "click", 15)
    crowd.do("nobody wrote to", "email", "click")
    assert crowd.figures()["click_through_rate"] == MeasureFigure("10", "", 10, "160")


@pytest.mark.parametrize(
    ("policy", "name", "channel", "to", "of"),
    [
        ("web-email-social", "click_through_rate", "email", "delivered", "click"),
        ("mobile", "push_open_rate", "mobile", "push_delivered", "push_opened"),
        ("survey", "answer_rate", "survey", "sent", "csat"),
        ("offline", "attendance_rate", "offline", "sign_up", "attendance"),
    ],
)
def test_a_rate_of_people_is_never_more_than_all_of_them(
    policy: str, name: str, channel: str, to: str, of: str
) -> None:
    crowd = shipped(policy)
    for number in range(4):
        crowd.do(f"{number}", channel, to)
    crowd.do("0", channel, of, 9, day=1)
    assert crowd.figures(day=1)[name] == MeasureFigure("25", "", 4, "225")
    assert crowd.figures(day=0)[name] == MeasureFigure("0", "", 4, "0")
    assert crowd.figures(day=400)[name] == MeasureFigure("", "", 0, "")


def test_social_engagement_rate_is_all_interactions_of_the_followers_that_there_are(policy: Policy) -> None:
    crowd = Crowd(policy)
    crowd.do("first", "social", "like", 250, followers=9_000)
    crowd.do("second", "social", "like", 250, day=1, followers=10_000)
    crowd.do("third", "social", "share", 200, day=1)
    crowd.do("fourth", "social", "comment", 50, day=1)
    assert crowd.figures(day=1)["engagement_rate"].value == "7.5"
    assert crowd.figures(day=1)["interactions"] == MeasureFigure("750", "187.5", 4)
    assert crowd.figures(day=7)["interactions"] == MeasureFigure("500", "166.67", 3)
    assert crowd.figures(day=8)["interactions"] == MeasureFigure("", "", 0)


def test_average_lifetime_value_is_over_those_who_have_one(policy: Policy) -> None:
    crowd = Crowd(policy)
    for month in range(12):
        crowd.do("regular", "commerce", "purchase", day=30 * month, amount=100)
    # 100 for each of 12 purchases a year, for a year.
    assert crowd.figures(day=340)["lifetime_value"] == MeasureFigure("1200", "1200", 1)
    crowd.do("once", "commerce", "purchase", day=5, amount=600)
    crowd.do("reader", "email", "click")
    assert crowd.figures(day=340)["lifetime_value"] == MeasureFigure("1800", "900", 2)
    crowd.do("once", "commerce", "refund", day=341)
    assert crowd.figures(day=341)["kept"] == MeasureFigure("12", "6", 2)
    assert crowd.figures(day=370 - 1)["lifetime_value"] == MeasureFigure("1700", "850", 2)
    assert crowd.figures(day=370)["lifetime_value"] == MeasureFigure("1100", "1100", 1)


def test_what_cannot_be_added_up_is_left_out_and_nothing_is_made_of_nothing(policy: Policy) -> None:
    figures = Crowd(policy).figures()
    assert "active_days" not in figures
    assert {name for name, figure in figures.items() if figure.customers == 0} == {
        "interactions",
        "lifetime_value",
        "kept",
    }
    assert {figure.value for figure in figures.values()} == {""}


def test_a_value_of_nothing_is_no_value_and_a_sum_of_nothing_is_one(policy: Policy) -> None:
    crowd = Crowd(policy)
    crowd.do("guest", "commerce", "purchase", amount=0)
    crowd.do("guest", "commerce", "purchase", amount=5)
    crowd.do("other", "commerce", "purchase", amount=-5)
    assert crowd.figures()["lifetime_value"] == MeasureFigure("0", "0", 2)
