"""Figures over all customers, computed from the raw events alone; shares no code with the product.

Somebody is active on a day, in UTC, with an event of a type of positive weight. The customers of a day are those who
were active in the 30 days up to and with it. For each of them and each day it is looked again at all that is known:
nothing is added up from one day to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.reference import brute_force

DAY = 86_400 * brute_force.MILLION
Days = Mapping[str, set[int]]


def active_days(customers: brute_force.Histories, policy: brute_force.Policy) -> Days:
    """Give the days on which each customer was active."""
    return {
        customer: {event.time // DAY for event in events if policy.weights[event.channel].get(event.type, 0) > 0}
        for customer, events in customers.items()
    }


def band_history(first_event_at: int, changes: Sequence[Mapping[str, str]]) -> list[tuple[int, str, str]]:
    """Give the changes of band of a customer: day, band before ('new' at first) and after."""
    told = [(first_event_at // DAY, "new", "disengaged")]
    return told + [
        (brute_force.micros(change["occurred_at"]) // DAY, change["previous_band"], change["band"])
        for change in changes
    ]


def document(days: Days, histories: Sequence[Sequence[tuple[int, str, str]]], first: int, last: int) -> dict[str, Any]:
    """Give the figures of a period in the words of `engagement kpi --json`.

    Args:
        days: on which customers were active.
        histories: changes of band of each customer.
        first: number of the first day.
        last: number of the last day.

    Returns:
        The document.
    """
    start = first - 1
    at_start = {customer for customer, active in days.items() if is_there(active, start)}
    at_end = {customer for customer, active in days.items() if is_there(active, last)}
    stayed = {customer for customer in at_start if all(is_there(days[customer], day) for day in range(first, last + 1))}
    flows = Counter((before, after) for told in histories for day, before, after in told if first <= day <= last)
    return {
        "from": date(first),
        "to": date(last),
        "customers_at_start": len(at_start),
        "customers_at_end": len(at_end),
        "acquired": len(at_end - stayed),
        "lost": len(at_start - stayed),
        "retention": share(len(stayed), len(at_start)),
        "churn": share(len(at_start) - len(stayed), len(at_start)),
        "flows": {f"{before} {after}": count for (before, after), count in flows.items()},
        "days": [day_figures(days, histories, day) for day in range(first, last + 1)],
    }


def day_figures(days: Days, histories: Sequence[Sequence[tuple[int, str, str]]], day: int) -> dict[str, Any]:
    """Give the figures of one day."""
    month = [active for active in days.values() if is_there(active, day)]
    daily = sum(day in active for active in month)
    bands = Counter(dict.fromkeys(brute_force.BANDS, 0))
    for told in histories:
        reached = [after for changed, _, after in told if changed <= day]
        bands.update(reached[-1:])
    known = sum(bands.values())
    low, high = brute_force.BANDS[:2], brute_force.BANDS[3:]
    came = [active for active in month if not is_there(active, day - 1)]
    return {
        "day": date(day),
        "daily_active": daily,
        "weekly_active": sum(any(day - 7 < each <= day for each in active) for active in month),
        "monthly_active": len(month),
        "stickiness": share(daily, len(month)),
        "returning_share": share(sum(min(active) <= day - 30 for active in month), len(month)),
        "active_days": share(sum(day - 30 < each <= day for active in month for each in active), 100 * len(month)),
        "new": sum(min(active) == day for active in came),
        "returned": sum(min(active) < day for active in came),
        "lost": sum(is_there(active, day - 1) and not is_there(active, day) for active in days.values()),
        "engaged_share": share(sum(bands[band] for band in high), known),
        "responsive_share": share(bands["engaged"], known),
        "disengaged_share": share(sum(bands[band] for band in low), known),
        "bands": dict(bands),
    }


def is_there(active: set[int], day: int) -> bool:
    """Return whether somebody is a customer on a day."""
    return any(day - 30 < each <= day for each in active)


def share(part: int, whole: int) -> float | None:
    """Give percent."""
    return round(100 * part / whole, 2) if whole else None


def date(day: int) -> str:
    """Write a day."""
    return brute_force.rfc3339(day * DAY)[:10]


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Compare a document of the product with that of the brute force.

    Args:
        wanted: by the brute force.
        found: by the product.

    Returns:
        A sentence for each difference.
    """
    flows = {f"{flow['from']} {flow['to']}": flow["customers"] for flow in found["flows"]}
    compared = [("", wanted, {**found, "flows": flows})]
    compared += [(f"{right['day']}: ", right, told) for right, told in zip(wanted["days"], found["days"], strict=True)]
    return [
        f"{where}{name} is {told[name]}, by the brute force {right[name]}"
        for where, right, told in compared
        for name in right
        if name != "days" and right[name] != told[name]
    ]
