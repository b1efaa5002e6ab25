"""How things are said to a person: times, ages, points, names from outside."""

from __future__ import annotations

from scoring.instants import DAY, HOUR, MINUTE, SECOND, format_instant
from scoring.points import text

_UNITS = ((365 * DAY, "year"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


def printable(name: str) -> str:
    """Write a name from outside so that it cannot move the cursor or colour the terminal.

    Args:
        name: any text.

    Returns:
        The same, with everything that is not printable escaped.
    """
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)


def moment(time: int) -> str:
    """Write a point in time.

    Args:
        time: microseconds.

    Returns:
        Such as ``2026-11-21 09:30:00 UTC``.
    """
    return format_instant(time - time % SECOND).replace("T", " ").replace("Z", " UTC")


def age(time: int, now: int) -> str:
    """Say how far a point in time is from now.

    Args:
        time: microseconds.
        now: the same.

    Returns:
        Such as ``3 days ago``, ``in 2 hours`` or ``now``.
    """
    distance = abs(now - time)
    for unit, name in _UNITS:
        count = distance // unit
        if count:
            words = f"{count:,} {name}" + ("s" if count > 1 else "")
            return f"in {words}" if time > now else f"{words} ago"
    return "now"


def signed(points: int) -> str:
    """Write a change of points.

    Args:
        points: millionths of a point.

    Returns:
        Such as ``+12``, ``-2.5`` or ``0``.
    """
    return f"+{text(points)}" if points > 0 else text(points)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number of things.

    Args:
        number: how many.
        noun: one of them.
        plural: several of them; by default with an s.

    Returns:
        Such as ``1 event`` or ``12,000 events``.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
