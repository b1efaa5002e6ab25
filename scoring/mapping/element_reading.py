"""One reading of one element of a record, or of the record itself: from its places to an event or a link.

Rests on decision 26.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from scoring.errors import InvalidEvent
from scoring.ids import MOST_ID_BYTES, check_id
from scoring.json_words import described
from scoring.mapping.conditions import any_of
from scoring.mapping.elements import Loads, WrittenJson
from scoring.mapping.filter import HOLDS, Filter
from scoring.mapping.getters import Getter, Levels, as_text
from scoring.mapping.outcomes import Bad, LeftOut, MappedEvent, MappedLink, Outcome
from scoring.mapping.paths import HERE, TIMESTAMP, Path
from scoring.mapping.source import LOWER, LinkRule, Reading
from scoring.mapping.times import AUTO, parse_time
from scoring.mapping.values import FirstOf, Value, compile_value, paths_of

# The year 2001 in microseconds.
_MICROSECONDS: Final = 10**15


class ElementReading:
    """Reads the elements of one source that are in a given number of arrays."""

    def __init__(self, reading: Reading, depth: int, conditions: Filter, loads: Loads) -> None:
        """Compile.

        Args:
            reading: what to look for.
            depth: how many arrays an element is in; 0 where the event is no element.
            conditions: those that are about the element.
            loads: decodes JSON that is written in a text.
        """
        self._channel, self._types = reading.feeds, dict(reading.types)
        self._ignore, self._only_types = frozenset(reading.ignore), reading.only_types
        self._conditions = conditions
        self._takes_any = any(_is_element(path) for path in _paths(reading))
        self._json = WrittenJson(reading.json, loads, root=False) if depth and reading.json else None
        lower = reading.email_ids == LOWER
        self._links = [_Link(rule, depth, lower=lower) for rule in reading.links]
        says_link = any_of([rule.when for rule in reading.links])
        self._says_link = None if says_link is None else Filter([says_link], (), depth)
        self._type = _Field(reading.type, depth)
        self._customer = _Id("customer_id", reading.customer, depth, lower=lower)
        self._time = _Time(reading.time, reading.time_format, depth)
        self._id = None if reading.id is None else compile_value(reading.id, depth)
        self._properties = None if reading.properties is None else _Properties(reading.properties, depth)

    def left_out(self, levels: Levels) -> str:
        """Return the type, if it is one that is left out; '' if it is not.

        Args:
            levels: the places.
        """
        return self._left_out(self._type.value.get(levels))

    def read(self, levels: Levels, part: int, latest: int) -> Outcome:
        """Read one element.

        Args:
            levels: the places.
            part: the number of the element in the record.
            latest: the newest event time that is let in, in microseconds.
        """
        try:
            return self._read(levels, part, latest)
        except InvalidEvent as error:
            return Bad(part, error.reason, error.detail)

    def _read(self, levels: Levels, part: int, latest: int) -> Outcome:
        element = levels[-1]
        if type(element) is not dict and not self._takes_any:
            raise InvalidEvent("not_an_object", f"the element is {described(element)}, and a JSON object is wanted")
        if self._json is not None:
            self._json.read(element)
        if why := self._conditions.left_out(levels):
            return LeftOut(part, why)
        if self._links and (self._says_link is None or self._says_link.verdict(levels) == HOLDS):
            for link in self._links:
                if link.applies(levels):
                    return link.read(levels, part)
        kind = self._type.value.get(levels)
        if why := self._left_out(kind):
            return LeftOut(part, why)
        customer = self._customer.read(levels)
        if type(kind) is not str or not kind:
            raise self._not_a_type(kind)
        time = self._time.read(levels, latest)
        renamed = self._types.get(kind)
        channel, name = (self._channel, kind) if renamed is None else renamed
        identity = None if self._id is None else _event_id(self._id.get(levels))
        properties = None if self._properties is None else self._properties.read(levels)
        return MappedEvent(part, channel, customer, name, time, identity, properties)

    def _left_out(self, kind: Any) -> str:
        if type(kind) is not str or not kind:
            return ""
        return kind if kind in self._ignore or (self._only_types and kind not in self._types) else ""

    def _not_a_type(self, kind: Any) -> InvalidEvent:
        if kind is None or kind == "":
            return InvalidEvent("type_missing", self._type.without_value)
        return InvalidEvent("type_not_a_string", f"{self._type.names} is {described(kind)}, and a string is wanted")


class _Field:
    """A value, and how its paths are named in messages."""

    def __init__(self, value: Value, depth: int) -> None:
        self.value = compile_value(value, depth)
        names = [path.text for path in paths_of(value)]
        self.names = " or ".join(names) or "a constant"
        self.without_value = (
            f"none of {', '.join(names)} has a value" if len(names) > 1 else f"{self.names} has no value"
        )


class _Id(_Field):
    """A value that says who somebody is."""

    def __init__(self, name: str, value: Value, depth: int, *, lower: bool) -> None:
        super().__init__(value, depth)
        self._name, self._lower = name, lower

    def read(self, levels: Levels) -> str:
        found = self.value.get(levels)
        if type(found) is int:
            found = str(found)
        if found is None:
            raise InvalidEvent(f"{self._name}_missing", self.without_value)
        if type(found) is not str or not found or len(found) > MOST_ID_BYTES // 4:
            try:
                check_id({self._name: found}, self._name)
            except InvalidEvent as error:
                raise InvalidEvent(error.reason, error.detail.replace(self._name, self.names, 1)) from None
        identity: str = found
        return identity.lower() if self._lower and "@" in identity else identity


class _Link:
    """Reads the two ids of which a record says that they are one customer's."""

    def __init__(self, rule: LinkRule, depth: int, *, lower: bool) -> None:
        self._conditions = Filter(rule.when, rule.unless, depth)
        self._id = _Id("id", rule.id, depth, lower=lower)
        self._customer = _Id("customer_id", rule.customer, depth, lower=lower)

    def applies(self, levels: Levels) -> bool:
        return not self._conditions.left_out(levels)

    def read(self, levels: Levels, part: int) -> Outcome:
        for side in (self._id, self._customer):
            found = side.value.get(levels)
            if found is None or found == "":
                return LeftOut(part, side.without_value)
        one, other = self._id.read(levels), self._customer.read(levels)
        return LeftOut(part, "the same id twice") if one == other else MappedLink(part, one, other)


class _Way:
    """One of the values that may be the time, and its format."""

    def __init__(self, value: Value, time_format: str, depth: int) -> None:
        self.value = compile_value(value, depth)
        self.time_format = time_format


class _Time(_Field):
    """Reads the time of an event; that of the Kafka record has a format of its own."""

    def __init__(self, value: Value, time_format: str, depth: int) -> None:
        super().__init__(value, depth)
        values = value.values if isinstance(value, FirstOf) else (value,)
        self._ways = [
            _Way(each, "ms" if isinstance(each, Path) and each.origin == TIMESTAMP else time_format, depth)
            for each in values
        ]

    def read(self, levels: Levels, latest: int) -> int:
        for way in self._ways:
            written = way.value.get(levels)
            if written is None or written == "":
                continue
            try:
                time = parse_time(written, way.time_format)
            except ValueError as error:
                said = "" if isinstance(written, str | datetime) else f" is {described(written)}"
                raise InvalidEvent("timestamp_invalid", f"{self.names}{said}: {error}") from None
            if time > latest:
                raise InvalidEvent("timestamp_in_future", f"{self.names}: {_ahead(written, way.time_format)}")
            return time
        raise InvalidEvent("timestamp_missing", self.without_value)


def _ahead(written: Any, time_format: str) -> str:
    hint = ""
    if time_format == AUTO and isinstance(written, int | float) and written >= _MICROSECONDS:
        hint = '; if it is in microseconds, time_format = "us" reads it'
    return f"{as_text(written)} is more than 5 minutes ahead of the clock{hint}"


def _event_id(found: Any) -> str | None:
    if found is None or found == "":
        return None
    if type(found) is int:
        return str(found)
    if type(found) is not str:
        problem = f"the id is {described(found)}, and a string or a whole number is wanted"
        raise InvalidEvent("event_id_not_a_string", problem)
    return found


class _Properties:
    """Reads an object that is there, or puts one together."""

    def __init__(self, written: Value | tuple[tuple[str, Value], ...], depth: int) -> None:
        self._object: Getter | None = None
        self._named: list[tuple[str, Getter]] = []
        if isinstance(written, tuple):
            self._named = [(name, compile_value(value, depth)) for name, value in written]
        else:
            self._object = compile_value(written, depth)

    def read(self, levels: Levels) -> dict[str, Any]:
        if self._object is not None:
            found = self._object.get(levels)
            return found if type(found) is dict else {}
        properties: dict[str, Any] = {}
        for name, value in self._named:
            found = value.get(levels)
            if found is not None:
                properties[name] = found
        return properties


def _is_element(path: Path) -> bool:
    return path.origin == HERE and not path.steps


def _paths(reading: Reading) -> Iterator[Path]:
    """Give the paths that decide whether elements may be other than objects."""
    values = [reading.customer, reading.type, reading.time, *([] if reading.id is None else [reading.id])]
    for rule in reading.links:
        values += [rule.id, rule.customer]
    for value in values:
        yield from paths_of(value)
    for condition in (*reading.when, *reading.unless):
        yield from condition.paths
