"""Every measure of a customer, computed from the raw events alone, by its definition in docs/reference/measures.md.

As `brute_force`, it shares no code with the product: values are fractions of what stands in the events, sessions are
cut from the sorted times, and nothing is kept from one moment to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.reference.brute_force import duration
from tests.reference.properties import type_of

DAY = duration("1d")
MILLION = 1_000_000


@dataclass(frozen=True)
class RawEvent:
    """One raw event of a customer; `time` in microseconds."""

    time: int
    channel: str
    type: str
    properties: dict[str, Any] = field(default_factory=dict)


class Customer:
    """A customer's events as they stand at a time, under a policy as it is written."""

    def __init__(
        self, document: dict[str, Any], events: Sequence[RawEvent], now: int, since: int | None = None
    ) -> None:
        """Look at the events.

        Args:
            document: the policy, as TOML reads it.
            events: all that are not later than they may be, each once, in any order.
            now: the time of the look, in microseconds.
            since: the first active day, None for none; see `earning`.
        """
        self._since = since
        self._document = document
        self._pane = duration(document["window"]["pane"])
        self._length = duration(document["window"]["length"])
        self._present = now // self._pane
        self._events = sorted(
            (self._counting_as(event) for event in events if event.type in self._types(event.channel)),
            key=lambda event: event.time,
        )

    def measures(self) -> dict[str, str]:
        """Give every measure that has a value, as it is published."""
        found = {}
        for name, table in self._document["measures"].items():
            value = self.value(table)
            if value is not None:
                found[name] = value if isinstance(value, str) else written(Fraction(value))
        return found

    def value(self, table: dict[str, Any]) -> Any:
        """Give a measure as a number, or as a word where it is one; None where it has no value."""
        return getattr(self, f"_{table['kind']}")(table)

    def _types(self, channel: str) -> set[str]:
        return {*self._document["channels"][channel]["weights"], *self._machines(channel).values()}

    def _machines(self, channel: str) -> dict[str, str]:
        machines: dict[str, str] = self._document["channels"][channel].get("machine", {})
        return machines

    def _counting_as(self, event: RawEvent) -> RawEvent:
        return replace(event, type=type_of(self._document["channels"][event.channel], event.type, event.properties))

    def _inside(self, table: dict[str, Any]) -> list[RawEvent]:
        panes = duration(table["over"]) // self._pane if "over" in table else self._length // self._pane
        return [event for event in self._events if self._present - panes < event.time // self._pane <= self._present]

    def _of(self, table: dict[str, Any], names: list[str]) -> list[RawEvent]:
        return [
            event
            for event in self._inside(table)
            if f"{event.channel}.{event.type}" in names
            or (event.channel in names and event.type not in self._machines(event.channel).values())
        ]

    def earning(self) -> list[RawEvent]:
        """Give the events that make a day an active one: those that score above 0."""
        channels = self._document["channels"]
        return [
            event
            for event in self._events
            if channels[event.channel]["weights"].get(event.type, 0) > 0
            or channels[event.channel].get("points", {}).get(event.type, {}).get("points", 0) > 0
        ]

    def _factor(self, table: dict[str, Any]) -> Fraction:
        over = duration(table["over"]) if "over" in table else self._length
        if "projected" in table and self._since is not None:
            step = duration(table["projected"])
            steps = 1
            while self._since * DAY + steps * step <= self._present * self._pane:
                steps += 1
            over = min(over, steps * step)
        per = Fraction(duration(table["per"]), over) if "per" in table else Fraction(1)
        return per * Fraction(str(table.get("times", 1)))

    def _count(self, table: dict[str, Any]) -> Fraction | None:
        found = self._of(table, table["of"])
        return len(found) * self._factor(table) if found else None

    def _sum(self, table: dict[str, Any]) -> Fraction | None:
        found = values(self._of(table, table["of"]), table["property"])
        less = values(self._of(table, table.get("less", [])), table["property"])
        return (sum(found) - sum(less)) * self._factor(table) if found or less else None

    def _average(self, table: dict[str, Any]) -> Fraction | None:
        found = values(self._of(table, table["of"]), table["property"])
        return sum(found) * self._factor(table) / len(found) if found else None

    def _difference(self, table: dict[str, Any]) -> Fraction | None:
        more, less = self._of(table, table["of"]), self._of(table, table["less"])
        return (len(more) - len(less)) * self._factor(table) if more or less else None

    def _ratio(self, table: dict[str, Any]) -> Fraction | None:
        above: Any = self._of(table, table["of"])
        above = sum(values(above, table["property"])) if "property" in table else len(above)
        others = self._of(table, table["to"])
        below: Any = len(others)
        if "to_property" in table:
            below = sum(values(others, table["to_property"]))
        elif "to_latest" in table:
            # Of several at the same time the largest.
            known = [
                (event.time, value) for event in others for value in values([event], table["to_latest"]) if value >= 0
            ]
            below = max(known)[1] if known else 0
        return Fraction(above) * self._factor(table) / below if below else None

    def _share(self, table: dict[str, Any]) -> Fraction | None:
        """Of one customer, its own events; of several see `measure_figures`."""
        did, asked = self._of(table, table["of"]), self._of(table, table["to"])
        return Fraction(100 * len(did), len(asked)) if asked else None

    def _balance(self, table: dict[str, Any]) -> Fraction | None:
        found = values(self._of(table, table["of"]), table["property"])
        if not found:
            return None
        high = sum(value >= table.get("high", 9) for value in found)
        low = sum(value <= table.get("low", 6) for value in found)
        return Fraction(100 * high, len(found)) - Fraction(100 * low, len(found))

    def _panes(self, table: dict[str, Any]) -> int | None:
        return len({event.time // self._pane for event in self._of(table, table["of"])}) or None

    def _regularity(self, table: dict[str, Any]) -> str:
        days = {event.time // DAY for event in self._of(table, table["of"])}
        mondays = {day - (day + 3) % 7 for day in days}
        length = (duration(table["over"]) if "over" in table else self._length) // DAY
        if len(days) > Fraction(length, 2):
            return "daily"
        if len(mondays) > Fraction(length // 7, 2):
            return "weekly"
        return "monthly" if days else "dormant"

    def _sessions_of(self, table: dict[str, Any]) -> list[list[RawEvent]]:
        name = table["channel"]
        channel = self._document["channels"][name]
        pause = duration(channel["sessions"]) // MILLION
        sessions: list[list[RawEvent]] = []
        inside = channel.get("session_types", channel["weights"])
        for event in (each for each in self._of(table, [name]) if each.type in inside):
            if sessions and second(event) - second(sessions[-1][-1]) < pause:
                sessions[-1].append(event)
            else:
                sessions.append([event])
        return sessions

    def _pages(self, table: dict[str, Any], session: list[RawEvent]) -> int:
        channel = self._document["channels"][table["channel"]]
        return sum(
            event.type in channel.get("pages", channel.get("session_types", channel["weights"])) for event in session
        )

    def _sessions(self, table: dict[str, Any]) -> int | None:
        return len(self._sessions_of(table)) or None

    def _session_time(self, table: dict[str, Any]) -> int | None:
        sessions = self._sessions_of(table)
        return sum(seconds(session) for session in sessions) if sessions else None

    def _session_duration(self, table: dict[str, Any]) -> Fraction | None:
        sessions = self._sessions_of(table)
        return Fraction(sum(seconds(session) for session in sessions), len(sessions)) if sessions else None

    def _pages_per_session(self, table: dict[str, Any]) -> Fraction | None:
        sessions = self._sessions_of(table)
        pages = sum(self._pages(table, session) for session in sessions)
        return Fraction(pages, len(sessions)) if sessions else None

    def _time_on_page(self, table: dict[str, Any]) -> Fraction | None:
        sessions = self._sessions_of(table)
        moves = sum(max(self._pages(table, session) - 1, 0) for session in sessions)
        return Fraction(sum(seconds(session) for session in sessions), moves) if moves else None

    def _bounce_rate(self, table: dict[str, Any]) -> Fraction | None:
        sessions = self._sessions_of(table)
        bounces = sum(self._pages(table, session) == 1 for session in sessions)
        return Fraction(100 * bounces, len(sessions)) if sessions else None

    def _returning(self, table: dict[str, Any]) -> str | None:
        sessions = self._sessions_of(table)
        return ("returning" if len(sessions) > 1 else "new") if sessions else None


def second(event: RawEvent) -> int:
    """The whole second in which an event happened."""
    return event.time // MILLION


def seconds(session: list[RawEvent]) -> int:
    """From the first to the last event of a session."""
    return second(session[-1]) - second(session[0])


def values(events: list[RawEvent], name: str) -> list[Fraction]:
    """The numbers that a property has, to six decimals; what is no number, or one beyond belief, is none."""
    found = []
    for event in events:
        value = event.properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 10**12:
            found.append(Fraction(round(Fraction(Decimal(str(value))) * MILLION), MILLION))
    return found


def written(value: Fraction) -> str:
    """A value with two decimals at most, half to even."""
    hundredths = round(value * 100)
    text = f"{abs(hundredths) // 100}.{abs(hundredths) % 100:02}".rstrip("0").rstrip(".")
    return f"-{text}" if hundredths < 0 else text
