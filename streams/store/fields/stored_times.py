"""Times as they are stored."""

from __future__ import annotations

from typing import Final

from scoring.customer.state import NONE
from scoring.instants import SECOND, format_instant

#: Before this are all times that can be stored: they are written as years of four digits.
LATEST: Final = 253_402_300_800 * SECOND


def time_or_nothing(time: int) -> str:
    """Write a time; '' for none.

    Args:
        time: in microseconds, or `NONE`.
    """
    return format_instant(time) if time != NONE else ""
