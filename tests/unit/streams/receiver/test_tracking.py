"""Segment's tracking API: requests as its libraries send them, and the calls that are made of them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.instants import SECOND, parse_timestamp
from streams.errors import RequestRefused
from streams.receiver.tracking import METHODS, calls_of, read_document, write_key_of

NOW = parse_timestamp("2026-11-30T10:00:00Z")


def call(method: str = "track", **document: Any) -> dict[str, Any]:
    """Give the one call of a request."""
    (found,) = calls_of(method, document, NOW)
    read = orjson.loads(found.value)
    assert isinstance(read, dict)
    return read


def test_the_methods_are_those_of_the_documentation_and_the_letters_of_analytics_js() -> None:
    names = {"track", "page", "screen", "identify", "group", "alias"}
    assert {name for name, kind in METHODS.items() if not kind} == {"batch", "b", "import"}
    assert {name: kind for name, kind in METHODS.items() if kind} == {
        **{name: name for name in names},
        "t": "track",
        "p": "page",
        "s": "screen",
        "i": "identify",
        "g": "group",
        "a": "alias",
    }


@pytest.mark.parametrize("method", [name for name, kind in METHODS.items() if kind])
def test_a_call_has_the_type_of_its_path(method: str) -> None:
    assert call(method, userId="ada", type="other")["type"] == METHODS[method]


def test_the_write_key_is_not_handed_on() -> None:
    assert "writeKey" not in call(writeKey="k", userId="ada")
    (batched,) = calls_of("b", {"writeKey": "k", "batch": [{"writeKey": "k", "type": "track"}]}, NOW)
    assert b"writeKey" not in batched.value


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"userId": "ada", "anonymousId": "x"}, b"ada"),
        ({"userId": None, "anonymousId": "x"}, b"x"),
        ({"userId": 7}, b"7"),
        ({}, None),
    ],
)
def test_the_key_of_the_record_is_the_customer(document: dict[str, Any], key: bytes | None) -> None:
    (found,) = calls_of("t", document, NOW)
    assert found.key == key


def test_an_id_is_given_where_there_is_none_and_kept_where_there_is() -> None:
    assert call(messageId="ajs-1")["messageId"] == "ajs-1"
    given = {call()["messageId"] for _ in range(10)}
    assert len(given) == 10


@pytest.mark.parametrize(
    ("times", "timestamp"),
    [
        # The clock of the device is an hour slow, and the call waited for ten seconds.
        ({"timestamp": "2026-11-30T08:59:50Z", "sentAt": "2026-11-30T09:00:00Z"}, "2026-11-30T09:59:50Z"),
        ({"originalTimestamp": "2026-11-30T08:59:50Z", "sentAt": "2026-11-30T09:00:00Z"}, "2026-11-30T09:59:50Z"),
        ({"timestamp": "2026-11-30T10:59:50+02:00", "sentAt": "2026-11-30T11:00:00+02:00"}, "2026-11-30T09:59:50Z"),
        # History has no `sentAt`, or one that is no time.
        ({"timestamp": "2020-01-01T00:00:00Z"}, "2020-01-01T00:00:00Z"),
        ({"timestamp": "2020-01-01T00:00:00Z", "sentAt": "today"}, "2020-01-01T00:00:00Z"),
        ({}, "2026-11-30T10:00:00Z"),
        # What is no time is for the worker to refuse.
        ({"timestamp": "yesterday", "sentAt": "2026-11-30T09:00:00Z"}, "yesterday"),
        ({"timestamp": "9999-12-31T23:59:59Z", "sentAt": "2000-01-01T00:00:00Z"}, "9999-12-31T23:59:59Z"),
        ({"timestamp": "1970-01-01T00:00:00Z", "sentAt": "2999-01-01T00:00:00Z"}, "1970-01-01T00:00:00Z"),
    ],
)
def test_the_time_is_right_though_the_clock_of_the_device_is_not(times: dict[str, str], timestamp: str) -> None:
    found = call(**times)
    assert found["timestamp"] == timestamp
    assert found["receivedAt"] == "2026-11-30T10:00:00Z"
    original = times.get("timestamp", times.get("originalTimestamp"))
    assert found.get("originalTimestamp") == (None if original == "yesterday" else original)


def test_a_batch_becomes_its_calls_with_what_they_share() -> None:
    document = {
        "batch": [
            {"type": "track", "userId": "ada", "event": "A", "timestamp": "2026-11-30T09:00:00Z", "context": {"b": 2}},
            {"type": "page", "anonymousId": "x", "timestamp": "2026-11-30T09:00:01Z"},
            {
                "type": "identify",
                "userId": "eva",
                "sentAt": "2026-11-30T09:00:59Z",
                "timestamp": "2026-11-30T09:00:59Z",
            },
        ],
        "context": {"a": 1, "b": 1},
        "integrations": {"All": True},
        "sentAt": "2026-11-30T09:00:02Z",
    }
    found = [orjson.loads(each.value) for each in calls_of("batch", document, NOW)]
    assert [each["type"] for each in found] == ["track", "page", "identify"]
    assert [each["timestamp"] for each in found] == [
        "2026-11-30T09:59:58Z",
        "2026-11-30T09:59:59Z",
        "2026-11-30T10:00:00Z",
    ]
    assert [each["context"] for each in found] == [{"a": 1, "b": 2}, {"a": 1, "b": 1}, {"a": 1, "b": 1}]
    assert [each["integrations"] for each in found] == [{"All": True}] * 3


def test_what_is_no_call_in_a_batch_is_handed_on_for_the_worker_to_refuse() -> None:
    found = calls_of("b", {"batch": [5, None, {"type": "track", "context": 5}], "context": {"a": 1}}, NOW)
    assert [orjson.loads(each.value) for each in found[:2]] == [5, None]
    assert orjson.loads(found[2].value)["context"] == 5
    assert calls_of("b", {"batch": []}, NOW + SECOND) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused) as error:
        read_document(body)
    assert (error.value.status, error.value.code) == (400, "malformed")
    assert "surrogates" not in str(error.value)


@pytest.mark.parametrize("document", [{}, {"batch": {}}, {"batch": None}])
def test_a_batch_without_calls_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused) as error:
        calls_of("batch", document, NOW)
    assert (error.value.status, error.value.code) == (400, "malformed")


@pytest.mark.parametrize(
    ("authorization", "document", "key"),
    [
        ("Basic a2V5Og==", {}, "key"),  # key:
        ("basic a2V5Og==", {"writeKey": "other"}, "key"),
        ("", {"writeKey": "key"}, "key"),
        ("Bearer key", {}, ""),
        ("Basic !!", {"writeKey": "key"}, "key"),
        ("", {"writeKey": None}, ""),
        ("", {}, ""),
    ],
)
def test_the_write_key_is_the_user_or_stands_in_the_body(
    authorization: str, document: dict[str, Any], key: str
) -> None:
    assert write_key_of(authorization, document) == key


def test_a_call_that_is_nested_too_deeply_is_refused() -> None:
    deep = orjson.loads(b'{"a":' * 500 + b"1" + b"}" * 500)
    for method, document in (("t", deep), ("b", {"batch": [deep]}), ("b", {"batch": [[deep]]})):
        with pytest.raises(RequestRefused) as error:
            calls_of(method, document, NOW)
        assert (error.value.status, error.value.code) == (400, "malformed")


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
TIMES = st.datetimes().map(lambda time: time.isoformat() + "Z") | SCALARS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
CALLS = st.dictionaries(
    st.sampled_from(["userId", "anonymousId", "messageId", "context", "event", "type", "writeKey"]), JSON
).flatmap(
    lambda call: st.fixed_dictionaries({}, optional={"timestamp": TIMES, "sentAt": TIMES}).map(lambda at: call | at)
)


@given(st.sampled_from(sorted(METHODS)), CALLS, st.lists(CALLS | JSON), st.integers(0, NOW))
def test_whatever_comes_becomes_calls_with_an_id_and_a_time(
    method: str, shared: dict[str, Any], batch: list[Any], now: int
) -> None:
    document = orjson.loads(orjson.dumps(shared | {"batch": batch}, default=str))
    found = calls_of(method, document, now)
    assert len(found) == (1 if METHODS[method] else len(batch))
    for each in found:
        call = orjson.loads(each.value)
        if isinstance(call, dict):
            assert call["messageId"]
            assert call["timestamp"]
            assert "writeKey" not in call
