"""Values: lists, templates, constants and conversions; and times in their units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from scoring.mapping.times import parse_time
from scoring.mapping.values import compile_value, parse_value


def value_of(written: Any, record: Any) -> Any:
    return compile_value(parse_value(written), 0).get((None, record, record))


@pytest.mark.parametrize(
    ("written", "record", "value"),
    [
        (["a", "b"], {"a": None, "b": "x"}, "x"),
        (["a", "b"], {"a": "", "b": "x"}, "x"),
        (["a", "b"], {"a": 0, "b": "x"}, 0),
        (["a", "b"], {"a": False, "b": "x"}, False),
        (["a", "b"], {"a": "", "b": ""}, None),
        (["a", {"is": "none"}], {}, "none"),
        (["{a}.{b}", "c"], {"c": "x"}, "x"),
        ("a", {"a": ""}, ""),
        ("{a}.{b}", {"a": "x", "b": "y"}, "x.y"),
        ("{a}.{b}", {"a": "x"}, "x"),
        ("{a}.{b}", {"b": "y"}, "y"),
        ("{a}.{b}", {"a": "x", "b": ""}, "x"),
        ("{a}.{b}", {}, None),
        ("{a}-{b}:{c}", {"a": "x", "c": "z"}, "x:z"),
        ("{a}-{b}:{c}", {"b": "y", "c": "z"}, "y:z"),
        ("p/{a}.{b}!", {"b": "y"}, "p/y!"),
        ("p/{a}!", {}, None),
        ("{a}:{b}:{c}:{d}", {"a": 1, "b": 1.5, "c": True, "d": {"no": "text"}}, "1:1.5:true"),
        ('{a."b.c"}:{x[k=v].n}', {"a": {"b.c": "q"}, "x": [{"k": "v", "n": 2}]}, "q:2"),
        ({"is": "nps"}, {}, "nps"),
        ({"is": 5}, {}, 5),
        ({"path": "a", "as": "number"}, {"a": "24.50"}, 24.5),
        ({"path": "a", "as": "number"}, {"a": "24"}, 24),
        ({"path": "a", "as": "number"}, {"a": " -.5e1 "}, -5.0),
        ({"path": "a", "as": "number"}, {"a": 7}, 7),
        ({"path": "a", "as": "number"}, {"a": "7 EUR"}, None),
        ({"path": "a", "as": "number"}, {"a": "nan"}, None),
        ({"path": "a", "as": "number"}, {"a": "1e999"}, None),
        ({"path": "a", "as": "number"}, {"a": True}, None),
        ({"path": "a", "as": "number"}, {}, None),
        ({"path": ["a", "b"], "as": "boolean"}, {"b": "true"}, True),
        ({"path": "a", "as": "boolean"}, {"a": "False"}, False),
        ({"path": "a", "as": "boolean"}, {"a": 1}, True),
        ({"path": "a", "as": "boolean"}, {"a": "yes"}, None),
        ({"path": "a", "as": "boolean"}, {"a": True}, True),
    ],
)
def test_a_value_is_looked_up_put_together_or_converted(written: Any, record: Any, value: Any) -> None:
    found = value_of(written, record)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "written",
    [
        5,
        None,
        [],
        [5],
        {},
        {"is": []},
        {"path": "a", "as": "text"},
        {"as": "number"},
        {"is": 1, "path": "a"},
        "{a",
        "a}",
        "{}",
    ],
)
def test_what_is_no_value_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_value(written)


SECOND = 1_793_923_334_841_000


@pytest.mark.parametrize(
    ("value", "time_format", "time"),
    [
        (1_793_923_334.841, "s", SECOND),
        (1_793_923_334, "s", SECOND - 841_000),
        ("1793923334", "s", SECOND - 841_000),
        ("1793923334.841", "s", SECOND),
        (1_793_923_334_841, "ms", SECOND),
        ("1793923334841", "ms", SECOND),
        (SECOND, "us", SECOND),
        (str(SECOND), "us", SECOND),
        (5, "s", 5_000_000),
        (1_793_923_334_841, "auto", SECOND),
        ("2026-11-06T00:02:14.841Z", "auto", SECOND),
        ("2026-11-06T00:02:14.841Z", "utc", SECOND),
        ("2026-11-06T00:02:14.841+00:00", "utc", SECOND),
        ("2026-11-06 00:02:14.841", "utc", SECOND),
        ("2026-11-06T00:02:14.841", "utc", SECOND),
        ("2026-11-06 02:02:14.841 +02:00", "auto", SECOND),
        ("2026-11-06 02:02:14.841+0200", "auto", SECOND),
        ("2026-11-06T00:02:14.841000999Z", "auto", SECOND),
        (datetime(2026, 11, 6, 0, 2, 14, 841_000, UTC), "us", SECOND),
        (datetime(2026, 11, 6, 0, 2, 14, 841_000), "auto", SECOND),  # noqa: DTZ001 - as Avro has local times
        (datetime(2026, 11, 6, 2, 2, 14, 841_000, timezone(timedelta(hours=2))), "auto", SECOND),
    ],
)
def test_a_time_is_read_in_the_unit_that_is_told(value: Any, time_format: str, time: int) -> None:
    assert parse_time(value, time_format) == time


@pytest.mark.parametrize(
    ("value", "time_format"),
    [
        ("abc", "s"),
        ("2026-11-06T00:02:14Z", "s"),
        ("1793923334", "auto"),
        ("1793923334", "utc"),
        ("2026-11-06 00:02:14.841", "auto"),
        ("2026-11-06", "utc"),
        ("2026-13-06 00:02:14", "utc"),
        (True, "auto"),
        (True, "s"),
        (-1, "s"),
        (float("nan"), "s"),
        (float("inf"), "ms"),
        (10**15, "s"),
        (None, "auto"),
        ({}, "us"),
    ],
)
def test_no_unit_is_guessed(value: Any, time_format: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_time(value, time_format)
