"""The part of a policy file that says how the events of a channel are read: sessions, and events of machines.

Rests on decision 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring.instants import MINUTE, SECOND, parse_duration
from scoring.policy.policy import Channel, EventType, type_code
from scoring.rules.sessions import SessionRule

_LONGEST_PROPERTY = 100
#: The keys of a channel that say how its events make sessions; the others mean nothing without the first.
SESSION_KEYS = ("sessions", "session_types", "pages")
_Sessions = tuple[tuple[str, SessionRule], ...]
Machine = tuple[tuple[str, str, str], ...]


def read_sessions(name: str, table: Mapping[str, Any], types: tuple[EventType, ...], problems: list[str]) -> _Sessions:
    """Read how a channel's types make sessions.

    Args:
        name: of the channel.
        table: of the channel in the file.
        types: of its people, with a weight.
        problems: what is wrong is added.

    Returns:
        The rule for each type, by its code; nothing where the channel has no sessions.
    """
    where = f"channels.{name}"
    written = table.get("sessions")
    if written is None:
        useless = [key for key in SESSION_KEYS[1:] if key in table]
        problems += [f"{where}.{key}: has no meaning without {where}.sessions" for key in useless]
        return ()
    try:
        pause = parse_duration(written)
    except (ValueError, TypeError):
        problems.append(f"{where}.sessions: {written!r} is not a duration such as 30m")
        return ()
    if pause < MINUTE or pause % SECOND:
        problems.append(f"{where}.sessions: must be whole seconds, a minute or more")
    known = [kind.name for kind in types]
    inside = _listed(f"{where}.session_types", table.get("session_types", known), known, problems)
    pages = _listed(f"{where}.pages", table["pages"], known, problems) if "pages" in table else inside
    problems += [
        f"{where}.pages: {kind!r} is none of {where}.session_types"
        for kind in pages
        if kind in known and kind not in inside
    ]
    channel = session_code(name)
    return tuple(
        (kind.code, SessionRule(channel, pause // SECOND, int(kind.name in pages)))
        for kind in types
        if kind.name in inside
    )


def _listed(where: str, written: object, known: list[str], problems: list[str]) -> list[str]:
    """Read a list of types of a channel; `known` are those that it weighs."""
    if not isinstance(written, list):
        problems.append(f'{where}: must be a list of types such as ["page_view"]')
        return known
    problems += [
        f"{where}: {kind!r} has no weight in {where.rpartition('.')[0]}.weights"
        for kind in written
        if kind not in known
    ]
    return written


def session_code(name: str) -> str:
    """Make the code under which the visits of a channel are stored: two characters."""
    return type_code(name, "")[:2]


def read_machine(
    name: str, index: int, table: Mapping[str, Any], types: tuple[EventType, ...], problems: list[str]
) -> tuple[tuple[EventType, ...], Machine]:
    """Read which property marks the events of machines.

    Args:
        name: of the channel.
        index: of the channel in the policy.
        table: of the channel in the file.
        types: those with a weight.
        problems: what is wrong is added.

    Returns:
        The types under which such events are counted and that have no weight, and for each type that a machine can
        make its code, the property, and the code under which it is counted then.
    """
    where = f"channels.{name}.machine"
    rules = table.get("machine", {})
    if not isinstance(rules, dict):
        problems.append(f'{where}: must be a table such as {{ open = "machine_open" }}')
        return (), ()
    codes = {kind.name: kind.code for kind in types}
    made: dict[str, EventType] = {}
    found = []
    for kind, marked in rules.items():
        if kind not in codes:
            problems.append(f"{where}.{kind}: there is no weight for this type in channels.{name}.weights")
        if not isinstance(marked, str) or not 0 < len(marked) <= _LONGEST_PROPERTY or marked == kind:
            problems.append(f"{where}.{kind}: {marked!r} is not the name of a property, other than the type's own")
            continue
        code = codes.get(marked) or type_code(name, marked)
        if marked not in codes:
            made[marked] = EventType(code, index, marked, 0)
        found.append((codes.get(kind, ""), marked, code))
    return tuple(made.values()), tuple(found)


def types_of_people(types: tuple[EventType, ...], machine: Machine) -> tuple[EventType, ...]:
    """Leave out the types under which the events of machines are counted."""
    by_machines = {code for _, _, code in machine}
    return tuple(kind for kind in types if kind.code not in by_machines)


def no_shared_sessions(channels: tuple[Channel, ...], problems: list[str]) -> None:
    """Refuse two channels whose visits would be stored as those of one."""
    owners: dict[str, str] = {}
    for channel in channels:
        if channel.sessions:
            code = session_code(channel.name)
            if code in owners:
                problems.append(
                    f"channels.{channel.name} and channels.{owners[code]} have the same stored code of sessions; "
                    "rename one"
                )
            owners[code] = channel.name
