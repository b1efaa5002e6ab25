"""A compiled source: what one decoded record says, part by part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scoring.errors import InvalidEvent
from scoring.mapping.element_reading import ElementReading, Filter, kind_of
from scoring.mapping.elements import MOST_ELEMENTS, Elements, Loads, Unwrap, WrittenJson
from scoring.mapping.outcomes import NO_ELEMENTS, Bad, LeftOut, Outcome
from scoring.mapping.paths import AROUND, HERE, Levels, Path
from scoring.mapping.source import Reading, Source
from scoring.mapping.values import paths_of


class Mapping:
    """Reads the records of one source."""

    def __init__(self, source: Source, loads: Loads) -> None:
        """Compile.

        Args:
            source: of the policy in force.
            loads: decodes JSON that is written in a text; raises ValueError.
        """
        self._unwrap = Unwrap(source.unwrap, loads) if source.unwrap else None
        self._readings = [_RecordReading(reading, loads) for reading in source.readings]

    def read(self, value: Any, kafka: Any, latest: int) -> list[Outcome]:
        """Read one record.

        Args:
            value: what its value decodes to; objects in it may be changed.
            kafka: the record, with its `key`, `timestamp` and `headers`.
            latest: the newest event time that is let in, in microseconds.

        Returns:
            What becomes of each part; one outcome at least.
        """
        event, refused = value, None
        if self._unwrap is not None:
            try:
                event = self._unwrap.event(value)
            except InvalidEvent as error:
                event, refused = None, error
        found: list[Outcome] = []
        left_out: list[Outcome] = []
        for reading in self._readings:
            try:
                found += reading.read((kafka, value, event), refused, len(found), latest)
            except _LeftOut as reason:
                left_out.append(LeftOut(None, str(reason)))
            except _NothingThere as nothing:
                # Of several readings each looks for its own kind of record.
                refused = refused or nothing.error
            except InvalidEvent as error:
                return [Bad(None, error.reason, error.detail)]
        if found or left_out or refused is None:
            return found or left_out[:1]
        several = len(self._readings) > 1 and refused.reason == "not_an_array"
        return [LeftOut(None, NO_ELEMENTS) if several else Bad(None, refused.reason, refused.detail)]


class _LeftOut(Exception):
    """The record is nothing for a reading."""


class _NothingThere(Exception):
    """A reading finds nothing where it looks."""

    def __init__(self, reason: str, detail: str) -> None:
        self.error = InvalidEvent(reason, detail)


class _RecordReading:
    """One reading of records, with its arrays."""

    def __init__(self, reading: Reading, loads: Loads) -> None:
        self._each = [Elements(arrays) for arrays in reading.each]
        self._each_text = reading.each_text
        self._record_json = WrittenJson(reading.json, loads, root=True)
        self._event_json = WrittenJson(reading.json, loads, root=False)
        depths = [elements.depth for elements in self._each] or [0]
        # What is told outside the elements is told once, before they are looked for.
        outer = [each for each in (*reading.when, *reading.unless) if _outside(each.paths, depths)]
        self._conditions = Filter(
            [each for each in reading.when if each in outer],
            [each for each in reading.unless if each in outer],
            depths[0],
        )
        inner = (
            [each for each in reading.when if each not in outer],
            [each for each in reading.unless if each not in outer],
        )
        self._elements = [ElementReading(reading, depth, Filter(*inner, depth), loads) for depth in depths]
        tells_type = bool(self._each) and not reading.links and _outside(tuple(paths_of(reading.type)), depths)
        self._type_reader = self._elements[0] if tells_type else None

    def read(self, levels: Levels, refused: InvalidEvent | None, part: int, latest: int) -> list[Outcome]:
        _, record, event = levels
        self._record_json.read(record)
        self._event_json.read(event)
        if event is not None and not self._each and type(event) is not dict:
            raise _NothingThere("not_an_object", f"the value is {kind_of(event)}, not a JSON object")
        if why := self._conditions.left_out(levels):
            raise _LeftOut(why)
        if event is None:
            raise refused or _NothingThere("not_an_object", "the value is null, not a JSON object")
        if not self._each:
            outcome = self._elements[0].read(levels, part, latest)
            if type(outcome) is LeftOut:
                raise _LeftOut(outcome.why)
            return [outcome]
        if self._type_reader is not None and (why := self._type_reader.left_out(levels)):
            raise _LeftOut(why)
        return self._read_elements(levels, part, latest)

    def _read_elements(self, levels: Levels, part: int, latest: int) -> list[Outcome]:
        at = self._chosen(levels[-1])
        reading = self._elements[at]
        found: list[Outcome] = []
        for element in self._each[at].of(levels):
            where = part + len(found)
            if len(found) == MOST_ELEMENTS:
                raise InvalidEvent("too_many_events", f"{self._each_text} has more than {MOST_ELEMENTS:,} elements")
            if type(element) is str:
                found.append(Bad(where, "not_an_array", f"{self._each_text}: {element}"))
            else:
                found.append(reading.read(element, where, latest))  # type: ignore[arg-type]
        if not found:
            raise _LeftOut(NO_ELEMENTS)
        return found

    def _chosen(self, event: Any) -> int:
        """Choose the first arrays that are there."""
        for at, elements in enumerate(self._each):
            if elements.reaches(event):
                return at
        starts = [elements.start(event) for elements in self._each]
        for at, start in enumerate(starts):
            if type(start) is list:
                return at
        for start in starts:
            if start is not None:
                raise InvalidEvent("not_an_array", f"{self._each_text} is {kind_of(start)}, not an array")
        raise _NothingThere("not_an_array", f"there is no array at {self._each_text}")


def _outside(paths: Iterable[Path], depths: Iterable[int]) -> bool:
    """Tell whether paths start outside every element."""
    return all(
        depth == 0 or not (path.origin == HERE or (path.origin == AROUND and path.up < depth))
        for path in paths
        for depth in depths
    )
