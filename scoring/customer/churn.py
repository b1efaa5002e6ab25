"""When a customer counts as lost by the rule of the policy, and what that adds to the sums over all customers.

The sums have the fields of those of `scoring.customer.activity_sums` for who comes and goes: `n`, `r`, `l` and `s`. A
customer is lost so many days after the last active one, or on the day of an event that the policy names, whichever
comes first; who is active later is back.

Rests on decision 102.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from scoring.customer.activity import SPAN, days_of_span
from scoring.instants import DAY

#: By the day of a customer's whole life, as bits by the number of the span.
Spans = Mapping[int, int]
_NOT_LOST: Final = -1


def list_days(spans: Spans) -> list[int]:
    """List days that are kept as bits, in order.

    Args:
        spans: by number.
    """
    return [day for span in sorted(spans) for day in days_of_span(span, spans[span])]


def flip(spans: dict[int, int], day: int) -> None:
    """Note a day, or take it back where it is noted.

    Args:
        spans: by number; changed in place.
        day: its number.
    """
    bits = spans.get(day // SPAN, 0) ^ (1 << day % SPAN)
    if bits:
        spans[day // SPAN] = bits
    else:
        del spans[day // SPAN]


def churn_fields(after: int, active: Sequence[int], ends: Sequence[int]) -> dict[str, int]:
    """Return what a customer adds to the sums altogether.

    Args:
        after: for how many days of silence a customer is not lost yet; 0: for ever.
        active: days with activity, in order.
        ends: days with an event that ends the relation, in order; it comes after what else happens on its day.

    Returns:
        By field.
    """
    fields: dict[str, int] = {}
    start = last = _NOT_LOST
    for day, ended in sorted([*[(day, False) for day in active], *[(day, True) for day in ends]]):
        if start >= 0 and after and day > last + after:
            _add_spell(fields, start, last + after)
            start = _NOT_LOST
        if not ended:
            if start < 0:
                kind = "n" if last < 0 else "r"
                fields[f"{kind}{day}"] = fields.get(f"{kind}{day}", 0) + 1
                start = day
            last = day
        elif start >= 0:
            _add_spell(fields, start, day)
            start = _NOT_LOST
    if start >= 0 and after:
        _add_spell(fields, start, last + after)
    return fields


def _add_spell(fields: dict[str, int], start: int, end: int) -> None:
    for field in (f"l{end}", f"s{start}.{end}"):
        fields[field] = fields.get(field, 0) + 1


def churn_text(after: int, *, ends: bool) -> str:
    """Write a rule as it is stored with each customer who is counted by it.

    Args:
        after: in microseconds, whole days; 0 for never.
        ends: whether events end the relation, too.
    """
    return f"{after // DAY}{'!' if ends else ''}"


def fields_by(text: str, active: Sequence[int], ends: Sequence[int]) -> dict[str, int]:
    """Return what a customer counted by a stored rule adds.

    Args:
        text: of the rule, '' for none.
        active: see `churn_fields`.
        ends: see there.

    Returns:
        By field.

    Raises:
        ValueError: if no rule has been written so.
    """
    if not text:
        return {}
    return churn_fields(int(text.rstrip("!")), active, ends if text.endswith("!") else ())
