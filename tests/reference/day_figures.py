"""Figures by the day, of channels and of bands, computed from the raw events alone.

Sessions are cut from all that a customer ever did, and count on the pane in which they begin. In which band a customer
was when is taken from the changes of band. Nothing is added up from one day to the next.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tests.reference.brute_force import duration
from tests.reference.measure_figures import measure_fields
from tests.reference.measures import DAY, Customer, RawEvent, seconds, values, written

Lives = Mapping[str, Sequence[RawEvent]]
Changes = Mapping[str, Sequence[tuple[int, int]]]
_SESSIONS = ("sessions", "session_time", "session_duration", "pages_per_session", "time_on_page", "bounce_rate")
_SPANS = {"daily_active": 1, "weekly_active": 7, "monthly_active": 30}


class _Whole(Customer):
    """A customer with everything that ever happened."""

    def _inside(self, table: dict[str, Any]) -> list[RawEvent]:  # noqa: ARG002 - whatever the measure
        return self._events

    def sessions_begun(self, table: dict[str, Any], first: int, last: int) -> list[list[RawEvent]]:
        """Give the sessions that begin in panes."""
        return [each for each in self._sessions_of(table) if first <= each[0].time // self._pane <= last]

    def events(self) -> list[RawEvent]:
        """Give the events that the policy names, by the types as which they count."""
        return self._events

    def pages(self, table: dict[str, Any], session: list[RawEvent]) -> int:
        """Count the pages of a session."""
        return self._pages(table, session)


def session_fields(document: dict[str, Any], lives: Lives, now: int) -> dict[str, str]:
    """Give the measures of sessions over all customers as of a time; one that goes on after it counts as a whole."""
    found = {}
    for name, table in document.get("measures", {}).items():
        if table["kind"] in _SESSIONS:
            sessions = [pair for events in lives.values() for pair in _begun(document, table, events, now)]
            found[f"measure:{name}"] = _read(table["kind"], sessions)
    return found


def _begun(document: dict[str, Any], table: dict[str, Any], events: Sequence[RawEvent], now: int) -> list[Any]:
    pane = duration(document["window"]["pane"])
    panes = duration(table.get("over", document["window"]["length"])) // pane
    whole = _Whole(document, events, now)
    begun = whole.sessions_begun(table, now // pane - panes + 1, now // pane)
    return [(seconds(session), whole.pages(table, session), session[0].time) for session in begun]


def _read(kind: str, sessions: Sequence[tuple[int, int, int]]) -> str:
    count, time = len(sessions), sum(each for each, _, _ in sessions)
    if kind in ("sessions", "session_time"):
        return str(count if kind == "sessions" else time) if count else ""
    pages = sum(each for _, each, _ in sessions)
    of, to = {
        "session_duration": (time, count),
        "pages_per_session": (pages, count),
        "time_on_page": (time, sum(max(each - 1, 0) for _, each, _ in sessions)),
        "bounce_rate": (100 * sum(each == 1 for _, each, _ in sessions), count),
    }[kind]
    return written(Fraction(of, to)) if to else ""


def regularity_fields(document: dict[str, Any], lives: Lives, now: int, customers: int) -> dict[str, str]:
    """Give how many customers are how regular as of a time."""
    found: dict[str, str] = {}
    for name, table in document.get("measures", {}).items():
        if table["kind"] == "regularity":
            words = Counter(Customer(document, events, now).value(table) for events in lives.values())
            words["dormant"] = customers - words["daily"] - words["weekly"] - words["monthly"]
            found |= {f"measure:{name}:{word}": str(words[word]) for word in ("daily", "weekly", "monthly", "dormant")}
    return found


def channel_fields(document: dict[str, Any], lives: Lives, now: int) -> dict[str, str]:
    """Give points and active customers of each channel on the day of a time."""
    pane, day = duration(document["window"]["pane"]), now // DAY
    length = duration(document["window"]["length"])
    found = {}
    for name, channel in document["channels"].items():
        own = {
            customer: [each for each in _Whole(document, events, now).events() if each.channel == name]
            for customer, events in lives.items()
        }
        today = {
            who: [each for each in events if each.time // pane * pane // DAY == day] for who, events in own.items()
        }
        found[f"channel:{name}:points"] = written(_points(channel, today, pane))
        for figure, days in _SPANS.items():
            if days * DAY % pane == 0 and days * DAY <= length:
                active = [
                    any(_earns(channel, each) and day - days < each.time // DAY <= day for each in events)
                    for events in own.values()
                ]
                found[f"channel:{name}:{figure}"] = str(sum(active))
    return found


def _earns(channel: dict[str, Any], event: RawEvent) -> bool:
    return bool(channel["weights"].get(event.type, 0) > 0)


def _points(channel: dict[str, Any], lives: Lives, pane: int) -> Fraction:
    """Add up what events bring by their types, each up to its cap in a pane, and by the numbers that they tell."""
    points = Fraction(0)
    for events in lives.values():
        for (_, kind), count in Counter((each.time // pane, each.type) for each in events).items():
            counted = min(count, channel.get("cap", {}).get(kind, count))
            points += Fraction(str(channel["weights"].get(kind, 0))) * counted
    for kind, rule in channel.get("points", {}).items():
        told = [each for events in lives.values() for each in events if each.type == kind]
        amount = sum(values(told, rule["property"]), Fraction(0))
        points += Fraction(math.floor(amount * 10**6 * rule["points"] / rule["per"]), 10**6)
    return points


def band_fields(
    document: dict[str, Any], known: Lives, lives: Lives, changes: Changes, now: int, band: int
) -> dict[str, str]:
    """Give what was done in the window by those who were in a band: measures, and `type:` counts by type."""
    # Lives end at the time; what is known beyond it tells how sessions go on.
    pane = duration(document["window"]["pane"])
    panes = duration(document["window"]["length"]) // pane

    def there(customer: str, time: int) -> bool:
        day = ((time // pane + 1) * pane - 1) // DAY
        reached = [entered for changed, entered in changes[customer] if changed <= day]
        return reached[-1:] == [band]

    inside = {name: [each for each in events if there(name, each.time)] for name, events in lives.items()}
    found: dict[str, str] = {}
    tables = document.get("measures", {})
    if tables:
        found = measure_fields(document, inside, now)
    for name, table in tables.items():
        if table["kind"] in _SESSIONS:
            begun = {customer: _begun(document, table, events, now) for customer, events in known.items()}
            sessions = [each for customer, some in begun.items() for each in some if there(customer, each[2])]
            found[f"measure:{name}"] = _read(table["kind"], sessions)
    types: Counter[str] = Counter()
    for events in inside.values():
        for event in _Whole(document, events, now).events():
            if now // pane - panes < event.time // pane <= now // pane:
                types[f"type:{event.channel}.{event.type}"] += 1
    return found | {name: str(count) for name, count in types.items()}
