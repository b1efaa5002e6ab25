"""On which days a customer was active and when the band changed, and what each of these adds to the sums.

Rests on decision 15.
"""

from __future__ import annotations

from typing import Final

from scoring.customer.activity_sums import (
    ACTIVE,
    BAND_COUNT,
    LOST,
    MONTH,
    NEW,
    NOBODY,
    RETURNED,
    WEEK,
    WEEKLY,
    day_field,
    flow_field,
    gain,
    named,
    spell_field,
    total_gains,
)

#: Days in one stored number.
SPAN: Final = 50
_FIRST_DAY: Final = ord("A")
_FIRST_PAIR: Final = ord("0")


class Activity:
    """The days of one customer, in numbers of `SPAN` bits, and the changes of band, two characters each.

    `gains` is what the customer adds to the sums beyond what is stored (see `named`), `touched` the spans that differ
    from those stored, `flipped` the days that were added or removed since, once for each time, `entered` how many
    changes of band were noted since. `band` is the one after the last change, `pane` the one found active last.
    """

    __slots__ = ("band", "changes", "days", "entered", "flipped", "gains", "pane", "touched")

    def __init__(self, days: dict[int, int] | None = None, changes: dict[int, str] | None = None) -> None:
        """Go on from what is stored.

        Args:
            days: by the number of the span.
            changes: by the number of the span.
        """
        self.days: dict[int, int] = {} if days is None else days
        self.changes: dict[int, str] = {} if changes is None else changes
        self.gains: dict[int, int] = {}
        self.touched: list[int] = []
        self.flipped: list[int] = []
        self.entered = 0
        self.band = self.pane = NOBODY
        if self.changes:
            self.band = (ord(self.changes[max(self.changes)][-1]) - _FIRST_PAIR) % BAND_COUNT

    def has(self, day: int) -> bool:
        """Return whether the customer was active on a day.

        Args:
            day: its number.
        """
        return bool(self.days.get(day // SPAN, 0) >> day % SPAN & 1)

    def add(self, day: int) -> None:
        """Note that the customer was active on a day that is not noted.

        Args:
            day: its number.
        """
        self._gain_day(day, 1)
        self._flip(day)

    def remove(self, day: int) -> None:
        """Take back that the customer was active on a day.

        Args:
            day: its number; noted.
        """
        self._flip(day)
        self._gain_day(day, -1)

    def enter(self, day: int, band: int) -> None:
        """Note that the customer has entered a band.

        Args:
            day: when; one before that of the last change counts as that, as each change follows from the one before.
            band: its index; the one that the customer is in already changes nothing.
        """
        if band == self.band:
            return
        day = max(day, self._last_change())
        span = day // SPAN
        pair = chr(_FIRST_DAY + day % SPAN) + chr(_FIRST_PAIR + (self.band + 1) * BAND_COUNT + band)
        self.changes[span] = self.changes.get(span, "") + pair
        self._touch(span)
        gain(self.gains, flow_field(day, self.band, band), 1)
        self.band = band
        self.entered += 1

    def list_days(self) -> list[int]:
        """Give the numbers of the days, in their order."""
        return [day for span in sorted(self.days) for day in days_of_span(span, self.days[span])]

    def list_changes(self) -> list[tuple[int, int]]:
        """Give the changes of band, in their order: the day and the band that was entered."""
        return [
            (span * SPAN + ord(words[at]) - _FIRST_DAY, (ord(words[at + 1]) - _FIRST_PAIR) % BAND_COUNT)
            for span, words in sorted(self.changes.items())
            for at in range(0, len(words), 2)
        ]

    def _last_change(self) -> int:
        if not self.changes:
            return 0
        span = max(self.changes)
        return span * SPAN + ord(self.changes[span][-2]) - _FIRST_DAY

    def _flip(self, day: int) -> None:
        span = day // SPAN
        days = self.days.get(span, 0) ^ (1 << day % SPAN)
        if days:
            self.days[span] = days
        else:
            del self.days[span]
        self.flipped.append(day)
        self._touch(span)

    def _touch(self, span: int) -> None:
        if span not in self.touched:
            self.touched.append(span)

    def _gain_day(self, day: int, sign: int) -> None:
        """Count a day that is not among the days, or with -1 is not any more: only what its neighbours leave to it."""
        gains = self.gains
        gain(gains, day_field(day, ACTIVE), sign)
        before, after = self._month_from(day - MONTH), self._month_from(day + 1)
        previous = day - MONTH + before.bit_length() - 1
        following = day + _lowest(after)
        start = max(day, previous + WEEK) if before else day
        end = min(day + WEEK, following) if after else day + WEEK
        if start < end:
            gain(gains, day_field(start, WEEKLY), sign)
            gain(gains, day_field(end, WEEKLY), -sign)
        if before and not after:
            # The usual case: a spell goes on.
            start = self._start_of(previous)
            gain(gains, day_field(previous + MONTH, LOST), -sign)
            gain(gains, day_field(day + MONTH, LOST), sign)
            gain(gains, spell_field(start, previous + MONTH), -sign)
            gain(gains, spell_field(start, day + MONTH), sign)
        elif not before or following - previous > MONTH:
            self._gain_spells(day, sign, previous if before else NOBODY, following if after else NOBODY)

    def _gain_spells(self, day: int, sign: int, previous: int, following: int) -> None:
        """Count the spell that a day makes, and not those that end before or begin after it and become part of it."""
        first = self._first()
        start, end = day, day + MONTH
        if previous >= 0:
            start = self._start_of(previous)
            self._gain_spell(start, previous + MONTH, first, -sign)
        if following >= 0:
            end = self._end_of(following)
            self._gain_spell(following, end, first, -sign)
        elif day < first:
            # Who is known to have come earlier was back on what had been the first day.
            gain(self.gains, day_field(first, NEW), -sign)
            gain(self.gains, day_field(first, RETURNED), sign)
        self._gain_spell(start, end, day if first < 0 else min(first, day), sign)

    def _gain_spell(self, start: int, end: int, first: int, sign: int) -> None:
        gain(self.gains, day_field(start, NEW if start == first else RETURNED), sign)
        gain(self.gains, day_field(end, LOST), sign)
        gain(self.gains, spell_field(start, end), sign)

    def _month_from(self, start: int) -> int:
        """Give the days from one on as bits, the lowest for the first of them."""
        span, offset = start // SPAN, start % SPAN
        found = self.days.get(span, 0) >> offset
        if offset + MONTH > SPAN:
            found |= self.days.get(span + 1, 0) << (SPAN - offset)
        return found & ((1 << MONTH) - 1)

    def _first(self) -> int:
        if not self.days:
            return NOBODY
        span = min(self.days)
        return span * SPAN + _lowest(self.days[span]) - 1

    def _start_of(self, day: int) -> int:
        while True:
            before = self._month_from(day - MONTH)
            if not before:
                return day
            day += _lowest(before) - 1 - MONTH

    def _end_of(self, day: int) -> int:
        while True:
            after = self._month_from(day + 1)
            if not after:
                return day + MONTH
            day += after.bit_length()


def _lowest(bits: int) -> int:
    """Give the place of the lowest bit that is set, 1 for the first; 0 if none is."""
    return (bits & -bits).bit_length()


def days_of_span(span: int, bits: int) -> list[int]:
    """List the active days of a span, in order.

    Args:
        span: its number.
        bits: a bit for each active day.
    """
    days = []
    while bits:
        days.append(span * SPAN + _lowest(bits) - 1)
        bits &= bits - 1
    return days


def contribution(activity: Activity) -> dict[str, int]:
    """Return what a customer adds to the sums altogether.

    Args:
        activity: of the customer.

    Returns:
        By field; what is stored has to be this for each customer.
    """
    return named(total_gains(activity.list_days(), activity.list_changes()))


def encode_span(activity: Activity, span: int) -> str:
    """Write what one span holds: the days as a hexadecimal number, the changes after a comma.

    Args:
        activity: of the customer.
        span: its number.

    Returns:
        '' if it holds nothing.
    """
    days, changes = activity.days.get(span, 0), activity.changes.get(span, "")
    if not days and not changes:
        return ""
    return f"{days:x},{changes}" if changes else f"{days:x}"


def read_span(days: dict[int, int], changes: dict[int, str], span: int, words: str) -> None:
    """Read back what one span holds.

    Args:
        days: by the number of the span; added to.
        changes: by the number of the span; added to.
        span: its number.
        words: as `encode_span` wrote them.

    Raises:
        ValueError: if they cannot have been written so.
    """
    bits, _, pairs = words.partition(",")
    if len(pairs) % 2:
        raise ValueError("half a change of band")
    if bits != "0":
        days[span] = int(bits, 16)
    if pairs:
        changes[span] = pairs


def decode_spans(spans: dict[int, str]) -> Activity:
    """Read an activity back.

    Args:
        spans: by number, as `encode_span` wrote them.

    Returns:
        The activity, with nothing gained.

    Raises:
        ValueError: if they cannot have been written so.
    """
    days: dict[int, int] = {}
    changes: dict[int, str] = {}
    for span, words in spans.items():
        read_span(days, changes, span, words)
    return Activity(days, changes)
