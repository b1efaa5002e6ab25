"""The part of a policy file that says how records of foreign shapes are read.

Rests on decision 26.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from scoring.instants import parse_duration
from scoring.mapping.conditions import Condition, parse_conditions
from scoring.mapping.paths import Path, parse_each, parse_path
from scoring.mapping.presets import preset_names, preset_table
from scoring.mapping.source import ENCODINGS, KEEP, LOWER, LinkRule, Reading, Source
from scoring.mapping.times import AUTO, TIME_FORMATS
from scoring.mapping.values import Value, parse_value
from scoring.policy.policy import Channel
from streams.policy_file.identities import check_topic

MOST_SOURCES = 20
MOST_NAMES = 1_000
_LONGEST_NAME = 100
#: What a source says once for all its records; the other keys may be said again in each of its `events`.
_ONCE = ("topic", "format", "encoding", "silence_after", "unwrap", "events")
_READING = (
    *("channel", "each", "json", "when", "unless", "customer", "type", "time", "id", "email_ids"),
    *("types", "ignore", "only_types", "time_format", "properties", "links"),
)
_LINK = ("id", "customer", "when", "unless")
_REQUIRED = ("customer", "type", "time")
_Table = Mapping[str, Any]
_T = TypeVar("_T")


def read_sources(document: _Table, channels: Collection[str], problems: list[str]) -> tuple[Source, ...]:
    """Read how records of foreign shapes become events.

    Args:
        document: the file.
        channels: the names of those of the policy.
        problems: what is wrong is added.

    Returns:
        The sources, in the order of the file.
    """
    tables = document.get("sources", {})
    if not isinstance(tables, dict):
        problems.append("sources: must be a table of tables such as [sources.web]")
        return ()
    if len(tables) > MOST_SOURCES:
        problems.append(f"sources: there are {len(tables)}; at most {MOST_SOURCES} are read")
    found = [read_source(name, table, channels, problems) for name, table in tables.items()]
    return tuple(source for source in found if source is not None)


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
    where = f"sources.{name}"
    if not isinstance(table, dict):
        problems.append(f"{where}: must be a table, [{where}]")
        return None
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        problems.append(f"{where}: a source's name is 1 to {_LONGEST_NAME} printable characters")
    before = len(problems)
    source = _SourceReader(where, name, channels, problems).read(table)
    return source if len(problems) == before else None


def with_preset(table: _Table) -> _Table:
    """Put what a preset says under what a source says itself.

    Args:
        table: of the source.

    Returns:
        Its table with the keys that it leaves out; `types` of both.

    Raises:
        ValueError: if there is no such preset.
    """
    name = table.get("format")
    if name is None:
        return table
    if not isinstance(name, str) or name not in preset_names():
        raise ValueError(f"{name!r} is no preset; there are {', '.join(preset_names())}")
    return _merged(with_preset(preset_table(name)), table)


def _merged(under: _Table, table: _Table) -> _Table:
    merged = {**under, **table}
    if isinstance(under.get("types"), dict) and isinstance(table.get("types"), dict):
        merged["types"] = {**under["types"], **table["types"]}
    return merged


class _SourceReader:
    """Reads the table of one source, noting each problem and going on."""

    def __init__(self, where: str, name: str, channels: Collection[str], problems: list[str]) -> None:
        self._where, self._name, self._channels, self._problems = where, name, channels, problems

    def read(self, own: _Table) -> Source | None:
        self._only(self._where, own, (*_ONCE, *_READING))
        try:
            table = with_preset(own)
        except ValueError as error:
            self._problems.append(f"{self._where}.format: {error}")
            table = own
        topic = table.get("topic", self._name)
        check_topic(self._where, topic, self._problems)
        readings = self._readings(table)
        if not readings:
            return None
        return Source(
            self._name,
            str(topic),
            readings,
            encoding=self._choice(f"{self._where}.encoding", table.get("encoding", ENCODINGS[0]), ENCODINGS),
            unwrap=self._paths(f"{self._where}.unwrap", table.get("unwrap")),
            silence_after=self._duration(f"{self._where}.silence_after", table.get("silence_after", "0s")),
            format=str(table.get("format", "")),
        )

    def _readings(self, table: _Table) -> tuple[Reading, ...]:
        shared = {key: value for key, value in table.items() if key in _READING}
        if "events" not in table:
            return (self._reading(self._where, shared),)
        tables = table["events"]
        if not isinstance(tables, list) or not tables or not all(isinstance(each, dict) for each in tables):
            self._problems.append(f"{self._where}.events: must be tables, [[{self._where}.events]]")
            return ()
        found = []
        for number, each in enumerate(tables):
            where = f"{self._where}.events[{number}]"
            self._only(where, each, _READING)
            found.append(self._reading(where, _merged(shared, each)))
        return tuple(found)

    def _reading(self, where: str, table: _Table) -> Reading:
        for key in _REQUIRED:
            if key not in table:
                self._problems.append(f'{where}.{key}: is required; a path such as {key} = "data.{key}"')
        channel = table.get("channel")
        if channel is None:
            self._problems.append(f"{where}.channel: is required; one of {', '.join(self._channels)}")
        elif not isinstance(channel, str) or channel not in self._channels:
            self._problems.append(f"{where}.channel: {channel!r} is no channel; there are {', '.join(self._channels)}")
        nothing = parse_value({"is": ""})
        each = self._strings(f"{where}.each", table.get("each", []))
        only_types = table.get("only_types", False)
        if not isinstance(only_types, bool):
            self._problems.append(f"{where}.only_types: must be true or false")
        reading = Reading(
            str(channel),
            customer=self._value(f"{where}.customer", table.get("customer")) or nothing,
            type=self._value(f"{where}.type", table.get("type")) or nothing,
            time=self._value(f"{where}.time", table.get("time")) or nothing,
            id=self._value(f"{where}.id", table.get("id")),
            each=tuple(self._each(f"{where}.each", each)),
            each_text=" or ".join(each),
            json=self._paths(f"{where}.json", table.get("json")),
            when=self._conditions(f"{where}.when", table.get("when")),
            unless=self._conditions(f"{where}.unless", table.get("unless")),
            types=self._types(f"{where}.types", table.get("types", {}), str(channel)),
            ignore=tuple(sorted(set(self._strings(f"{where}.ignore", table.get("ignore", []))))),
            only_types=bool(only_types),
            time_format=self._choice(f"{where}.time_format", table.get("time_format", AUTO), TIME_FORMATS),
            email_ids=self._choice(f"{where}.email_ids", table.get("email_ids", KEEP), (LOWER, KEEP)),
            properties=self._properties(f"{where}.properties", table.get("properties")),
            links=self._links(f"{where}.links", table.get("links", [])),
        )
        self._not_too_many(where, reading)
        return reading

    def _not_too_many(self, where: str, reading: Reading) -> None:
        named = len(reading.properties) if isinstance(reading.properties, tuple) else 0
        names = len(reading.types) + len(reading.ignore) + named
        if names > MOST_NAMES:
            what = "types, ignored types and properties"
            self._problems.append(f"{where}: names {names:,} {what}; at most {MOST_NAMES:,} are known")

    def _only(self, where: str, table: _Table, allowed: Sequence[str]) -> None:
        for key in table:
            if key not in allowed:
                self._problems.append(f"{where}.{key}: unknown key; allowed here: {', '.join(allowed)}")

    def _parsed(self, where: str, parse: Callable[[Any], _T], written: object) -> _T | None:
        if written is None:
            return None
        try:
            return parse(written)
        except ValueError as error:
            self._problems.append(f"{where}: {error}")
            return None

    def _value(self, where: str, written: object) -> Value | None:
        return self._parsed(where, parse_value, written)

    def _conditions(self, where: str, written: object) -> tuple[Condition, ...]:
        return self._parsed(where, parse_conditions, written) or ()

    def _each(self, where: str, written: Sequence[str]) -> list[Any]:
        found = [self._parsed(where, parse_each, each) for each in written]
        return [arrays for arrays in found if arrays is not None]

    def _paths(self, where: str, written: object) -> tuple[Path, ...]:
        texts = self._strings(where, [] if written is None else written)
        found = [self._parsed(where, _path_or_all, text) for text in texts]
        return tuple(path for path in found if path is not None)

    def _strings(self, where: str, written: object) -> list[str]:
        texts = [written] if isinstance(written, str) else written
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            return texts
        self._problems.append(f"{where}: must be a text or a list of texts")
        return []

    def _choice(self, where: str, written: object, allowed: Sequence[str]) -> str:
        if written not in allowed:
            self._problems.append(f"{where}: {written!r} is not one of {', '.join(allowed)}")
        return str(written)

    def _duration(self, where: str, written: Any) -> int:
        try:
            return parse_duration(written)
        except (ValueError, TypeError):
            self._problems.append(f"{where}: {written!r} is not a duration such as 30d, 24h, 15m, 10s or 500ms")
            return 0

    def _types(self, where: str, written: object, channel: str) -> tuple[tuple[str, tuple[str, str]], ...]:
        if not isinstance(written, dict):
            self._problems.append(f'{where}: must be a table such as {{ "Product Added" = "add_to_cart" }}')
            return ()
        found = []
        for kind, name in _flat(written):
            if not isinstance(name, str) or not name:
                self._problems.append(f"{where}.{kind}: {name!r} is not the name of a type")
                continue
            other, dot, rest = name.partition(".")
            found.append((kind, (other, rest) if dot and rest and other in self._channels else (channel, name)))
        return tuple(found)

    def _properties(self, where: str, written: object) -> Value | tuple[tuple[str, Value], ...] | None:
        if not isinstance(written, dict):
            return self._value(where, written)
        found = [(name, self._value(f"{where}.{name}", value)) for name, value in written.items()]
        return tuple((name, value) for name, value in found if value is not None)

    def _links(self, where: str, written: object) -> tuple[LinkRule, ...]:
        tables = [written] if isinstance(written, dict) else written
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._problems.append(f"{where}: must be tables, [[{where}]], with {', '.join(_LINK)}")
            return ()
        found = []
        for number, table in enumerate(tables):
            at = f"{where}[{number}]"
            self._only(at, table, _LINK)
            self._problems += [f"{at}.{key}: is required" for key in _LINK[:2] if key not in table]
            one = self._value(f"{at}.id", table.get("id"))
            customer = self._value(f"{at}.customer", table.get("customer"))
            when = self._conditions(f"{at}.when", table.get("when"))
            unless = self._conditions(f"{at}.unless", table.get("unless"))
            if one is not None and customer is not None:
                found.append(LinkRule(one, customer, when, unless))
        return tuple(found)


def _path_or_all(text: str) -> Path:
    """Read a path, of which `.` is the record itself."""
    return parse_path("@" if text == "." else text)


def _flat(table: _Table, before: str = "") -> list[tuple[str, object]]:
    """Give the entries of a table; a dotted key, of which TOML makes tables in tables, is one name."""
    found: list[tuple[str, object]] = []
    for key, value in table.items():
        found += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", value)]
    return found
