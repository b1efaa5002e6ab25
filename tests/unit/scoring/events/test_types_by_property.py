"""Which type an event counts as, by its properties."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.events.event import EventReader
from streams.policy_file.document import parse_policy

POLICY = """
[channels.survey]
weights = { answer = 0, detractor = -10, promoter = 8, unhappy = -3 }
[[channels.survey.types]]
type = "answer"
as = "detractor"
when = { "properties.score" = { at_most = 6 } }
unless = { "properties.test" = true }
[[channels.survey.types]]
type = ["answer", "promoter"]
as = "unhappy"
when = { properties.score = { at_most = 7 }, "properties.texts[0]" = { contains = "not" } }
[[channels.survey.types]]
type = "detractor"
as = "promoter"
when = { "properties.score" = { present = true } }

[channels.mail]
weights = { open = 1, click = 5, machine_open = 0, campaign_open = 2 }
machine = { open = "machine_open" }
[[channels.mail.types]]
type = "open"
as = "campaign_open"
when = { "properties.campaign" = ["autumn", "winter"] }
"""


def counts_as(channel: str, kind: str, properties: object) -> tuple[str, int]:
    """Return which type an event counts as, and how many properties were ignored."""
    policy = parse_policy(POLICY)
    [own] = [each for each in policy.channels if each.name == channel]
    reader = EventReader(own, policy.types)
    value = {"customer_id": "anna", "type": kind, "timestamp": 1_700_000_000, "properties": properties}
    _, event = reader.read(value, 10**18)
    return policy.types[event.code].name, reader.take_ignored()


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"score": 0}, "detractor"),
        ({"score": 6}, "detractor"),
        ({"score": 6.5}, "answer"),
        ({"score": 6, "test": True}, "answer"),
        ({"score": 6, "test": "true"}, "detractor"),
        ({"score": 6, "texts": ["not good"]}, "detractor"),
        ({"score": 6, "test": True, "texts": ["not good"]}, "unhappy"),
        ({"score": 7, "texts": ["not good"]}, "unhappy"),
        ({"score": 7, "texts": []}, "answer"),
        ({"score": None}, "answer"),
        ({}, "answer"),
        (None, "answer"),
        ([6], "answer"),
    ],
)
def test_the_first_rule_that_takes_an_event_tells_its_type(properties: object, expected: str) -> None:
    assert counts_as("survey", "answer", properties) == (expected, 0)


def test_no_rule_is_asked_of_the_outcome_of_another() -> None:
    assert counts_as("survey", "answer", {"score": 1})[0] == "detractor"
    assert counts_as("survey", "detractor", {"score": 1})[0] == "promoter"


def test_a_value_of_another_kind_is_ignored_once_unless_a_rule_takes_the_event() -> None:
    assert counts_as("survey", "answer", {"score": "6"}) == ("answer", 1)
    assert counts_as("survey", "answer", {"score": True}) == ("answer", 1)
    assert counts_as("survey", "answer", {"score": 6, "texts": [6]}) == ("detractor", 0)
    assert counts_as("mail", "open", {"campaign": 6}) == ("open", 1)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"machine_open": True, "campaign": "autumn"}, ("machine_open", 0)),
        ({"machine_open": False, "campaign": "winter"}, ("campaign_open", 0)),
        ({"machine_open": "true", "campaign": "winter"}, ("campaign_open", 0)),
        ({"machine_open": "true", "campaign": "spring"}, ("open", 1)),
        ({"campaign": "Autumn"}, ("open", 0)),
    ],
)
def test_the_rule_of_a_machine_is_asked_first(properties: dict[str, Any], expected: tuple[str, int]) -> None:
    assert counts_as("mail", "open", properties) == expected


def test_a_type_without_a_rule_stays_what_it_is() -> None:
    assert counts_as("mail", "click", {"machine_open": True, "campaign": "autumn"}) == ("click", 0)
