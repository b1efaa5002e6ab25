"""What becomes of the parts of a record: events, links, what is left out, and what is bad."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

#: Why a record is left out, where neither a type nor a condition tells.
TOMBSTONE: Final = "tombstone"
NO_ELEMENTS: Final = "no elements"
NO_OBJECT: Final = "no object"


class MappedEvent(NamedTuple):
    """An event of a part of a record; `time` is in microseconds, `id` is None where it has none."""

    part: int
    channel: str
    customer: str
    type: str
    time: int
    id: str | None
    properties: dict[str, Any] | None


class MappedLink(NamedTuple):
    """A part of a record that says that an id is one of a customer."""

    part: int
    id: str
    customer: str


class LeftOut(NamedTuple):
    """A part, or the whole record where it is None, that is nobody's event and no error."""

    part: int | None
    why: str


class Bad(NamedTuple):
    """A part, or the whole record where it is None, that is of no use, and why."""

    part: int | None
    reason: str
    detail: str


Outcome: TypeAlias = MappedEvent | MappedLink | LeftOut | Bad
