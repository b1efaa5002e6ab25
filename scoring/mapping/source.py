"""Sources as values: where records of a foreign shape come from, and what is made of them.

Rests on decision 26.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scoring.mapping.conditions import Condition
from scoring.mapping.paths import Path, Step
from scoring.mapping.times import AUTO
from scoring.mapping.values import Value

#: The ways in which the bytes of records are read.
ENCODINGS: Final = ("json", "json_schema", "avro", "protobuf", "tsv", "cloudevents")
#: What is done with addresses as ids.
LOWER: Final = "lower"
KEEP: Final = "keep"


@dataclass(frozen=True, slots=True)
class LinkRule:
    """Which records say that an id is one of a customer, and where the two stand."""

    id: Value
    customer: Value
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One way of reading a record, for the channel that it `feeds`.

    `each` are the arrays whose elements are events: alternatives, each the steps to its arrays from the outer one to
    the inner one; nothing where the record is one event. `types` are the channel and the name of each type that is
    renamed, by its name in the record. `properties` is a value that is an object, or the values by their names, or
    None where the source has none.
    """

    feeds: str
    customer: Value
    type: Value
    time: Value
    id: Value | None = None
    each: tuple[tuple[tuple[Step, ...], ...], ...] = ()
    each_text: str = ""
    json: tuple[Path, ...] = ()
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    types: tuple[tuple[str, tuple[str, str]], ...] = ()
    ignore: tuple[str, ...] = ()
    only_types: bool = False
    time_format: str = AUTO
    email_ids: str = KEEP
    properties: Value | tuple[tuple[str, Value], ...] | None = None
    links: tuple[LinkRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A topic with records of a foreign shape.

    `unwrap` are the paths at which the event may stand in an envelope; nothing where there is none. `silence_after` is
    how long it may be without any event before it counts as silent, in microseconds; 0: for ever.
    """

    name: str
    topic: str
    readings: tuple[Reading, ...]
    encoding: str = ENCODINGS[0]
    unwrap: tuple[Path, ...] = ()
    silence_after: int = 0
    format: str = ""

    @property
    def channel(self) -> str:
        """The channel that it feeds, beside those that its types name."""
        return self.readings[0].feeds

    @property
    def has_links(self) -> bool:
        """Whether it says that ids are one."""
        return any(reading.links for reading in self.readings)

    @property
    def without_ids(self) -> bool:
        """Whether events come without an id, so that an event that is sent again counts again."""
        return any(reading.id is None for reading in self.readings)
