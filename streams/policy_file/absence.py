"""`[alerts.absence]`: when an absence raises an alert.

Rests on decisions 25 and 135.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from scoring.instants import DAY
from scoring.rules.absence import WHOLE_DAY, AbsenceRule
from streams.policy_file.table import WHERE, Check, Table, given
from streams.policy_file.words import DURATION_SCHEMA, duration, points_within, whole

_PLAIN: Final = AbsenceRule()
_MOST_SHARE, _MOST_DAYS, _MOST_MEMBERS = 10, 365, 1_000_000
#: The days of a customer are looked up as one number of so many bits.
_MOST_WITHIN, _MOST_MEMORY = 49, 365


def _days(most: int) -> Check:
    def read(value: Any) -> int:
        allowed = f"a number of whole days from 1d to {most}d"
        days, rest = divmod(duration(value, allowed), DAY)
        if rest or not 1 <= days <= most:
            raise ValueError(f"{value!r} is not {allowed}")
        return days

    return Check(read, schema=DURATION_SCHEMA)


class AbsenceTable(Table):
    """When an absence raises an alert."""

    form: ClassVar[str] = f"must be a table, [{WHERE}], or false"

    share: Annotated[int, points_within(0, _MOST_SHARE, f"must be from 0 to {_MOST_SHARE}")] = given(
        _PLAIN.share / WHOLE_DAY, "what the longest absence so far is multiplied by"
    )
    at_most: Annotated[int, points_within(0, _MOST_DAYS, f"must be from 0 to {_MOST_DAYS} days")] = given(
        _PLAIN.at_most // WHOLE_DAY, "days that this comes to at the most, however long the longest absence was"
    )
    margin: Annotated[int, points_within(0, _MOST_DAYS, f"must be from 0 to {_MOST_DAYS} days")] = given(
        _PLAIN.margin / WHOLE_DAY, "how many days of the segment must be missed beyond that"
    )
    growth: Annotated[int, points_within(0, _MOST_DAYS, f"must be from 0 to {_MOST_DAYS} days")] = given(
        _PLAIN.growth // WHOLE_DAY, "days by which the margin grows with each doubling of the customer's active days"
    )
    members_within: Annotated[int, _days(_MOST_WITHIN)] = given(
        f"{_PLAIN.members_within}d", "a member of a day was active within this time before it"
    )
    memory: Annotated[int, _days(_MOST_MEMORY)] = given(f"{_PLAIN.memory}d", "how far back the longest absence may be")
    least_members: Annotated[int, whole(1, _MOST_MEMBERS, f"a number of customers, 1 to {_MOST_MEMBERS}")] = given(
        _PLAIN.least_members, "a day with fewer members does not count"
    )

    def rule(self) -> AbsenceRule:
        """Make the rule."""
        return AbsenceRule(**dict(self))


def _switched(written: object) -> object:
    return {} if written is True else None if written is False else written


def _or_switch(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"type": "boolean"}, *[each for each in schema["anyOf"] if each != {"type": "null"}]]
    schema["default"] = False


#: A table, true for one that leaves all out, false for none.
AbsenceOrSwitch = Annotated[AbsenceTable | None, Check(_switched), Field(json_schema_extra=_or_switch)]
