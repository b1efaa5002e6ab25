"""What a producer sent, and what scoring makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.errors import InvalidEvent
from scoring.events.event import MOST_AHEAD, EventReader
from scoring.instants import MINUTE, SECOND
from scoring.policy.channels import type_code
from streams.policy_file.document import builtin_policy

NOW = 1_700_000_000 * SECOND
LATEST = NOW + MOST_AHEAD
EMAIL, SOCIAL = builtin_policy().channels[1:]


def value(**fields: Any) -> dict[str, Any]:
    """A right event but for the given fields; `...` leaves one out."""
    whole = {"customer_id": "anna", "type": "open", "timestamp": NOW // SECOND, "event_id": "1", **fields}
    return {name: content for name, content in whole.items() if content is not ...}


def refused(content: object) -> str:
    """Read what must be refused; give the reason."""
    with pytest.raises(InvalidEvent) as error:
        EventReader(EMAIL).read(content, LATEST)
    assert error.value.detail
    assert str(error.value) == f"{error.value.reason}: {error.value.detail}"
    return error.value.reason


def digest(event_id: object, reader: EventReader | None = None) -> str:
    """Give the digest of an event's id."""
    return (reader or EventReader(EMAIL)).read(value(event_id=event_id), LATEST)[1].digest


def test_an_event_is_reduced_to_customer_time_code_and_digest() -> None:
    customer, event = EventReader(EMAIL).read(value(properties={"campaign": 7}, colour="red"), LATEST)

    assert customer == "anna"
    assert (event.time, event.code) == (NOW, type_code("email", "open"))
    assert len(event.digest) == 10


@pytest.mark.parametrize("content", [None, 3, 1.5, "text", True, [], [value()]])
def test_a_value_that_is_no_object_is_refused(content: object) -> None:
    assert refused(content) == "not_an_object"


@pytest.mark.parametrize(
    ("customer", "reason"),
    [
        (..., "customer_id_missing"),
        (None, "customer_id_missing"),
        ("", "customer_id_empty"),
        (42, "customer_id_not_a_string"),
        (True, "customer_id_not_a_string"),
        (0, "customer_id_not_a_string"),
        ([], "customer_id_not_a_string"),
        ({"id": "anna"}, "customer_id_not_a_string"),
        ("x" * 257, "customer_id_too_long"),
        ("é" * 129, "customer_id_too_long"),
        ("x" + "😀" * 64, "customer_id_too_long"),
        ("x" * 2_000_000, "customer_id_too_long"),
    ],
)
def test_a_customer_that_is_missing_or_wrong_is_refused(customer: object, reason: str) -> None:
    assert refused(value(customer_id=customer)) == reason


@pytest.mark.parametrize(
    "customer",
    ["x" * 256, "é" * 128, "😀" * 64, "a:b", "{a}", "}{", "two\nlines", "\0", " ", "Zoë", "日本", "\u202e", "a b"],
)
def test_any_other_text_of_up_to_256_bytes_is_a_customer(customer: str) -> None:
    assert EventReader(EMAIL).read(value(customer_id=customer), LATEST)[0] == customer


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (..., "type_missing"),
        (None, "type_missing"),
        ("", "type_missing"),
        (7, "type_not_a_string"),
        (["open"], "type_not_a_string"),
    ],
)
def test_a_type_that_is_missing_or_wrong_is_refused(kind: object, reason: str) -> None:
    assert refused(value(type=kind)) == reason


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        (..., "timestamp_missing"),
        (None, "timestamp_missing"),
        ("", "timestamp_invalid"),
        ("yesterday", "timestamp_invalid"),
        ("2023-11-14T22:13:20", "timestamp_invalid"),
        (float("nan"), "timestamp_invalid"),
        (float("inf"), "timestamp_invalid"),
        (True, "timestamp_invalid"),
        ([], "timestamp_invalid"),
        (-1, "timestamp_invalid"),
        ("0001-01-01T00:00:00Z", "timestamp_invalid"),
        ("9999-12-31T23:59:59Z", "timestamp_in_future"),
        (10**30, "timestamp_in_future"),
        (1e30, "timestamp_in_future"),
        ((LATEST + SECOND) // SECOND, "timestamp_in_future"),
        ((LATEST + 1) / SECOND, "timestamp_in_future"),
    ],
)
def test_a_timestamp_that_is_missing_wrong_or_ahead_is_refused(timestamp: object, reason: str) -> None:
    assert refused(value(timestamp=timestamp)) == reason


def test_a_timestamp_beyond_all_numbers_is_refused() -> None:
    assert refused(value(timestamp=1e308)) in ("timestamp_invalid", "timestamp_in_future")


def test_an_event_may_be_five_minutes_ahead() -> None:
    assert MOST_AHEAD == 5 * MINUTE
    assert EventReader(EMAIL).read(value(timestamp=LATEST // SECOND), LATEST)[1].time == LATEST


@pytest.mark.parametrize("event_id", [1.5, True, ["1"], {"id": 1}])
def test_an_event_id_of_another_kind_is_refused(event_id: object) -> None:
    assert refused(value(event_id=event_id)) == "event_id_not_a_string"


@pytest.mark.parametrize("event_id", [None, ...])
def test_an_event_may_have_no_id(event_id: object) -> None:
    assert digest(event_id) == ""


@pytest.mark.parametrize("event_id", ["a", "é" * 1000, "\0", "1" * 100_000])
def test_any_text_is_an_event_id(event_id: str) -> None:
    assert len(digest(event_id)) == 10


def test_an_empty_event_id_is_none() -> None:
    assert digest("") == digest(None) == ""
    assert digest(0) != ""


def test_a_whole_number_is_the_same_id_as_its_text() -> None:
    assert digest(7) == digest("7") != digest("07")


def test_the_same_id_on_two_channels_means_two_events() -> None:
    assert digest("1") == digest("1")
    assert digest("1") != digest("1", EventReader(SOCIAL))


def test_a_type_that_the_policy_does_not_name_has_a_code_all_the_same() -> None:
    reader = EventReader(EMAIL)
    event = reader.read(value(type="forward"), LATEST)[1]

    assert event.code == type_code("email", "forward")
    assert not reader.scores(event.code)
    assert reader.scores(type_code("email", "open"))


def test_an_unknown_type_stays_unknown_when_it_comes_again() -> None:
    reader = EventReader(EMAIL)
    codes = {reader.read(value(type="forward"), LATEST)[1].code for _ in range(3)}

    assert codes == {type_code("email", "forward")}
    assert not reader.scores(*codes)


def test_a_long_new_type_is_not_kept_in_memory() -> None:
    reader = EventReader(EMAIL)
    for _ in range(2):
        assert reader.read(value(type="x" * 1_000_000), LATEST)[1].code == type_code("email", "x" * 1_000_000)

    assert max(map(len, reader._codes)) < 200


def test_endless_new_types_do_not_fill_the_memory() -> None:
    reader = EventReader(EMAIL)
    for number in range(10_500):
        reader.read(value(type=f"t{number}"), LATEST)

    assert len(reader._codes) <= 10_000
    assert reader.read(value(type="t10499"), LATEST)[1].code == type_code("email", "t10499")
    assert reader.read(value(type="open"), LATEST)[1].code == type_code("email", "open")
