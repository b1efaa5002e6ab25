"""Figures by the day: the worked examples of the domain."""

from __future__ import annotations

import pytest

from scoring.customer.state import CustomerState
from scoring.events.event import EventReader
from scoring.figures.band_figures import BandFigure, BandSums
from scoring.figures.channel_figures import channel_figures
from scoring.figures.counted import Counted, counted_fields
from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureSums
from scoring.instants import DAY, HOUR, SECOND
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import DISENGAGED
from streams.policy_file.document import parse_policy

POLICY = parse_policy("""
version = "by-hand"
[bands]
disengaged = 0
engaged = 20
highly_engaged = 40
power = 60
[channels.web]
weights = { page_view = 1, purchase = 20 }
cap = { page_view = 5 }
sessions = "30m"
pages = ["page_view"]
[channels.email]
weights = { delivered = 0, open = 1, click = 5 }
[kpi]
by_day = true
by_channel = true
by_band = true
[measures.click_through_rate]
kind = "share"
of = ["email.click"]
to = ["email.delivered"]
[measures.session_duration]
kind = "session_duration"
channel = "web"
[measures.pages_per_session]
kind = "pages_per_session"
channel = "web"
[measures.bounce_rate]
kind = "bounce_rate"
channel = "web"
[measures.time_on_page]
kind = "time_on_page"
channel = "web"
[measures.opens]
kind = "regularity"
of = ["email.open"]
[measures.revenue]
kind = "sum"
of = ["web.purchase"]
property = "amount"
""")
START = 19_700 * DAY


class Crowd:
    """Customers and what they did."""

    def __init__(self) -> None:
        """Start with nobody."""
        self.states: dict[str, CustomerState] = {}

    def do(self, customer: str, channel: str, kind: str, *seconds: int, day: int = 0, **properties: float) -> None:
        """Let a customer do something at some seconds of a day; at noon where none is given."""
        reader = EventReader(next(each for each in POLICY.channels if each.name == channel))
        for second in seconds or (43_200,):
            time = START + day * DAY + second * SECOND
            body = {"customer_id": customer, "type": kind, "timestamp": time / SECOND, "properties": properties}
            state = self.states.setdefault(customer, CustomerState())
            advance(POLICY, state, [reader.read(body, 1 << 60)[1]], Moment(max(time, state.judged)))

    def fields(self) -> dict[str, int]:
        """Add up what all add to the sums."""
        total: dict[str, int] = {}
        for state in self.states.values():
            counted = Counted(state.panes, state.visits, state.activity.list_changes())
            kept_from = state.pane - POLICY.kept_panes + 1
            for field, amount in counted_fields(POLICY.tally, counted, kept_from).items():
                total[field] = total.get(field, 0) + amount
        return total

    def value(self, name: str, day: int = 0) -> str:
        """Give a measure as of a day."""
        return MeasureSums(self.fields()).figures(POLICY, START // DAY + day)[name].value

    def of_bands(self, day: int) -> dict[str, BandFigure]:
        """Give the figures of the bands as of a day."""
        flows: dict[str, int] = {}
        for state in self.states.values():
            before = "-"
            for changed, band in state.activity.list_changes():
                field = f"f{changed}.{before}{band}"
                flows[field] = flows.get(field, 0) + 1
                before = str(band)
        return BandSums(POLICY, self.fields(), Sums(flows)).figures(START // DAY + day, START // DAY + day)


def test_of_a_thousand_customers_a_hundred_click_and_that_is_ten_percent() -> None:
    crowd = Crowd()
    for number in range(1_000):
        crowd.do(f"{number}", "email", "delivered")
    for number in range(100):
        crowd.do(f"{number}", "email", "click", 43_300, 43_301, 43_302)
    figure = MeasureSums(crowd.fields()).figures(POLICY, START // DAY)["click_through_rate"]
    assert (figure.value, figure.customers, figure.events) == ("10", 1_000, "30")


def test_the_average_session_of_all_customers_takes_five_minutes() -> None:
    crowd = Crowd()
    crowd.do("one", "web", "page_view", 100, 200, 300)
    crowd.do("one", "web", "page_view", 5_000, 5_400)
    crowd.do("another", "web", "page_view", 7_000, 7_300)
    crowd.do("third", "web", "page_view", 9_000)
    # 200, 400, 300 and 0 seconds.
    assert crowd.value("session_duration") == "225"
    crowd.do("third", "web", "page_view", 9_300)
    assert crowd.value("session_duration") == "300"
    assert crowd.value("pages_per_session") == "2.25"
    assert crowd.value("bounce_rate") == "0"
    assert crowd.value("time_on_page") == "240"


def test_a_session_over_midnight_counts_on_the_day_on_which_it_begins() -> None:
    crowd = Crowd()
    crowd.do("one", "web", "page_view", 86_300)
    crowd.do("one", "web", "page_view", 500, day=1)
    assert crowd.value("session_duration") == "600"
    assert {field for field in crowd.fields() if field.startswith("v") and "@" not in field} == {
        f"v{START // DAY}.{POLICY.sessions[next(iter(POLICY.sessions))].channel}{letter}" for letter in "nspm"
    }


def test_readers_are_daily_weekly_and_monthly_ones() -> None:
    crowd = Crowd()
    for day in range(30):
        crowd.do("every day", "email", "open", day=day)
        if day % 7 == 0:
            crowd.do("every week", "email", "open", day=day)
    crowd.do("once", "email", "open", day=20)
    found = MeasureSums(crowd.fields()).figures(POLICY, START // DAY + 29, 10)["opens"].regular
    assert found == {"daily": 1, "weekly": 1, "monthly": 1, "dormant": 7}
    later = MeasureSums(crowd.fields()).figures(POLICY, START // DAY + 45, 10)["opens"].regular
    assert later == {"daily": 0, "weekly": 0, "monthly": 3, "dormant": 7}


def test_points_and_active_customers_of_channels() -> None:
    crowd = Crowd()
    crowd.do("one", "web", "page_view", *range(0, 800, 100))
    crowd.do("one", "email", "delivered")
    crowd.do("another", "web", "purchase", day=3, amount=5)
    sums = MeasureSums(crowd.fields())
    first = channel_figures(POLICY, sums, START // DAY)
    # Five page views count, of eight.
    assert (first["web"].points, first["email"].points) == (5_000_000, 0)
    assert first["web"].active == {"daily_active": 1, "weekly_active": 1, "monthly_active": 1}
    assert first["email"].active == {"daily_active": 0, "weekly_active": 0, "monthly_active": 0}
    third = channel_figures(POLICY, sums, START // DAY + 3)
    assert third["web"].points == 20_000_000
    assert third["web"].active == {"daily_active": 1, "weekly_active": 2, "monthly_active": 2}


def test_engaged_customers_bring_more_side_by_side() -> None:
    crowd = Crowd()
    crowd.do("engaged", "web", "purchase", amount=50)
    crowd.do("engaged", "web", "purchase", day=1, amount=87)
    crowd.do("low", "web", "page_view")
    bands = crowd.of_bands(1)
    # On the first day the customer ends in `engaged`, on the second in `highly_engaged`.
    assert bands["engaged"].measures["revenue"].value == "50"
    assert bands["highly_engaged"].measures["revenue"].value == "87"
    assert bands["disengaged"].types["web.page_view"] == 1
    assert (bands["engaged"].customers, bands["engaged"].customer_days) == (0, 1)
    assert bands["engaged"].a_month["revenue"] == "1500"
    assert bands["disengaged"].a_month["web.page_view"] == "15"
    assert bands["power"].a_month["revenue"] == ""


@pytest.mark.parametrize(("window", "over"), [("1d", "1d"), ("2d", "1d"), ("28d", "7d"), ("28d", "28d")])
def test_who_sees_a_page_a_day_sees_thirty_a_month_however_long_panes_and_time_are(window: str, over: str) -> None:
    pane = "7d" if window == "28d" else "1h"
    policy = parse_policy(f"""
version = "seen"
window = {{ length = "{window}", pane = "{pane}", trend = "{pane}" }}
[channels.web]
weights = {{ page_view = 1 }}
[kpi]
by_band = true
[measures.seen]
kind = "count"
of = ["web.page_view"]
over = "{over}"
""")
    code, last, now = policy.channels[0].types[0].code, START // DAY + 100, START + 100 * DAY + 13 * HOUR
    fields: dict[str, int] = {}
    for day in range(last - 40, last + 1):
        field = f"m{(day * DAY + 12 * HOUR) // policy.pane}.{code}@{DISENGAGED}"
        fields[field] = fields.get(field, 0) + 1
    sums = Sums({f"f{START // DAY}.-{DISENGAGED}": 1})
    band = BandSums(policy, fields, sums).figures(last, now // policy.pane)["disengaged"]
    assert band.a_month == {"web.page_view": "30", "seen": "30"}
