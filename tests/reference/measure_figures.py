"""Measures over all customers, computed from the raw events alone: those of one customer who has done it all.

The kinds that are no fraction of sums (days, sessions, regularity) are not told of all customers together. Of those
without a denominator there is an average, too: over the customers who have a value. A share is one of customers,
and that of their events stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tests.reference.measures import Customer, RawEvent, written

_TOTALS = ("count", "sum", "difference")
_QUOTIENTS = ("average", "ratio", "balance")


def measure_fields(document: dict[str, Any], customers: Mapping[str, Sequence[RawEvent]], now: int) -> dict[str, str]:
    """Give the measures over all customers as they are published.

    Args:
        document: the policy, as TOML reads it.
        customers: the events of each, as far as they have happened by now.
        now: microseconds.

    Returns:
        Every field; '' where there is nothing to tell.
    """
    together = Customer(document, [event for events in customers.values() for event in events], now)
    found = {}
    # What is projected is of one customer's own time.
    tables = {name: table for name, table in document["measures"].items() if "projected" not in table}
    for name, table in tables.items():
        if table["kind"] in (*_TOTALS, *_QUOTIENTS):
            found[f"measure:{name}"] = _written(together.value(table))
        if table["kind"] in _TOTALS:
            each = [Customer(document, events, now).value(table) for events in customers.values()]
            known = [value for value in each if value is not None]
            found[f"measure:{name}:average"] = _written(sum(known, Fraction(0)) / len(known) if known else None)
            found[f"measure:{name}:customers"] = str(len(known))
        if table["kind"] == "share":
            each = [Customer(document, events, now).value(table) for events in customers.values()]
            asked = [value for value in each if value is not None]
            did = sum(value > 0 for value in asked)
            found[f"measure:{name}"] = _written(Fraction(100 * did, len(asked)) if asked else None)
            found[f"measure:{name}:customers"] = str(len(asked))
            found[f"measure:{name}:events"] = _written(together.value(table))
    return found


def _written(value: Fraction | None) -> str:
    return "" if value is None else written(Fraction(value))
