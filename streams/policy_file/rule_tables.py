"""The tables of a policy file that hold rules of their own: what is left out there is as for all customers.

Rests on decision 19.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from scoring.errors import PolicyError
from scoring.policy.policy import Policy
from streams.policy_file.builtin import BUILTIN_POLICY

#: What of a channel may differ.
OF_CHANNEL = ("weights", "cap")

Table = Mapping[str, Any]
T = TypeVar("T")


def read_tables(
    document: Table,
    section: str,
    limit: tuple[int, str],
    problems_of: Callable[[str, object], Iterator[str]],
    read: Callable[[str, Table], T],
) -> list[T]:
    """Read each table of a section.

    Args:
        document: of the file.
        section: its name.
        limit: how many tables there may be, and the problem if there are more.
        problems_of: finds what is wrong with a table, given its name and content.
        read: reads a table with which nothing is wrong; a `PolicyError` tells what is, after all.

    Returns:
        What was read, in the order of the file; nothing without the section.

    Raises:
        PolicyError: with every problem, if there is any.
    """
    tables = document.get(section, {})
    if not isinstance(tables, dict):
        raise PolicyError([f"{section}: must be a table of tables, [{section}.NAME]"])
    most, too_many = limit
    problems = [too_many] if len(tables) > most else []
    found = []
    for name, table in tables.items():
        wrong = list(problems_of(name, table))
        if not wrong:
            try:
                found.append(read(name, table))
            except PolicyError as error:
                wrong += error.problems
        problems += [f"{section}.{name}: {problem}" for problem in wrong]
    if problems:
        raise PolicyError(problems)
    return found


def channel_problems(
    policy: Policy, name: str, table: object, unknown_key: str, unknown_type: str, needed: str = ""
) -> Iterator[str]:
    """Find what is wrong with what a table says of a channel.

    Args:
        policy: for all customers.
        name: of the channel.
        table: what is said of it.
        unknown_key: the problem with a key other than `OF_CHANNEL`.
        unknown_type: the problem with a type that the channel does not weigh.
        needed: a key that must be there, if any.

    Yields:
        One sentence for each problem.
    """
    where = f"channels.{name}"
    known = {channel.name: {kind.name for kind in channel.types} for channel in policy.channels}
    if name not in known:
        yield f"{where}: the policy has no such channel"
    elif not isinstance(table, dict) or (needed and not isinstance(table.get(needed), dict)):
        yield f"{where}: must be a table" + (f" with {needed}" if needed else "")
    else:
        for key, content in table.items():
            if key not in OF_CHANNEL:
                yield f"{where}.{key}: {unknown_key}"
            elif not isinstance(content, dict):
                yield f"{where}.{key}: must be a table such as {{ open = 1, click = 5 }}"
            else:
                yield from (f"{where}.{key}.{kind}: {unknown_type}" for kind in content if kind not in known[name])


def channels_with(document: Table, own: Table, prepare: Callable[[Table], Table] = lambda table: table) -> Table:
    """Give the tables of all channels, with what is said of some.

    Args:
        document: of the file; without channels it has the built-in ones.
        own: weights and caps by channel.
        prepare: makes of a channel's table for all customers the one that is added to.

    Returns:
        The tables by channel.
    """
    tables: Table = document.get("channels", tomllib.loads(BUILTIN_POLICY)["channels"])
    return {name: _with(prepare(table), own.get(name, {})) for name, table in tables.items()}


def _with(table: Table, own: Table) -> Table:
    return {**table, **{key: {**table.get(key, {}), **content} for key, content in own.items()}}
