"""Points as whole millionths, and how they are published.

Rests on decision 1.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeAlias

POINT: Final = 1_000_000
_HUNDREDTH: Final = POINT // 100
#: Whole where it is; a plain `float` would become one where this is compiled.
Number: TypeAlias = int | float


def plain_number(millionths: int) -> Number:
    """Write millionths as a number, a whole one without decimals.

    Args:
        millionths: of any unit.
    """
    whole, rest = divmod(millionths, POINT)
    return millionths / POINT if rest else whole


def to_millionths(value: float) -> int:
    """Convert a number of points as a person wrote it.

    Args:
        value: points, with at most six decimals.

    Returns:
        Millionths of a point, exactly.

    Raises:
        ValueError: if it has more than six decimals or is not finite.
    """
    scaled = Decimal(repr(value)) * POINT
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        message = f"{value!r} has more than six decimals"
        raise ValueError(message)
    return int(scaled)


def rounded(points: int) -> float:
    """Round to the two decimals that are published, half to even.

    Args:
        points: millionths of a point.

    Returns:
        Points.

    Example:
        >>> rounded(12_345_000), rounded(12_355_000), rounded(40_999_999)
        (12.34, 12.36, 41.0)
    """
    hundredths, rest = divmod(points, _HUNDREDTH)
    if rest * 2 > _HUNDREDTH or (rest * 2 == _HUNDREDTH and hundredths % 2):
        hundredths += 1
    return hundredths / 100


def text(points: int) -> str:
    """Write points as they stand in Redis: two decimals at most, none where there are none.

    Args:
        points: millionths of a point.

    Returns:
        Such as ``45`` or ``12.5``.
    """
    if points % POINT == 0:
        return str(points // POINT)
    return f"{rounded(points):.2f}".rstrip("0").rstrip(".")


def quotient(dividend: int, divisor: int) -> str:
    """Divide, and write the result as points are written: half to even on the exact value, two decimals at most.

    Args:
        dividend: any whole number.
        divisor: any but 0.

    Returns:
        Such as ``7.5``.

    Example:
        >>> quotient(75, 10), quotient(2, 3), quotient(-1, 200), quotient(3, -200)
        ('7.5', '0.67', '0', '-0.02')
    """
    if divisor < 0:
        dividend, divisor = -dividend, -divisor
    hundredths, rest = divmod(dividend * 100, divisor)
    if rest * 2 > divisor or (rest * 2 == divisor and hundredths % 2):
        hundredths += 1
    whole, decimals = divmod(abs(hundredths), 100)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{whole}.{decimals:02}".rstrip("0").rstrip(".") if decimals else f"{sign}{whole}"
