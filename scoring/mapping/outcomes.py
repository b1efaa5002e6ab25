"""What becomes of the parts of a record: events, links, what is left out, and what is bad."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

#: Why a record is left out, where neither a type nor a condition tells.
TOMBSTONE: Final = "tombstone"
NO_ELEMENTS: Final = "no elements"
NO_OBJECT: Final = "no object"


class MappedEvent:
    """An event of a part of a record; `time` is in microseconds, `id` is None where it has none."""

    # Neither a named tuple nor a data class: see `Event`.
    __slots__ = ("channel", "customer", "id", "part", "properties", "time", "type")

    def __init__(
        self,
        part: int,
        channel: str,
        customer: str,
        kind: str,
        time: int,
        identity: str | None,
        properties: dict[str, Any] | None,
    ) -> None:
        """Put an event together; see above for the arguments."""
        self.part = part
        self.channel = channel
        self.customer = customer
        self.type = kind
        self.time = time
        self.id = identity
        self.properties = properties

    def __eq__(self, other: object) -> bool:
        """Return whether it says the same as another one."""
        return isinstance(other, MappedEvent) and self._said() == other._said()

    def __hash__(self) -> int:
        """Hash what can be hashed of it."""
        return hash(self._said()[:-1])

    def __repr__(self) -> str:
        """Write it as it is made."""
        return f"MappedEvent{self._said()!r}"

    def _said(self) -> tuple[Any, ...]:
        return self.part, self.channel, self.customer, self.type, self.time, self.id, self.properties


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


#: What becomes of a part.
Outcome: TypeAlias = MappedEvent | MappedLink | LeftOut | Bad


def numbered(outcome: Outcome, part: int) -> Outcome:
    """Give an outcome of a part that has another number among those of all sources.

    Args:
        outcome: of one source.
        part: the number.
    """
    if not isinstance(outcome, MappedEvent):
        return outcome._replace(part=part)
    event = outcome
    return MappedEvent(part, event.channel, event.customer, event.type, event.time, event.id, event.properties)
