"""Points: exact inside, rounded where they are published."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from scoring.points import POINT, rounded, text, to_millionths


@pytest.mark.parametrize(
    ("points", "published"),
    [
        (12_345_000, 12.34),
        (12_355_000, 12.36),
        (12_345_001, 12.35),
        (12_344_999, 12.34),
        (125_000, 0.12),
        (135_000, 0.14),
        (-125_000, -0.12),
        (-135_000, -0.14),
        (-125_001, -0.13),
        (-5_000, 0.0),
        (-15_000, -0.02),
        (40_999_999, 41.0),
        (0, 0.0),
    ],
)
def test_points_are_rounded_half_to_even_on_the_exact_value(points: int, published: float) -> None:
    assert rounded(points) == published


def test_nothing_is_never_minus_nothing() -> None:
    assert math.copysign(1, rounded(-1_000)) == 1
    assert text(-1_000) == "0"


@pytest.mark.parametrize(
    ("points", "written"),
    [
        (45 * POINT, "45"),
        (100 * POINT, "100"),
        (0, "0"),
        (-40 * POINT, "-40"),
        (12_500_000, "12.5"),
        (12_340_000, "12.34"),
        (100_001_000, "100"),
        (99_999_000, "100"),
        (-12_345_000, "-12.34"),
        (10_100_000, "10.1"),
        (1_000_000 * POINT + 10_000, "1000000.01"),
    ],
)
def test_points_are_written_with_two_decimals_at_most(points: int, written: str) -> None:
    assert text(points) == written


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (1, POINT),
        (-40, -40 * POINT),
        (4.5, 4_500_000),
        (0.1, 100_000),
        (0.000001, 1),
        (1_000_000.000001, 10**12 + 1),
    ],
)
def test_a_weight_is_taken_as_it_is_written(value: float, points: int) -> None:
    assert to_millionths(value) == points


@pytest.mark.parametrize("value", [1e-7, 0.1234567, math.inf, -math.inf, math.nan])
def test_a_weight_with_more_than_six_decimals_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="more than six decimals"):
        to_millionths(value)


def test_a_tenth_ten_times_is_one() -> None:
    assert to_millionths(0.1) * 10 == to_millionths(1) == int(Decimal(1) * POINT)
