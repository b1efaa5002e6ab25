"""Details: what an event tells beyond its type, read from its properties where the policy asks for it.

Rests on decision 7.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from scoring.points import POINT

#: The ways in which a property becomes an amount; see `Amount`.
SUM: Final = "sum"
VALUES: Final = "values"
AT_LEAST: Final = "at_least"
AT_MOST: Final = "at_most"
LATEST: Final = "latest"
#: A value further from zero than this is no measurement but a mistake.
MOST_VALUE: Final = 10**12
#: No code of a type begins with these: an amount can never be taken for a count.
_ADDED: Final = "$"
_NEWEST: Final = "^"
#: Stands where the code of a type stands in an event: what is said is a profile. No code of a type begins with it.
PROFILE: Final = "@"
#: Before what is measured between events; no code of a type begins with it either.
MEASURED: Final = "~"
_MARKS: Final = _ADDED + _NEWEST + MEASURED
# A latest value is kept with its time before it, so that the larger of two is the later one.
_VALUE_BITS: Final = 60


class Detail(NamedTuple):
    """What one event adds to its pane beside its count: amounts by their code, and the digest of its object, or ''.

    `segment` is the one that it says the customer is in, '' where it names none. `id` is the digest of the event's
    id, where it matters which event it was. `groupings` are those in which it counts, with the values: only where it
    comes, not where it is kept for later.
    """

    amounts: tuple[tuple[str, int], ...]
    object: str = ""
    segment: str = ""
    id: str = ""
    groupings: tuple[tuple[str, str], ...] = ()


def identified(detail: Detail | None, digest: str) -> Detail | None:
    """Give the detail of an event of which it matters which one it was.

    Args:
        detail: what it tells; None for nothing.
        digest: of its id, or ''.
    """
    if not digest:
        return detail
    return Detail(detail.amounts, detail.object, detail.segment, digest) if detail else Detail((), id=digest)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that a property of an event adds to its pane, under a code of its own.

    `way` is ``sum`` (the value itself, in millionths), ``values`` (1 for each value), ``at_least`` or ``at_most`` (1
    for each value on that side of `bound`, which is in millionths and belongs to both), or ``latest`` (the value of
    the newest event, with its time).
    """

    code: str
    property: str
    way: str
    bound: int = 0


def amount_of(channel: str, kind: str, name: str, way: str, bound: int = 0) -> Amount:
    """Make the amount of a property of an event type.

    Args:
        channel: the channel's name.
        kind: the event type within the channel.
        name: of the property.
        way: see `Amount`.
        bound: in millionths, where the way needs one.

    Returns:
        The amount, with a code made from all of these: 18 bits of their BLAKE2b digest after a mark.
    """
    words = "\0".join((channel, kind, name, way, str(bound)))
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=3).digest()
    mark = _NEWEST if way == LATEST else _ADDED
    return Amount(mark + base64.urlsafe_b64encode(digest).decode()[:3], name, way, bound)


def add_amounts(counts: dict[str, int], amounts: tuple[tuple[str, int], ...]) -> None:
    """Add the amounts of one event to a pane; in any order of the events the pane comes out the same.

    Args:
        counts: of the pane, by code; changed in place.
        amounts: by code.
    """
    for code, amount in amounts:
        add_amount(counts, code, amount)


def add_amount(counts: dict[str, int], code: str, amount: int) -> None:
    """Add a count or an amount to others.

    Args:
        counts: by code; changed in place.
        code: of a type or an amount; of ``latest`` amounts the later one stays.
        amount: to be added.
    """
    if code[0] == _NEWEST:
        counts[code] = max(counts.get(code, 0), amount)
    else:
        counts[code] = counts.get(code, 0) + amount


def is_type(code: str) -> bool:
    """Return whether what stands under a code is a count of events, and no amount or duration.

    Args:
        code: in a pane.
    """
    return code[0] not in _MARKS


def is_sum(code: str) -> bool:
    """Return whether what stands under a code is a sum of amounts, so that one of them can be taken away again.

    Args:
        code: of a count or an amount.
    """
    return code[0] == _ADDED


def is_latest(code: str) -> bool:
    """Return whether what stands under a code is a latest value.

    Args:
        code: of a count or an amount.
    """
    return code[0] == _NEWEST


def latest_value(amount: int) -> int:
    """Take the value, in millionths, out of a ``latest`` amount."""
    return amount & ((1 << _VALUE_BITS) - 1)


class DetailReader:
    """Reads the details of the events of one type."""

    def __init__(self, amounts: tuple[Amount, ...], object_property: str, digest: Callable[[str], str]) -> None:
        """Prepare.

        Args:
            amounts: that the policy asks for.
            object_property: the property that names what the event is about; '' for none.
            digest: makes the digest of an object's name.
        """
        self._amounts = amounts
        self._object = object_property
        self._digest = digest
        self.ignored = 0

    @property
    def properties(self) -> list[str]:
        """The names of the properties that it reads."""
        return [amount.property for amount in self._amounts] + ([self._object] if self._object else [])

    def read(self, properties: object, time: int) -> Detail | None:
        """Read what the policy asks for; what is not there or not usable is left out.

        A property of the wrong type takes nothing from the event itself, which has happened all the same. It is
        counted in `ignored`; one that is absent or null is not.

        Args:
            properties: of the event, as its JSON decodes.
            time: of the event, in microseconds.

        Returns:
            The detail; None if there is nothing of it.
        """
        if type(properties) is not dict:
            self.ignored += properties is not None
            return None
        if not self._amounts and self._object not in properties:
            return None
        amounts: list[tuple[str, int]] = []
        wrong: set[str] = set()
        for amount in self._amounts:
            written = properties.get(amount.property)
            if written is None:
                continue
            value = _millionths(written)
            if value is None or (amount.way == LATEST and value < 0):
                wrong.add(amount.property)
                continue
            added = _added(amount, value, time)
            if added or amount.way == SUM:
                amounts.append((amount.code, added))
        about = self._read_object(properties.get(self._object)) if self._object else ""
        if about is None:
            wrong.add(self._object)
        self.ignored += len(wrong)
        return Detail(tuple(amounts), about or "") if amounts or about else None

    def _read_object(self, written: object) -> str | None:
        if written is None or written == "":
            return ""
        if type(written) is int:
            written = str(written)
        return self._digest(written) if type(written) is str else None


def _added(amount: Amount, value: int, time: int) -> int:
    if amount.way == SUM:
        return value
    if amount.way == AT_LEAST:
        return 1 if value >= amount.bound else 0
    if amount.way == AT_MOST:
        return 1 if value <= amount.bound else 0
    if amount.way == LATEST:
        return time << _VALUE_BITS | value
    return 1


def _millionths(written: object) -> int | None:
    """Convert a number as it was written, half to even where it has more than six decimals; None if it is none."""
    if type(written) is int:
        return written * POINT if abs(written) <= MOST_VALUE else None
    if type(written) is float and math.isfinite(written) and abs(written) <= MOST_VALUE:
        return round(Decimal(repr(written)) * POINT)
    return None
