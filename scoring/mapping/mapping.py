"""A compiled source: what one decoded record says, part by part.

Rests on decision 26.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scoring.errors import InvalidEvent
from scoring.json_words import described, not_an_object
from scoring.mapping.conditions import Condition
from scoring.mapping.element_reading import ElementReading
from scoring.mapping.elements import MOST_ELEMENTS, Elements, Loads, Unwrap, WrittenJson
from scoring.mapping.filter import Filter
from scoring.mapping.getters import Levels
from scoring.mapping.outcomes import NO_ELEMENTS, NO_OBJECT, Bad, LeftOut, Outcome
from scoring.mapping.paths import AROUND, EVENT, HERE, RECORD, Path
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
        alone = len(source.readings) == 1
        self._readings = [_RecordReading(reading, loads, alone=alone) for reading in source.readings]
        self._takes_arrays = any(reading.each for reading in source.readings)

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
                event, refused = None, Bad(None, error.reason, error.detail)
        if type(event) is not dict and refused is None and not (self._takes_arrays and type(event) is list):
            refused = _no_object(event, arrays=self._takes_arrays)
            if event is not None:
                return [refused]
        if len(self._readings) == 1:
            return self._readings[0].read((kafka, value, event), refused, 0, latest)
        found: list[Outcome] = []
        left_out: list[Outcome] = []
        for reading in self._readings:
            outcomes = reading.read((kafka, value, event), refused, len(found), latest)
            first = outcomes[0]
            if first.part is not None:
                found += outcomes
            elif type(first) is LeftOut:
                left_out.append(first)
            else:
                return [first]
        return found or left_out[:1]


def _no_object(event: Any, *, arrays: bool) -> Bad:
    if arrays and event is not None:
        return Bad(None, "not_an_array", f"the value is {described(event)}, neither an array nor an object with one")
    return Bad(None, "not_an_object", not_an_object(event))


class _RecordReading:
    """One reading of records, with its arrays."""

    def __init__(self, reading: Reading, loads: Loads, *, alone: bool) -> None:
        self._alone = alone
        self._each = [Elements(arrays) for arrays in reading.each]
        self._each_text = reading.each_text
        self._has_json = bool(reading.json)
        self._record_json = WrittenJson(reading.json, loads, root=True)
        self._event_json = WrittenJson(reading.json, loads, root=False)
        depths = [elements.depth for elements in self._each] or [0]
        # What is said outside the elements is read once, before they are looked for.
        outer, inner = _parted(reading.when, depths), _parted(reading.unless, depths)
        self._conditions = Filter(outer[0], inner[0], depths[0])
        self._elements = [ElementReading(reading, depth, Filter(outer[1], inner[1], depth), loads) for depth in depths]
        tells_type = bool(self._each) and not reading.links and _outside(tuple(paths_of(reading.type)), depths)
        self._type_reader = self._elements[0] if tells_type else None

    def read(self, levels: Levels, refused: Bad | None, part: int, latest: int) -> list[Outcome]:
        """Read the record; what concerns the whole of it is the only outcome."""
        record, event = levels[RECORD], levels[EVENT]
        if self._has_json:
            self._record_json.read(record)
            self._event_json.read(event)
        if why := self._conditions.left_out(levels):
            return [LeftOut(None, why)]
        if refused is not None:
            return [refused]
        if not self._each:
            return [self._read_event(levels, part, latest)]
        if self._type_reader is not None and (why := self._type_reader.left_out(levels)):
            return [LeftOut(None, why)]
        at = self._chosen(event)
        return self._read_elements(at, levels, part, latest) if type(at) is int else [at]  # type: ignore[list-item]

    def _read_event(self, levels: Levels, part: int, latest: int) -> Outcome:
        if type(levels[-1]) is not dict:
            return LeftOut(None, NO_OBJECT)  # of several readings another one looks for the array
        outcome = self._elements[0].read(levels, part, latest)
        return LeftOut(None, outcome.why) if type(outcome) is LeftOut else outcome

    def _read_elements(self, at: int, levels: Levels, part: int, latest: int) -> list[Outcome]:
        reading = self._elements[at]
        found: list[Outcome] = []
        for element in self._each[at].of(levels):
            where = part + len(found)
            if len(found) == MOST_ELEMENTS:
                return [Bad(None, "too_many_events", f"{self._each_text} has more than {MOST_ELEMENTS:,} elements")]
            if type(element) is str:
                found.append(Bad(where, "not_an_array", f"{self._each_text}: {element}"))
            else:
                found.append(reading.read(element, where, latest))  # type: ignore[arg-type]
        return found or [LeftOut(None, NO_ELEMENTS)]

    def _chosen(self, event: Any) -> int | Outcome:
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
                return Bad(None, "not_an_array", f"{self._each_text} is {described(start)}, and an array is wanted")
        if self._alone:
            return Bad(None, "not_an_array", f"there is no array at {self._each_text}")
        return LeftOut(None, NO_ELEMENTS)


def _parted(conditions: Iterable[Condition], depths: list[int]) -> tuple[list[Condition], list[Condition]]:
    """Part conditions into those outside every element and those about elements."""
    outer = [condition for condition in conditions if _outside(condition.paths, depths)]
    return outer, [condition for condition in conditions if condition not in outer]


def _outside(paths: Iterable[Path], depths: Iterable[int]) -> bool:
    """Return whether paths start outside every element."""
    return all(
        depth == 0 or not (path.origin == HERE or (path.origin == AROUND and path.up < depth))
        for path in paths
        for depth in depths
    )
