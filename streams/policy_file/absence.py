"""The part of a policy file that says when an absence raises an alert: `[alerts.absence]`.

Rests on decision 25.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scoring.instants import DAY, parse_duration
from scoring.rules.absence import WHOLE_DAY, AbsenceRule

ABSENCE = "absence"
_KEYS = ("share", "margin", "members_within", "memory", "least_members")
_MOST_SHARE, _MOST_MARGIN, _MOST_MEMBERS = 10, 365, 1_000_000
#: The days of a customer are looked up as one number of so many bits.
_MOST_WITHIN, _MOST_MEMORY = 49, 365


def read_absence(
    table: Mapping[str, Any], number: Callable[[str, object], int], problems: list[str]
) -> AbsenceRule | None:
    """Read the rule.

    Args:
        table: `[alerts]` of the file.
        number: reads a number as millionths, given where it stands.
        problems: what is wrong is added.

    Returns:
        The rule; None where the policy raises no alerts of absence: it leaves the table out, or says false.
    """
    own = table.get(ABSENCE, False)
    if own is False:
        return None
    if own is True:
        own = {}
    where = f"alerts.{ABSENCE}"
    if not isinstance(own, dict):
        problems.append(f"{where}: must be a table, [{where}], or false")
        return None
    problems += [f"{where}.{key}: unknown key; allowed here: {', '.join(_KEYS)}" for key in own if key not in _KEYS]
    plain = AbsenceRule()

    def within(key: str, value: int, most: int, unit: str) -> int:
        if not 0 <= value <= most * WHOLE_DAY:
            problems.append(f"{where}.{key}: must be from 0 to {most}{unit}")
        return value

    share = number(f"{where}.share", own.get("share", plain.share / WHOLE_DAY))
    margin = number(f"{where}.margin", own.get("margin", plain.margin / WHOLE_DAY))
    members = own.get("least_members", plain.least_members)
    if isinstance(members, bool) or not isinstance(members, int) or not 1 <= members <= _MOST_MEMBERS:
        problems.append(f"{where}.least_members: {members!r} is not a number of customers, 1 to {_MOST_MEMBERS}")
        members = plain.least_members
    return AbsenceRule(
        within("share", share, _MOST_SHARE, ""),
        within("margin", margin, _MOST_MARGIN, " days"),
        _days(where, "members_within", own, (plain.members_within, _MOST_WITHIN), problems),
        _days(where, "memory", own, (plain.memory, _MOST_MEMORY), problems),
        members,
    )


def _days(where: str, key: str, table: Mapping[str, Any], bounds: tuple[int, int], problems: list[str]) -> int:
    plain, most = bounds
    value = table.get(key, f"{plain}d")
    try:
        length = parse_duration(value)
    except (ValueError, TypeError):
        length = -1
    if length % DAY or not 1 <= length // DAY <= most:
        problems.append(f"{where}.{key}: {value!r} is not a number of whole days from 1d to {most}d")
        return plain
    return length // DAY
