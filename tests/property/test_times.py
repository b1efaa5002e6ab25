"""A time of a foreign record is read as a second, independent reading reads it, however it is spelled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
from hypothesis import example, given, settings

from scoring.mapping.times import parse_time
from tests.reference.times import moment

two_digits = st.integers(0, 62).map("{:02}".format)
dates = st.dates(min_value=datetime(1969, 12, 30, tzinfo=UTC).date()).map(str)
clocks = st.builds("{}:{}".format, st.integers(0, 25).map("{:02}".format), two_digits)
seconds = st.sampled_from(["", ":00", ":59", ":60", ":61", ":7"]) | two_digits.map(":{}".format)
fractions = st.sampled_from(["", ".", ".5", ",25", ".123", ".1234567", ".000000999", ",x", "..1"])
offsets = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", " ", "  "]),
    st.sampled_from(["+", "-", "Z", "z", ""]),
    st.sampled_from(["", "00", "05", "23", "24", "29"]),
    st.sampled_from(["", ":00", ":30", "00", "45", ":60", ":"]),
)
spelled = st.builds(
    "{}{}{}{}{}{}{}".format,
    *(dates, st.sampled_from(["T", "t", " ", "_"]), clocks, seconds, fractions, offsets),
    st.sampled_from(["", " "]),
)
usual = st.builds(
    "{}{}{}{}{}".format,
    *(dates, st.sampled_from(["T", " "]), st.times().map(lambda time: time.isoformat("seconds"))),
    st.sampled_from(["", ".250", ".123456", ",5", ".1234567"]),
    st.sampled_from(["Z", " Z", "+01:00", " +01:00", "-0530", " -0530", "+01", " +01", ""]),
)
numbers = st.integers(-5, 5 * 10**12) | st.floats(-5, 5e12) | st.floats() | st.booleans() | st.none()


def read(value: Any, time_format: str) -> int | None:
    """Read by the product; None where it refuses."""
    try:
        return parse_time(value, time_format)
    except ValueError:
        return None


@settings(max_examples=1500, deadline=None)
@given(usual | spelled | numbers, st.sampled_from(["auto", "utc"]))
@example("2024-02-29T00:00:00Z", "auto")
@example("2100-02-29T00:00:00Z", "auto")
@example("2026-12-31 23:59:60.9999999 +0000", "auto")
@example("2026-11-06 00:02:14.841", "utc")
@example("2026-11-06 00:02", "utc")
@example("9999-12-31T23:59:59-23:59", "auto")
def test_a_time_is_read_as_its_words_say(value: Any, time_format: str) -> None:
    assert read(value, time_format) == moment(value, utc=time_format == "utc")
