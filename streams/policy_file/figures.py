"""The part of a policy file that says which figures over all customers there are beyond the usual ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoring.instants import DAY, SECOND, parse_duration
from scoring.policy.policy import Channel
from scoring.rules.figure_rules import ChurnRule, CountedPanes, FigureRules
from scoring.rules.groups import Grouping

_SWITCHES: Final = ("by_day", "by_channel", "by_band")
#: The keys of ``[kpi]`` that are read here.
FIGURE_KEYS: Final = (*_SWITCHES, "groups", "churn")
_LONGEST_SILENCE: Final = 1000 * DAY
#: Of more values a day would need too much room.
MOST_LARGEST: Final = 1_000
_KEYS: Final = ("property", "of", "largest")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


def read_figures(
    table: Mapping[str, Any], counted: CountedPanes, channels: Sequence[Channel], problems: list[str]
) -> FigureRules:
    """Read which figures the policy wants.

    Args:
        table: the section ``[kpi]`` of the file.
        counted: the panes of the policy.
        channels: of the policy.
        problems: every problem that is found is added to these.

    Returns:
        The rules.
    """
    switches = {key: table.get(key, False) for key in _SWITCHES}
    problems += [
        f"kpi.{key}: must be true or false, not {value!r}"
        for key, value in switches.items()
        if not isinstance(value, bool)
    ]
    if switches["by_day"] is True:
        for channel in channels:
            pause = max([rule.pause for _, rule in channel.sessions], default=0) * SECOND
            # Where a session of the oldest panes began is not known.
            if counted.kept <= -(-pause // counted.pane):
                problems.append(
                    f"kpi.by_day: the window and the trend must be longer than channels.{channel.name}.sessions"
                )
    groups = _groups(table.get("groups", {}), channels, problems)
    churn = _churn(table.get("churn"), channels, problems)
    by_day, by_channel, by_band = [switches[key] is True for key in _SWITCHES]
    return FigureRules(by_day, by_channel, by_band, groups, churn)


def _churn(table: object, channels: Sequence[Channel], problems: list[str]) -> ChurnRule | None:
    if table is None:
        return None
    if not isinstance(table, dict) or not table:
        problems.append('kpi.churn: must be a table with after or by or both, such as { after = "60d" }')
        return None
    problems += [
        f"kpi.churn.{key}: unknown key; allowed here: after, by" for key in table if key not in ("after", "by")
    ]
    try:
        after = parse_duration(table.get("after", "30d"))
    except (ValueError, TypeError):
        after = -1
    if after < 0 or after % DAY or after > _LONGEST_SILENCE:
        problems.append(f"kpi.churn.after: must be whole days, at most 1000; 0d: never; not {table.get('after')!r}")
    by = _types("kpi.churn.by", table["by"], channels, problems) if "by" in table else ()
    if not after and not by:
        problems.append("kpi.churn: with neither silence nor events nobody would ever be lost")
    return ChurnRule(after, tuple([code for code, _ in by]))


def _groups(tables: object, channels: Sequence[Channel], problems: list[str]) -> tuple[Grouping, ...]:
    if not isinstance(tables, dict):
        problems.append("kpi.groups: must hold tables, such as [kpi.groups.campaign]")
        return ()
    return tuple([_group(name, table, channels, problems) for name, table in tables.items()])


def _group(name: str, table: object, channels: Sequence[Channel], problems: list[str]) -> Grouping:
    where = f"kpi.groups.{name}"
    if not _NAME.fullmatch(name):
        problems.append(f"{where}: a group's name is 1 to 32 characters out of a-z 0-9 _, a letter first")
    if not isinstance(table, dict):
        problems.append(f"{where}: must be a table, [{where}]")
        return Grouping(name, "", ())
    problems += [f"{where}.{key}: unknown key; allowed here: {', '.join(_KEYS)}" for key in table if key not in _KEYS]
    named = table.get("property")
    if not isinstance(named, str) or not named:
        problems.append(f"{where}.property: must be the name of a property")
    largest = table.get("largest", MOST_LARGEST // 10)
    if isinstance(largest, bool) or not isinstance(largest, int) or not 1 <= largest <= MOST_LARGEST:
        problems.append(f"{where}.largest: {largest!r} is not a number of values, 1 to {MOST_LARGEST}")
        largest = 1
    return Grouping(name, str(named), _types(f"{where}.of", table.get("of"), channels, problems), largest)


def _types(where: str, names: object, channels: Sequence[Channel], problems: list[str]) -> tuple[tuple[str, str], ...]:
    if not isinstance(names, list) or not names:
        problems.append(f'{where}: must be a list of types such as ["email.click"]')
        return ()
    known = {f"{channel.name}.{kind.name}": kind.code for channel in channels for kind in channel.types}
    problems += [f"{where}: there is no type {name!r} in the channels" for name in names if name not in known]
    return tuple([(known[name], name) for name in dict.fromkeys(names) if name in known])
