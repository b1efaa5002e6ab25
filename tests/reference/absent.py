"""The alerts of absence that a whole history says, and how those that came differ from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scoring.instants import DAY
from scoring.policy.policy import Policy
from scoring.rules.absence import absences, clock_of
from tests.reference.brute_force import micros

KINDS = ("absent", "returned")
Alerts = set[tuple[str, str, int]]


def expected(policy: Policy, events: Iterable[Mapping[str, Any]], end: int | None = None) -> Alerts:
    """Give the alerts, by customer, kind and time (microseconds).

    Args:
        policy: with absences, and without segments.
        events: of all customers, in any order; `channel` may tell where each comes from.
        end: up to when all is judged (microseconds), where that is not the newest event.
    """
    assert policy.absence is not None
    scoring = {kind.name for channel in policy.channels for kind in channel.types if kind.weight > 0}
    active: dict[str, set[int]] = defaultdict(set)
    last = 0
    for event in events:
        day = micros(event["timestamp"]) // DAY
        last = max(last, day)
        if event["type"] in scoring:
            active[event["customer_id"]].add(day)
    days = {name: sorted(its) for name, its in active.items()}
    last = last if end is None else end // DAY
    clock = clock_of(policy.absence, days.values(), last - 1)
    found: Alerts = set()
    for name, its in days.items():
        for one in absences(policy.absence, clock, its):
            if one.alert_day is not None:
                found.add((name, "absent", one.alert_day * DAY))
                if one.ended is not None:
                    found.add((name, "returned", one.ended * DAY))
    return found


def absence_differences(wanted: Alerts, alerts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Compare the alerts of absence; one may have come several times, with the same id.

    Args:
        wanted: by the history.
        alerts: all that came.

    Yields:
        A sentence for each difference.
    """
    by_id = {alert["alert_id"]: alert for alert in alerts if alert["kind"] in KINDS}
    found = [(each["customer_id"], each["kind"], micros(each["occurred_at"])) for each in by_id.values()]
    if len(set(found)) < len(found):
        yield f"{len(found) - len(set(found))} alerts of absence have several ids"
    for customer, kind, time in sorted(wanted.symmetric_difference(found)):
        missing = (customer, kind, time) in wanted
        yield f"{customer}: {kind} at {time} {'is missing' if missing else 'should not be'}"
