"""Times of events, and lengths of time."""

from __future__ import annotations

import math

import pytest

from scoring.instants import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    SECOND,
    format_duration,
    format_instant,
    parse_duration,
    parse_timestamp,
)

NOON = 1_704_110_400 * SECOND
"""2024-01-01 12:00:00 UTC."""


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01T12:00:00Z",
        "2024-01-01t12:00:00z",
        "2024-01-01 12:00:00Z",
        "2024-01-01T12:00:00+00:00",
        "2024-01-01T12:00:00-00:00",
        "2024-01-01T17:30:00+05:30",
        "2023-12-31T23:00:00-13:00",
        "2024-01-01T12:00:00.000Z",
    ],
)
def test_an_rfc_3339_time_is_read_whatever_its_offset(text: str) -> None:
    assert parse_timestamp(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01T12:00:00+0000",
        "2024-01-01T12:00:00-0000",
        "2024-01-01T17:30:00+0530",
        "2024-01-01T14:00:00+02",
        "2024-01-01 14:00:00+02",
        "2024-01-01 12:00:00 +0000",
        "2024-01-01T12:00Z",
        "2024-01-01T13:00+01:00",
        "2024-01-01T13:00+0100",
        "2024-01-01T12:00:00,000Z",
        "2024-01-01t12:00:00.000000000+0000",
    ],
)
def test_other_spellings_that_are_as_clear_are_read(text: str) -> None:
    assert parse_timestamp(text) == NOON


def test_a_fraction_after_a_comma_is_read() -> None:
    assert parse_timestamp("2024-01-01T12:00:00,1234567+0000") == NOON + 123_456


@pytest.mark.parametrize(
    ("fraction", "micros"),
    [(".5", 500_000), (".25", 250_000), (".001", 1_000), (".000001", 1), (".123456", 123_456), (".123456789", 123_456)],
)
def test_a_fraction_is_read_to_the_microsecond(fraction: str, micros: int) -> None:
    assert parse_timestamp(f"2024-01-01T12:00:00{fraction}Z") == NOON + micros


def test_a_leap_second_counts_as_the_second_before() -> None:
    assert parse_timestamp("2016-12-31T23:59:60Z") == parse_timestamp("2016-12-31T23:59:59Z")
    assert parse_timestamp("2016-12-31T23:59:60.25Z") == parse_timestamp("2016-12-31T23:59:59.25Z")
    assert parse_timestamp("2017-01-01T00:59:60+01:00") == parse_timestamp("2016-12-31T23:59:59Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-01-01",
        "2024-01-01T12:00:00",
        "2024-01-01T12:00:00+000",
        "2024-01-01T12:00:00+0",
        "2024-01-01T12:00:00+0060",
        "2024-01-01T12Z",
        "2024-01-01T12:00:00 Z",
        "2024-01-01T12:00:00Z[UTC]",
        "2024-01-01T12:00:00 UTC",
        "Mon, 01 Jan 2024 12:00:00 +0000",
        "01/01/2024 12:00:00 +0000",
        "2024-01-01T12:00:00+24:00",
        "2024-01-01T12:00:00.Z",
        "2024-01-01T12:00:00Z ",
        "2024-01-01T24:00:00Z",
        "2024-01-01T12:61:00Z",
        "2024-01-01T12:00:61Z",
        "2024-02-30T12:00:00Z",
        "2024-13-01T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:59:59+01:00",
        "20240101T120000Z",
        "2024-W01-1T12:00:00Z",
        "2024-W01-1T12:00:00.000Z",
        "2024-01-01T12:00:00.12345,Z",
        "2024-01-01T12:00:00.123456,Z",
        "2024-02-30T12:00:00.000Z",
        "2024-01-01T24:00:00.000Z",
        "1969-12-31T23:59:59.999Z",
        "２０２４-01-01T12:00:00Z",  # noqa: RUF001 - wide digits are the point
        "1704110400",
    ],
)
def test_what_is_no_rfc_3339_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|1970|range|offset|must be"):
        parse_timestamp(text)


@pytest.mark.parametrize("text", ["2024-01-01T12:60:60Z", "2024-01-01T12:59:60+05:60"])
def test_a_leap_second_does_not_excuse_a_wrong_minute(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|must be"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    "number",
    [NOON // SECOND, NOON / SECOND, NOON // MILLISECOND, NOON / MILLISECOND],
    ids=["seconds", "seconds as float", "milliseconds", "milliseconds as float"],
)
def test_a_number_is_seconds_or_milliseconds_by_its_size(number: float) -> None:
    assert parse_timestamp(number) == NOON


def test_a_hundred_thousand_million_is_the_first_number_of_milliseconds() -> None:
    assert parse_timestamp(99_999_999_999) == 99_999_999_999 * SECOND
    assert parse_timestamp(100_000_000_000) == 100_000_000_000 * MILLISECOND
    assert parse_timestamp(1e11) == 10**11 * MILLISECOND


def test_a_fraction_of_a_number_is_kept() -> None:
    assert parse_timestamp(1_704_110_400.25) == NOON + 250_000
    assert parse_timestamp(1_704_110_400_000.5) == NOON + 500


def test_zero_is_the_start_of_1970() -> None:
    assert parse_timestamp(0) == parse_timestamp(0.0) == parse_timestamp("1970-01-01T00:00:00Z") == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, False, None, [], {}, b"1", -1, -0.5, -1e300])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"neither|1970"):
        parse_timestamp(value)


def test_a_huge_whole_number_is_a_time_far_ahead() -> None:
    assert parse_timestamp(10**30) == 10**33


@pytest.mark.parametrize("value", [1e306, 1e308])
def test_a_huge_float_is_refused_or_a_time_far_ahead(value: float) -> None:
    try:
        assert parse_timestamp(value) > NOON
    except ValueError:
        return


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NOON, "2024-01-01T12:00:00Z"),
        (NOON + 1, "2024-01-01T12:00:00.000001Z"),
        (NOON + 500_000, "2024-01-01T12:00:00.500000Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_a_fraction_only_where_there_is_one(time: int, text: str) -> None:
    assert format_instant(time) == text
    assert parse_timestamp(text) == time


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("500ms", 500 * MILLISECOND),
        ("10s", 10 * SECOND),
        ("15m", 15 * MINUTE),
        ("24h", DAY),
        ("1.5h", 90 * MINUTE),
        ("30d", 30 * DAY),
        ("2w", 14 * DAY),
        (" 0s ", 0),
        ("2 d", 2 * DAY),
    ],
)
def test_a_length_is_a_number_and_a_unit(text: str, length: int) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "1 day", "1d12h", ".5h", "1e3s", "٣d", "infd", "nand"])
def test_any_other_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 30d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0s"), (DAY, "1d"), (14 * DAY, "14d"), (36 * HOUR, "36h"), (90 * SECOND, "90s"), (1_500_000, "1500ms")],
)
def test_a_length_is_written_in_its_largest_whole_unit(length: int, text: str) -> None:
    assert format_duration(length) == text
    assert parse_duration(text) == length
