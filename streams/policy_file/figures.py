"""`[kpi]`: which figures over all customers there are beyond the usual ones, and for how long they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import ConfigDict

from scoring.instants import DAY, SECOND, format_duration
from scoring.policy.channels import Channel
from scoring.rules.figure_rules import ChurnRule, CountedPanes, FigureRules
from scoring.rules.groupings import Grouping
from streams.policy_file.channels import types_by_name
from streams.policy_file.table import Check, Table, container, given, needed
from streams.policy_file.words import DURATION_SCHEMA, Duration, Flag, Property, check_name, duration, named, whole

#: The figures of a day look back a month, and compare with those of a month before.
_LEAST_KEPT: Final = 62 * DAY
_LONGEST_SILENCE: Final = 1000 * DAY
#: Of more values a day would need too much room.
MOST_LARGEST: Final = 1_000
_WHOLE_DAYS: Final = "whole days, at most 1000d; 0d: never"


def _types(written: object) -> object:
    if isinstance(written, list) and written and all(isinstance(name, str) for name in written):
        return written
    raise ValueError('must be a list of types such as ["email.click"]')


def _silence(written: Any) -> int:
    after = duration(written, _WHOLE_DAYS)
    if after % DAY or after > _LONGEST_SILENCE:
        raise ValueError(f"{written!r} is not {_WHOLE_DAYS}")
    return after


_Types = Annotated[
    list[str], Check(_types, (), {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1})
]


class GroupTable(Table):
    """Events that are counted by the values of a property."""

    property: Property = needed("name in the properties of the events")
    of: _Types = needed("types of events such as email.click")
    largest: Annotated[int, whole(1, MOST_LARGEST, f"a number of values, 1 to {MOST_LARGEST}")] = given(
        MOST_LARGEST // 10, "how many values are kept for a day, those with the most events"
    )


class ChurnTable(Table):
    """When a customer counts as lost."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    form: ClassVar[str] = 'must be a table with after or by or both, such as { after = "60d" }'

    after: Annotated[int, Check(_silence, schema=DURATION_SCHEMA)] = given(
        "30d", "after so long without any event, in whole days; 0d: never"
    )
    by: _Types | None = given(None, "by any event of these types such as billing.cancelled")


class Kpi(Table):
    """The figures over all customers."""

    by_day: Flag = given(default=False, description="figures by the day: people, sessions, regularity")
    by_channel: Flag = given(default=False, description="points and active customers by channel")
    by_band: Flag = given(default=False, description="measures by band side by side")
    groups: Annotated[
        dict[str, GroupTable], container(dict, "must hold tables, such as [kpi.groups.campaign]"), named()
    ] = given({}, "events counted by the values of a property, by the names of the groupings")
    churn: ChurnTable | None = given(None, "when a customer counts as lost; after 30 days of silence if none")
    keep: Duration = given("400d", "for how long they are kept by the day")

    def rules(self, counted: CountedPanes, channels: Sequence[Channel], problems: list[str]) -> FigureRules:
        """Make the rules.

        Args:
            counted: the panes of the policy.
            channels: of the policy.
            problems: every problem that is found is added to these.
        """
        if self.keep < _LEAST_KEPT:
            problems.append(f"kpi.keep: must be at least {format_duration(_LEAST_KEPT)}")
        for channel in channels if self.by_day else ():
            pause = max([rule.pause for _, rule in channel.sessions], default=0) * SECOND
            # Where a session of the oldest panes began is not known.
            if counted.kept <= -(-pause // counted.pane):
                problems.append(
                    f"kpi.by_day: the window and the trend must be longer than channels.{channel.name}.sessions"
                )
        groupings = []
        for name, table in self.groups.items():
            where = f"kpi.groups.{name}"
            check_name(where, "a group's name", name, problems)
            of = _codes(f"{where}.of", table.of, channels, problems)
            groupings.append(Grouping(name, table.property, of, table.largest))
        churn = self._churn(channels, problems)
        return FigureRules(self.by_day, self.by_channel, self.by_band, tuple(groupings), churn=churn)

    def _churn(self, channels: Sequence[Channel], problems: list[str]) -> ChurnRule | None:
        table = self.churn
        if table is None:
            return None
        if not table.model_fields_set:
            problems.append(f"kpi.churn: {table.form}")
        by = _codes("kpi.churn.by", table.by or (), channels, problems)
        if not table.after and not by:
            problems.append("kpi.churn: with neither silence nor events nobody would ever be lost")
        return ChurnRule(table.after, tuple([code for code, _ in by]))


def _codes(
    where: str, names: Sequence[str], channels: Sequence[Channel], problems: list[str]
) -> tuple[tuple[str, str], ...]:
    """Give the types by code and name."""
    known = types_by_name(channels)
    problems += [f"{where}: there is no type {name!r} in the channels" for name in names if name not in known]
    return tuple([(known[name].code, name) for name in dict.fromkeys(names) if name in known])
