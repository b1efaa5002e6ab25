"""`[measures.NAME]`: numbers and words that are computed for each customer.

Rests on decision 8.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scoring.instants import DAY, format_duration
from scoring.points import POINT
from scoring.policy.channels import Channel, EventType
from scoring.policy.policy import RESERVED_NAMES
from scoring.rules.details import AT_LEAST, AT_MOST, VALUES
from scoring.rules.measures import FRACTION, PANES, PROJECTED, RATE, REGULARITY, SESSION_FORMS, SHARE, Measure
from scoring.rules.pairing import duration_codes
from streams.policy_file.asked_amounts import AskedAmounts
from streams.policy_file.channels import types_of_people
from streams.policy_file.words import check_name

_WEEK = 7 * DAY
_PERCENT = 100


class MeasureReader:
    """Reads the measures of one document, noting each problem."""

    def __init__(
        self,
        channels: tuple[Channel, ...],
        length: int,
        pane: int,
        problems: list[str],
    ) -> None:
        """Read measures of these channels.

        Args:
            channels: of the policy.
            length: of the window, in microseconds.
            pane: its length in microseconds.
            problems: what is wrong is added.
        """
        self._channels = {channel.name: channel for channel in channels}
        self._length, self._pane = length, pane
        self._problems = problems
        self.asked = AskedAmounts(channels)

    def read(self, tables: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Make all measures.

        Args:
            tables: by the names of the measures.

        Returns:
            The measures; some may be missing where there are problems.
        """
        made = [self._measure(name, table) for name, table in tables.items()]
        self._problems += self.asked.shared_codes()
        return tuple(_reduced(measure) for measure in made if measure is not None)

    def _measure(self, name: str, table: Any) -> Measure | None:
        where = f"measures.{name}"
        is_name = check_name(where, "a measure's name", name, self._problems)
        if is_name and name in RESERVED_NAMES:
            self._problems.append(f"{where}: the name is that of a field of the score; choose another")
        elif is_name and name in self._channels:
            self._problems.append(f"{where}: the name is that of a channel; choose another")
        if not table.kind:
            return None
        panes = self._over(where, table.over)
        if table.kind in SESSION_FORMS:
            return self._of_sessions(where, name, table, panes)
        if table.kind == "duration":
            return self._of_durations(where, name, table, panes)
        return self._of_types(where, name, table, panes)

    def _of_types(self, where: str, name: str, table: Any, panes: int) -> Measure:
        of = self._types(f"{where}.of", table.of)
        if table.kind == "panes":
            return Measure(name, PANES, panes, _codes(of))
        if table.kind == "regularity":
            return self._regularity(where, name, of, panes)
        if table.kind == "balance":
            return self._balance(where, name, of, table, panes)
        return self._fraction(where, name, of, table, panes)

    def _fraction(self, where: str, name: str, of: list[EventType], table: Any, panes: int) -> Measure:
        kind, found = table.kind, getattr(table, "property", None) or ""
        numerator, denominator = self._factor(where, table, panes)
        codes = self.asked.sums(of, found)
        if kind in ("count", "sum", "difference"):
            written = getattr(table, "less", None)
            less = self._types(f"{where}.less", written) if written is not None else []
            if found:
                self._not_taken_back(where, of, less)
                denominator *= POINT
            else:
                codes += self.asked.taken_back(of, less)
            step = self._step(where, table)
            form = PROJECTED if step else FRACTION
            return Measure(
                name, form, panes, codes, self.asked.sums(less, found), (), numerator, denominator, step=step
            )
        if kind == "average":
            values = self.asked.amounts(of, found, VALUES)
            return Measure(name, FRACTION, panes, codes, (), values, numerator, denominator * POINT)
        to = self._types(f"{where}.to", table.to)
        if kind == "share":
            return Measure(name, SHARE, panes, codes, (), _codes(to), _PERCENT)
        latest, of_sum = table.to_latest or "", table.to_property or ""
        if latest and of_sum:
            self._problems.append(f"{where}: to_latest and to_property exclude each other")
        if found:
            denominator *= POINT
        if latest:
            return Measure(name, RATE, panes, codes, (), self.asked.latest(to, latest), numerator, denominator)
        if of_sum:
            numerator *= POINT
        return Measure(name, FRACTION, panes, codes, (), self.asked.sums(to, of_sum), numerator, denominator)

    def _balance(self, where: str, name: str, of: list[EventType], table: Any, panes: int) -> Measure:
        found, high, low = table.property, table.high, table.low
        if low >= high:
            self._problems.append(f"{where}.low: must be less than high")
        above, below = self.asked.amounts(of, found, AT_LEAST, high), self.asked.amounts(of, found, AT_MOST, low)
        return Measure(name, FRACTION, panes, above, below, self.asked.amounts(of, found, VALUES), _PERCENT)

    def _regularity(self, where: str, name: str, of: list[EventType], panes: int) -> Measure:
        length = panes * self._pane
        if DAY % self._pane or length % DAY or length < _WEEK:
            self._problems.append(
                f"{where}: a regularity is made of days; it needs panes that divide a day, over whole days, 7 or more"
            )
        return Measure(name, REGULARITY, panes, _codes(of))

    def _of_sessions(self, where: str, name: str, table: Any, panes: int) -> Measure | None:
        written = table.channel
        channel = self._channels.get(written) if isinstance(written, str) else None
        if channel is None or not channel.sessions:
            self._problems.append(f"{where}.channel: {written!r} is not a channel with sessions")
            return None
        rule = channel.sessions[0][1]
        return Measure(name, table.kind, panes, channel=rule.channel, pause=rule.pause)

    def _of_durations(self, where: str, name: str, table: Any, panes: int) -> Measure | None:
        channel, duration = table.channel, table.duration
        owner = self._channels.get(channel) if isinstance(channel, str) else None
        pairings = owner.pairings if owner is not None else ()
        if duration not in [each.name for pairing in pairings for each in pairing.durations]:
            self._problems.append(f"{where}.duration: the channel {channel!r} has no duration {duration!r}")
            return None
        numerator, denominator = self._factor(where, table, panes)
        count, total = duration_codes(channel, duration)
        return Measure(name, FRACTION, panes, (total,), (), (count,), numerator, denominator * POINT)

    def _factor(self, where: str, table: Any, panes: int) -> tuple[int, int]:
        """Give what the fraction is multiplied with: `times`, and what `per` makes of the time over which it is."""
        times, per = getattr(table, "times", POINT), getattr(table, "per", None)
        if times == 0:
            self._problems.append(f"{where}.times: must not be 0")
        if per is None:
            return times, POINT
        # What is projected is taken over each customer's own time.
        return times * per, POINT if getattr(table, "projected", None) is not None else POINT * panes * self._pane

    def _step(self, where: str, table: Any) -> int:
        """Give the steps in which the time of a young customer is counted; 0 for none."""
        step: int | None = table.projected
        if step is None:
            return 0
        if table.per is None:
            self._problems.append(f"{where}.projected: needs per, the time for which the measure is taken")
        if step < self._pane:
            self._problems.append(f"{where}.projected: must be a pane of {format_duration(self._pane)} or more")
        return max(step, 1)

    def _over(self, where: str, over: int | None) -> int:
        """Give the time over which a measure is taken, in panes."""
        if over is None:
            return self._length // self._pane
        if over % self._pane or not 0 < over <= self._length:
            self._problems.append(
                f"{where}.over: must be a whole number of panes of {format_duration(self._pane)}, "
                f"and not more than the window of {format_duration(self._length)}"
            )
        return max(over // self._pane, 1)

    def _types(self, where: str, names: list[Any]) -> list[EventType]:
        """Find types: ``email.click``, or ``email`` for all of a channel but those of machines."""
        found: dict[str, EventType] = {}
        for written in names:
            channel_name, dot, kind = str(written).partition(".")
            channel = self._channels.get(channel_name)
            if channel is None or not isinstance(written, str):
                self._problems.append(f"{where}: {written!r} begins with no channel of this policy")
                continue
            every = types_of_people(channel.types, channel.machine)
            types = [each for each in channel.types if each.name == kind] if dot else list(every)
            if not types:
                self._problems.append(f"{where}: {written!r} has no weight in channels.{channel_name}.weights")
            found |= {each.code: each for each in types}
        return list(found.values())

    def _not_taken_back(self, where: str, of: list[EventType], less: list[EventType]) -> None:
        """Refuse a sum that would lose an amount twice: it goes with the event that is taken back."""
        self._problems += [
            f"{where}.less: {by.name} takes {kind.name} back with its amount, which would be lost twice"
            for by in less
            for kind in of
            if kind.code in self.asked.taken_by(by)
        ]


def _reduced(measure: Measure) -> Measure:
    common = math.gcd(measure.numerator, measure.denominator)
    return replace(measure, numerator=measure.numerator // common, denominator=measure.denominator // common)


def _codes(types: list[EventType]) -> tuple[str, ...]:
    return tuple(kind.code for kind in types)
