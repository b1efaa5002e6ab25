"""What an event's properties make of it, by its definition in docs/reference/policy.md.

As `brute_force`, it shares no code with the product.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import floor
from typing import Any

from tests.reference.mappings import holds

MILLION = 1_000_000


def type_of(channel: Mapping[str, Any], kind: str, properties: Mapping[str, Any]) -> str:
    """Return which type of a channel, as TOML reads it, an event counts as."""
    mark = channel.get("machine", {}).get(kind)
    if mark is not None and properties.get(mark) is True:
        return str(mark)
    event = {"properties": properties}
    for rule in channel.get("types", []):
        of = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
        wanted = [holds(path, _floats(what), [event, event]) for path, what in rule.get("when", {}).items()]
        refused = [holds(path, _floats(what), [event, event]) for path, what in rule.get("unless", {}).items()]
        if kind in of and all(wanted) and not any(refused):
            return str(rule["as"])
    return kind


def _floats(written: Any) -> Any:
    """Numbers as a file of events has them, where TOML was read with decimals."""
    if isinstance(written, dict):
        return {key: _floats(value) for key, value in written.items()}
    if isinstance(written, list):
        return [_floats(value) for value in written]
    return float(written) if isinstance(written, Decimal) else written


def number_in(properties: Mapping[str, Any], name: str) -> Fraction:
    """The number that a property tells, to six decimals; 0 for what is no number, or one beyond belief."""
    value = properties.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 10**12:
        return Fraction(0)
    return Fraction(Decimal(repr(value)).quantize(Decimal("0.000001"), ROUND_HALF_EVEN))


def points_of(total: Fraction, rule: Mapping[str, Any]) -> int:
    """What a pane gets for the sum of a number, in millionths."""
    cap = Fraction(rule["cap"]) if "cap" in rule else abs(total)
    counted = max(-cap, min(cap, total))
    return floor(counted * Fraction(rule["points"]) / Fraction(rule.get("per", 1)) * MILLION)
