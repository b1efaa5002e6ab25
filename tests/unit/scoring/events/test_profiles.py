"""Profiles and events that tell a customer's segment: what is read, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.errors import InvalidEvent
from scoring.events.event import MOST_AHEAD, Event, EventReader
from scoring.events.profiles import ProfileReader, event_reader
from scoring.instants import SECOND
from scoring.rules.details import PROFILE, Detail
from scoring.rules.segments import Profiles
from streams.policy_file.document import builtin_policy, parse_policy

NOW = 1_700_000_000 * SECOND
LATEST = NOW + MOST_AHEAD
RECORDED = NOW - 7 * SECOND
MEASURED = """
[profiles]
segment = "plan"
[channels.shop]
weights = { buy = 9 }
[measures.spent]
kind = "sum"
of = ["shop.buy"]
property = "amount"
"""


def profile(**fields: Any) -> tuple[str, Event] | None:
    """Read a profile of anna with some fields."""
    return ProfileReader(Profiles()).read({"customer_id": "anna", **fields}, RECORDED, LATEST)


def refused(**fields: Any) -> str:
    """Read a profile that must be refused; give the reason."""
    with pytest.raises(InvalidEvent) as error:
        profile(**fields)
    assert error.value.detail
    return error.value.reason


def told(segment: str, at: int = RECORDED) -> tuple[str, Event]:
    """Give what a good profile is read as."""
    return "anna", Event(at, PROFILE, "", Detail((), "", segment))


def test_a_profile_tells_the_segment_at_the_time_of_its_record() -> None:
    assert profile(segment="enterprise", country="NZ") == told("enterprise")
    assert profile(segment="é" * 32) == told("é" * 32)


def test_a_profile_may_have_a_time_of_its_own() -> None:
    assert profile(segment="trial", timestamp=NOW // SECOND - 99) == told("trial", NOW - 99 * SECOND)


@pytest.mark.parametrize("nobody", [None, ""])
def test_a_profile_may_say_that_a_customer_is_in_no_segment(nobody: object) -> None:
    assert profile(segment=nobody) == told("")


def test_a_profile_without_a_segment_tells_nothing() -> None:
    assert profile(country="NZ") is None


def test_the_policy_names_the_field() -> None:
    reader = ProfileReader(Profiles(segment="plan"))

    assert reader.read({"customer_id": "anna", "segment": "x", "plan": "pro"}, RECORDED, LATEST) == told("pro")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"segment": 7}, "segment_not_a_string"),
        ({"segment": ["a"]}, "segment_not_a_string"),
        ({"segment": "a\nb"}, "segment_not_printable"),
        ({"segment": "x" * 65}, "segment_too_long"),
        ({"segment": "é" * 33}, "segment_too_long"),
        ({"segment": "a", "timestamp": "soon"}, "timestamp_invalid"),
        ({"segment": "a", "timestamp": (LATEST + SECOND) // SECOND}, "timestamp_in_future"),
        ({"segment": "a", "customer_id": ""}, "customer_id_empty"),
        ({"segment": "a", "customer_id": None}, "customer_id_missing"),
        ({"segment": "a", "customer_id": "x" * 257}, "customer_id_too_long"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_reason(fields: dict[str, Any], reason: str) -> None:
    assert refused(**fields) == reason


def test_a_profile_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="not_an_object"):
        ProfileReader(Profiles()).read(["anna"], RECORDED, LATEST)


def read(text: str, properties: object, kind: str = "buy") -> tuple[Event, int]:
    """Read an event of the first channel of a policy; give it, and how many properties were ignored."""
    policy = parse_policy(text)
    reader = event_reader(policy.channels[0], policy)
    value = {"customer_id": "anna", "type": kind, "timestamp": NOW // SECOND, "properties": properties}
    return reader.read(value, LATEST)[1], reader.take_ignored()


@pytest.mark.parametrize("kind", ["buy", "unheard"])
def test_any_event_may_tell_the_segment(kind: str) -> None:
    event, ignored = read(MEASURED, {"plan": "pro", "segment": "x"}, kind)

    assert event.detail is not None
    assert (event.detail.segment, event.detail.amounts, ignored) == ("pro", (), 0)


def test_what_else_an_event_tells_stays() -> None:
    event, _ = read(MEASURED, {"plan": "pro", "amount": 3})
    without, _ = read(MEASURED, {"amount": 3})

    assert without.detail is not None
    assert event.detail == without.detail._replace(segment="pro")


@pytest.mark.parametrize("properties", [None, {}, {"plan": None}, {"plan": ""}])
def test_an_event_that_tells_no_segment_has_no_detail(properties: object) -> None:
    assert read(MEASURED, properties) == (Event(NOW, read(MEASURED, None)[0].code, "", None), 0)


@pytest.mark.parametrize("plan", [3, "x" * 65, "\0", ["pro"]])
def test_a_wrong_segment_is_ignored_and_counted_while_the_event_stands(plan: object) -> None:
    event, ignored = read(MEASURED, {"plan": plan})

    assert (event.detail, ignored) == (None, 1)


def test_a_policy_without_profiles_has_the_plain_reader() -> None:
    policy = builtin_policy()

    assert type(event_reader(policy.channels[0], policy)) is EventReader
