"""What of a record a source reads: the fields that are on its paths, and nothing else.

Rests on decision 85.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from scoring.mapping.conditions import Condition
from scoring.mapping.paths import AROUND, EVENT, HERE, RECORD, ROOT, Find, Path, Step
from scoring.mapping.source import Reading, Source
from scoring.mapping.values import paths_of


class Fields:
    """What is read of a value: all of it where it is `whole`; else of an object some fields, of an array its elements.

    What kind of value it is, is read in any case.
    """

    def __init__(self) -> None:
        """Read nothing."""
        self.whole = False
        self.named: dict[str, Fields] = {}
        self.elements: Fields | None = None

    def at(self, steps: Iterable[Step]) -> Fields:
        """Give what is read at the end of steps; what they lead through is read with it.

        Args:
            steps: from this value inwards.
        """
        fields = self
        for step in steps:
            if isinstance(step, str):
                fields = fields.named.setdefault(step, Fields())
                continue
            fields = fields.element()
            if isinstance(step, Find):
                fields.at(step.steps).whole = True
        return fields

    def read(self, names: Collection[str] | None) -> None:
        """Read fields, or all of the value.

        Args:
            names: of the fields; None for all.
        """
        if names is None:
            self.whole = True
        for name in names or ():
            self.at((name,)).whole = True

    def arrays(self, ways: Iterable[Iterable[Step]]) -> Iterator[Fields]:
        """Give what is read of the elements of arrays in arrays, from the outer ones to the inner ones.

        Args:
            ways: the steps to each array.
        """
        fields = self
        for steps in ways:
            fields = fields.at(steps).element()
            yield fields

    def joined(self, other: Fields) -> Fields:
        """Give what is read by either.

        Args:
            other: of the same value.
        """
        both = Fields()
        both.whole = self.whole or other.whole
        for each in (self, other):
            for name, fields in each.named.items():
                both.named[name] = fields.joined(both.named.get(name, Fields()))
            if each.elements is not None:
                both.elements = each.elements.joined(both.elements or Fields())
        return both

    def element(self) -> Fields:
        """Give what is read of each element."""
        self.elements = self.elements or Fields()
        return self.elements


def fields_of(source: Source, properties: Collection[str] | None = None) -> Fields:
    """Return what a source reads of the value of a record.

    What is JSON in a text is read as that text.

    Args:
        source: of the policy.
        properties: the names of those that are asked for; None for all.
    """
    record = Fields()
    events = [record.at(path.steps) for path in source.unwrap] or [record]
    for reading in source.readings:
        for arrays in reading.each or ((),):
            elements = [list(event.arrays(arrays)) for event in events]
            levels = {RECORD: [record], EVENT: events}
            for number in range(len(arrays)):
                levels[EVENT + 1 + number] = [each[number] for each in elements]
            for path in _paths(reading):
                for fields in _starts(path, len(arrays), levels):
                    fields.at(path.steps).whole = True
            for path, names in _properties(reading, properties):
                for fields in _starts(path, len(arrays), levels):
                    fields.at(path.steps).read(names)
    return record


def _starts(path: Path, depth: int, levels: dict[int, list[Fields]]) -> list[Fields]:
    if path.origin in (HERE, AROUND):
        return levels[path.level(depth)]
    return [*levels[RECORD], *levels[EVENT]] if path.origin == ROOT else []  # or of the Kafka record


def _paths(reading: Reading) -> Iterator[Path]:
    values = [reading.customer, reading.type, reading.time, *([] if reading.id is None else [reading.id])]
    conditions: list[Condition] = [*reading.when, *reading.unless]
    for rule in reading.links:
        values += [rule.id, rule.customer]
        conditions += [*rule.when, *rule.unless]
    for value in values:
        yield from paths_of(value)
    for condition in conditions:
        yield from condition.paths


def _properties(reading: Reading, asked: Collection[str] | None) -> Iterator[tuple[Path, Collection[str] | None]]:
    """Give the paths of properties, each with the names that are asked for of the object there; None for all of it."""
    written = reading.properties
    if isinstance(written, tuple):
        for name, value in written:
            if asked is None or name in asked:
                yield from ((path, None) for path in paths_of(value))
    elif written is not None and (asked is None or asked):
        yield from ((path, asked) for path in paths_of(written))
