"""Points and times, whatever their value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from scoring.instants import SECOND, format_duration, format_instant, parse_duration, parse_timestamp
from scoring.points import POINT, rounded, text, to_millionths
from tests.reference import brute_force

MOST = 10**9 * POINT
END_OF_2100 = 4_133_980_799
millionths = st.integers(-MOST, MOST)
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(millionths | st.integers(-MOST // 5000, MOST // 5000).map(lambda half: half * 5000))
def test_points_are_rounded_as_decimals_are(points: int) -> None:
    exact = (Decimal(points) / POINT).quantize(Decimal("0.01"), ROUND_HALF_EVEN)

    assert Decimal(str(rounded(points))) == exact
    assert Decimal(text(points)) == exact == Decimal(brute_force.published(points))
    assert not text(points).endswith(".")
    assert text(points) != "-0"


@given(st.decimals(-1_000_000, 1_000_000, places=6))
def test_a_weight_of_six_decimals_is_taken_exactly(weight: Decimal) -> None:
    assert to_millionths(float(weight)) == weight * POINT


@given(st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1), timezones=offsets))  # noqa: DTZ001 - aware by `timezones`
def test_a_time_is_the_same_in_every_offset(moment: datetime) -> None:
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert parse_timestamp(moment.isoformat()) == micros
    assert parse_timestamp(format_instant(micros)) == micros


@given(st.integers(0, END_OF_2100 * SECOND))
def test_an_instant_is_written_as_the_brute_force_writes_it(time: int) -> None:
    assert format_instant(time) == brute_force.rfc3339(time)
    assert parse_timestamp(format_instant(time)) == time


@given(st.integers(10**11, END_OF_2100 * 1000))
def test_a_number_of_milliseconds_is_exact(milliseconds: int) -> None:
    assert parse_timestamp(milliseconds) == parse_timestamp(milliseconds / 1000) == milliseconds * 1000


@given(st.integers(0, 10**9))
def test_a_length_of_time_is_read_as_it_was_written(seconds: int) -> None:
    assert parse_duration(format_duration(seconds * SECOND)) == seconds * SECOND


@given(st.floats(0, 1e13) | st.integers(0, 4 * 10**12).map(lambda half: half / 2_000_000))
def test_a_number_is_rounded_to_the_microsecond_half_to_even(number: float) -> None:
    """Numbers up to 1e11 are seconds, larger ones milliseconds."""
    assert parse_timestamp(number) == round(number * (1_000_000 if number < 1e11 else 1_000))
