"""A second reading of times: takes a text apart piece by piece, and counts the days of the calendar itself."""

from __future__ import annotations

import math
from typing import Any

MILLION = 1_000_000
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def moment(value: Any, *, utc: bool = False) -> int | None:
    """Read a time, in microseconds since 1970; None for what is none. With `utc` a text may do without an offset."""
    if isinstance(value, str):
        time = spoken(value.strip().upper(), utc=utc)
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    else:
        scaled = value * (1_000 if value >= 1e11 else MILLION)
        time = round(scaled) if math.isfinite(scaled) else None
    return time if time is not None and time >= 0 else None


def spoken(text: str, *, utc: bool) -> int | None:
    """Read a date, a time of day and an offset."""
    day = day_of(text[:10])
    clock, zone = divided(text[11:])
    if day is None or text[10:11] not in ("T", " ") or not text.isascii():
        return None
    offset = minutes_of(zone)
    if not zone and utc and len(clock) >= 8 and "," not in clock:
        offset = 0
    since_midnight = time_of_day(clock)
    if offset is None or since_midnight is None:
        return None
    return (day * 86_400 - offset * 60) * MILLION + since_midnight


def divided(text: str) -> tuple[str, str]:
    """Divide a time of day from its offset, between which may be one space."""
    begin = next((at for at, letter in enumerate(text) if letter in "Z+-"), len(text))
    clock, zone = text[:begin], text[begin:]
    return (clock[:-1] if zone and clock.endswith(" ") else clock), zone


def minutes_of(zone: str) -> int | None:
    """Read an offset: Z, or a sign with hours and perhaps minutes."""
    if zone == "Z":
        return 0
    sign, digits = zone[:1], zone[1:]
    if len(digits) == 5 and digits[2] == ":":
        digits = digits[:2] + digits[3:]
    if sign not in ("+", "-") or len(digits) not in (2, 4) or not digits.isdigit():
        return None
    hours, minutes = int(digits[:2]), int(digits[2:] or "0")
    if hours > 23 or minutes > 59:
        return None
    return (60 * hours + minutes) * (1 if sign == "+" else -1)


def time_of_day(clock: str) -> int | None:
    """Read hours and minutes, perhaps seconds, perhaps a fraction, of which six digits count."""
    mark = next((letter for letter in ".," if letter in clock), "")
    whole, _, fraction = clock.partition(mark) if mark else (clock, "", "")
    parts = whole.split(":")
    if mark and (len(parts) != 3 or not fraction.isdigit()):
        return None
    if len(parts) not in (2, 3) or any(len(part) != 2 or not part.isdigit() for part in parts):
        return None
    hours, minutes, seconds = (int(part) for part in (*parts, "00")[:3])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return ((hours * 60 + minutes) * 60 + min(seconds, 59)) * MILLION + int((fraction + "000000")[:6])


def day_of(date: str) -> int | None:
    """Count the days from 1970 to a date."""
    numbers = date.split("-")
    if [len(number) for number in numbers] != [4, 2, 2] or not all(number.isdigit() for number in numbers):
        return None
    year, month, day = map(int, numbers)
    if not 1 <= month <= 12 or year < 1 or not 1 <= day <= DAYS[month - 1] + (month == 2 and is_leap(year)):
        return None
    before = year - 1
    days = 365 * before + before // 4 - before // 100 + before // 400
    days += sum(DAYS[: month - 1]) + (month > 2 and is_leap(year)) + day
    return days - 719_163  # of the year 1 to the end of 1970's first day


def is_leap(year: int) -> bool:
    """Return whether a year has a 29th of February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
