"""`[sources.NAME]`: how records of foreign shapes are read.

Rests on decision 26.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from scoring.mapping.source import Reading, Source
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from streams.policy_file.source_tables import MOST_SOURCES, NOTHING, ReadingTable, SourceTable, preset_tables
from streams.policy_file.table import read_table, unsaid

MOST_NAMES: Final = 1_000
_LONGEST_NAME: Final = 100
_REQUIRED: Final = ("customer", "type", "time")


def sources(tables: Mapping[str, SourceTable], channels: Collection[str], problems: list[str]) -> tuple[Source, ...]:
    """Make the sources.

    Args:
        tables: by the names of the sources.
        channels: the names of those of the policy.
        problems: what is wrong is added.

    Returns:
        The sources, in the order of the file.
    """
    if len(tables) > MOST_SOURCES:
        problems.append(f"sources: there are {len(tables)}; at most {MOST_SOURCES} are read")
    return tuple([_Maker(name, table, channels, problems).source() for name, table in tables.items()])


def watched_as_sources(channels: tuple[Channel, ...], sources: Sequence[Source]) -> tuple[Channel, ...]:
    """Watch channels that do not say how long they may be silent as their sources say, by the longest time of them.

    Args:
        channels: of the policy.
        sources: of the policy.
    """
    longest: dict[str, int] = {}
    for source in sources:
        for reading in source.readings:
            longest[reading.feeds] = max(longest.get(reading.feeds, 0), source.silence_after)
    return tuple(
        [
            replace(channel, silence_after=longest[channel.name], watched_by_sources=True)
            if longest.get(channel.name) and not channel.silence_after
            else channel
            for channel in channels
        ]
    )


def read_source(name: str, table: object, channels: Collection[str], problems: list[str]) -> Source | None:
    """Read one source.

    Args:
        name: its own.
        table: of the file.
        channels: the names of those of the policy.
        problems: what is wrong is added.

    Returns:
        The source; None if it cannot be used.
    """
    wrong: list[str] = []
    more: list[str] = []
    written = read_table(SourceTable, table, wrong, f"sources.{name}")
    source = _Maker(name, written, channels, more).source()
    wrong += unsaid(more, wrong)
    problems += wrong
    return None if wrong else source


def scoring_nothing(source: Source, policy: Policy) -> Iterator[str]:
    """Name the types that a source renames to what no channel has, so that they score nothing; not those of its format.

    Args:
        source: of the policy.
        policy: that was read.
    """
    known = {(channel.name, kind.name) for channel in policy.channels for kind in channel.types}
    of_format = {
        kind
        for table in (preset_tables(source.format) if source.format else ())
        for each in (table, *(table.events or ()))
        for kind in each.types.items()
    }
    for channel, kind, name in {(to[0], kind, to[1]): None for each in source.readings for kind, to in each.types}:
        if (channel, name) not in known and not of_format & {(kind, name), (kind, f"{channel}.{name}")}:
            yield f"{kind!r} becomes {channel}.{name}"


class _Maker:
    """Makes one source of its table and of those of its preset, noting each problem."""

    def __init__(self, name: str, table: SourceTable, channels: Collection[str], problems: list[str]) -> None:
        self._where, self._name, self._channels, self._problems = f"sources.{name}", name, channels, problems
        self._tables = (table, *(preset_tables(table.format) if table.format else ()))

    def source(self) -> Source:
        if not self._name or len(self._name) > _LONGEST_NAME or not self._name.isprintable():
            self._problems.append(f"{self._where}: a source's name is 1 to {_LONGEST_NAME} printable characters")
        tables = self._tables
        events: list[ReadingTable] | None = _first(tables, "events")
        if events is None:
            readings = [self._reading(self._where, tables)]
        else:
            readings = [
                self._reading(f"{self._where}.events[{number}]", (event, *tables))
                for number, event in enumerate(events)
            ]
        return Source(
            self._name,
            _first(tables, "topic") or self._name,
            tuple(readings),
            encoding=_first(tables, "encoding"),
            unwrap=_first(tables, "unwrap") or (),
            silence_after=_first(tables, "silence_after"),
            format=tables[0].format or "",
        )

    def _reading(self, where: str, tables: Sequence[ReadingTable]) -> Reading:
        for key in _REQUIRED:
            if _first(tables, key) is None:
                self._problems.append(f'{where}.{key}: is required; a path such as {key} = "data.{key}"')
        channel = _first(tables, "channel")
        if channel is None:
            self._problems.append(f"{where}.channel: is required; one of {', '.join(self._channels)}")
        elif not isinstance(channel, str) or channel not in self._channels:
            self._problems.append(f"{where}.channel: {channel!r} is no channel; there are {', '.join(self._channels)}")
        each = _first(tables, "each") or ()
        types = {kind: name for table in reversed(tables) for kind, name in table.types.items()}
        reading = Reading(
            str(channel),
            customer=_first(tables, "customer") or NOTHING,
            type=_first(tables, "type") or NOTHING,
            time=_first(tables, "time") or NOTHING,
            id=_first(tables, "id"),
            each=tuple([arrays for _, arrays in each]),
            each_text=" or ".join([written for written, _ in each]),
            json=_first(tables, "json_") or (),
            when=_first(tables, "when") or (),
            unless=_first(tables, "unless") or (),
            types=tuple([(kind, self._feeds(name, str(channel))) for kind, name in types.items()]),
            ignore=tuple(sorted(set(_first(tables, "ignore") or ()))),
            only_types=_first(tables, "only_types"),
            time_format=_first(tables, "time_format"),
            email_ids=_first(tables, "email_ids"),
            properties=_first(tables, "properties"),
            links=tuple([link.rule() for link in _first(tables, "links")]),
        )
        self._not_too_many(where, reading)
        return reading

    def _feeds(self, name: str, channel: str) -> tuple[str, str]:
        """Return which channel and type a renamed type is."""
        other, dot, rest = name.partition(".")
        return (other, rest) if dot and rest and other in self._channels else (channel, name)

    def _not_too_many(self, where: str, reading: Reading) -> None:
        named = len(reading.properties) if isinstance(reading.properties, tuple) else 0
        names = len(reading.types) + len(reading.ignore) + named
        if names > MOST_NAMES:
            what = "types, ignored types and properties"
            self._problems.append(f"{where}: names {names:,} {what}; at most {MOST_NAMES:,} are known")


def _first(tables: Sequence[ReadingTable], key: str) -> Any:
    """Give what the first table says that says anything; else the default."""
    for table in tables:
        if key in table.model_fields_set:
            return getattr(table, key)
    return getattr(tables[-1], key)
