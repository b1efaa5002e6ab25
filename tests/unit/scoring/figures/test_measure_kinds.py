"""Each kind of measure on numbers that can be worked by hand; the window is three days, two views a day in January."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.customer.measuring import measured
from scoring.customer.state import CustomerState
from scoring.events.event import Event, EventReader
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from streams.policies.shipped import shipped_policy
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY, at, policy_with

#: Type, time and the amount in its properties.
DONE = [
    ("view", "01 09:00", None),
    ("view", "01 10:00", 4),
    ("buy", "01 11:00", 10),
    ("view", "02 09:00", 2.5),
    ("buy", "02 10:00", "dear"),
    ("buy", "02 11:00", 20.5),
    ("quit", "03 09:00", -3),
]


def value(table: str, done: list[tuple[str, str, Any]] = DONE, now: str = "03 12:00") -> str:
    """Take one measure."""
    policy = parse_policy(f"{POLICY}[measures.taken]\n{table}")
    reader = EventReader(policy.channels[0], policy.types)
    events: list[Event] = []
    for kind, time, amount in done:
        properties = {"amount": amount}
        body = {"customer_id": "anna", "type": kind, "timestamp": at(time) / 1e6, "properties": properties}
        events.append(reader.read(body, at("9999 00:00"))[1])
    state = CustomerState()
    advance(policy, state, events, Moment(at(now)))
    (taken,) = measured(policy, state)
    return taken


@pytest.mark.parametrize(
    ("table", "taken"),
    [
        ('kind = "count"\nof = ["web.view"]', "3"),
        ('kind = "count"\nof = ["web"]\nover = "2d"', "4"),
        ('kind = "count"\nof = ["web.view"]\nper = "1d"', "1"),
        ('kind = "count"\nof = ["web.view"]\nover = "2d"\nper = "30d"', "15"),
        ('kind = "count"\nof = ["web.view"]\nover = "2d"\nper = "30d"\ntimes = 0.5', "7.5"),
        ('kind = "count"\nof = ["web.complain"]', ""),
        ('kind = "sum"\nof = ["web.view", "web.buy"]\nproperty = "amount"', "37"),
        ('kind = "sum"\nof = ["web.buy"]\nproperty = "amount"\nper = "365d"\ntimes = 2', "7421.67"),
        ('kind = "sum"\nof = ["web.buy"]\nproperty = "price"', ""),
        ('kind = "average"\nof = ["web.buy"]\nproperty = "amount"', "15.25"),
        ('kind = "average"\nof = ["web"]\nproperty = "amount"\ntimes = 10', "68"),
        ('kind = "average"\nof = ["web.buy"]\nproperty = "amount"\nover = "1d"', ""),
        ('kind = "difference"\nof = ["web.buy"]\nless = ["web.view", "web.quit"]', "-1"),
        ('kind = "difference"\nof = ["web.buy"]\nless = ["web.view"]', "0"),
        ('kind = "difference"\nof = ["web.glance"]\nless = ["web.complain"]', ""),
        ('kind = "ratio"\nof = ["web.quit"]\nto = ["web.view"]', "0.33"),
        ('kind = "ratio"\nof = ["web.glance"]\nto = ["web.view"]\ntimes = 100', "0"),
        ('kind = "ratio"\nof = ["web.view"]\nto = ["web.glance"]', ""),
        ('kind = "ratio"\nof = ["web.buy"]\nproperty = "amount"\nto = ["web.view"]', "10.17"),
        ('kind = "ratio"\nof = ["web.view"]\nto = ["web.buy"]\nto_property = "amount"\ntimes = 100', "9.84"),
        (
            'kind = "ratio"\nof = ["web.buy"]\nproperty = "amount"\nto = ["web.view"]\nto_property = "amount"',
            "4.69",
        ),
        ('kind = "ratio"\nof = ["web.view"]\nto = ["web.quit"]\nto_property = "amount"', "-1"),
        ('kind = "ratio"\nof = ["web.view"]\nto = ["web.view", "web.buy"]\nto_latest = "amount"', "0.15"),
        ('kind = "ratio"\nof = ["web.view"]\nto = ["web.quit"]\nto_latest = "amount"', ""),
        ('kind = "ratio"\nof = ["web.buy"]\nproperty = "amount"\nto = ["web.view"]\nto_latest = "amount"', "12.2"),
        ('kind = "balance"\nof = ["web"]\nproperty = "amount"', "-20"),
        ('kind = "balance"\nof = ["web"]\nproperty = "amount"\nhigh = 4\nlow = -3', "40"),
        ('kind = "balance"\nof = ["web.quit"]\nproperty = "price"', ""),
        ('kind = "panes"\nof = ["web.view", "web.quit"]', "3"),
        ('kind = "panes"\nof = ["web.buy"]', "2"),
        ('kind = "panes"\nof = ["web.buy"]\nover = "1d"', ""),
    ],
)
def test_a_measure_is_what_its_definition_says(table: str, taken: str) -> None:
    assert value(table) == taken


def test_weeks_begin_on_mondays() -> None:
    policy = policy_with(
        ('length = "3d"', 'length = "14d"'),
        text=POLICY + '[measures.taken]\nkind = "regularity"\nof = ["web.view"]\n',
    )
    reader = EventReader(policy.channels[0])

    def regularity(*days: int) -> str:
        state = CustomerState()
        bodies = [{"customer_id": "a", "type": "view", "timestamp": at(f"{day:02} 12:00") / 1e6} for day in days]
        events = [reader.read(body, at("9999 00:00"))[1] for body in bodies]
        advance(policy, state, events, Moment(at("14 13:00")))
        return measured(policy, state)[0]

    # The first of January 2024 was a Monday.
    assert regularity(1, 7) == regularity(8, 14) == "monthly"
    assert regularity(7, 8) == "weekly"


def test_a_duration_is_the_average_of_the_seconds_between_two_types_of_one_object() -> None:
    """Two tickets answered after 60 and 300 seconds, one not at all."""
    policy = parse_policy(shipped_policy("support"))
    reader = EventReader(policy.channels[0], policy.types)
    done = [
        ("ticket_opened", "01 09:00", "a"),
        ("agent_reply", "01 09:05", "b"),
        ("ticket_opened", "01 09:00", "b"),
        ("agent_reply", "01 09:01", "a"),
        ("agent_reply", "01 09:30", "a"),
        ("ticket_opened", "01 10:00", "c"),
        ("ticket_solved", "01 11:00", "a"),
    ]
    state = CustomerState()
    for kind, time, ticket in done:
        body = {"customer_id": "anna", "type": kind, "timestamp": at(time) / 1e6, "properties": {"ticket_id": ticket}}
        advance(policy, state, [reader.read(body, at("9999 00:00"))[1]], Moment(at("02 12:00")))
    taken = dict(zip(policy.measure_names, measured(policy, state), strict=True))
    assert (taken["time_to_first_response"], taken["time_to_resolution"]) == ("180", "7200")
