"""Figures over all customers, from sums of what each customer adds to them (see `scoring.customer.activity_sums`).

Rests on decision 15.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scoring.customer.activity_sums import MONTH
from scoring.policy.policy import BANDS, DISENGAGED, ENGAGED

#: The day to which sums are folded that are too old to be told apart.
FOLDED = 0
_CUMULATIVE = "wnrlf"


def percent(part: int, whole: int) -> float | None:
    """Give a share.

    Args:
        part: how many.
        whole: of how many.

    Returns:
        Percent; None of nothing.

    Example:
        >>> percent(100, 1_000)
        10.0
    """
    return 100 * part / whole if whole else None


def retention(at_start: int, at_end: int, acquired: int) -> float | None:
    """Give the share of the customers at the start who have stayed.

    Args:
        at_start: customers then.
        at_end: customers then.
        acquired: those of them who were not there at the start.

    Returns:
        Percent; None where there was nobody at the start.

    Example:
        >>> retention(10_000, 12_000, 5_000)
        70.0
    """
    return percent(at_end - acquired, at_start)


def churn(at_start: int, lost: int) -> float | None:
    """Give the share of the customers at the start who have gone.

    Args:
        at_start: customers then.
        lost: those of them who were not there at the end.

    Returns:
        Percent; None where there was nobody at the start.

    Example:
        >>> churn(1_000, 100)
        10.0
    """
    return percent(lost, at_start)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What is known of one day, all of it at its end.

    `daily`, `weekly`, `monthly` are the customers active in the 1, 7 and 30 days up to and with it; `active_days` the
    days on which those of the month were active, all together; `seen_before` those of them who had been active before
    the month. `new`, `returned` and `lost` changed sides on the day. `bands` are the customers per band, by its index;
    `flows` those who moved on the day, by the band before (None for a new one) and after.
    """

    day: int
    daily: int
    weekly: int
    monthly: int
    active_days: int
    seen_before: int
    new: int
    returned: int
    lost: int
    bands: tuple[int, ...]
    flows: Mapping[tuple[int | None, int], int]

    @property
    def stickiness(self) -> float | None:
        """Percent of the month's customers who were active on the day."""
        return percent(self.daily, self.monthly)

    @property
    def returning_share(self) -> float | None:
        """Percent of the month's customers who had been active before the month."""
        return percent(self.seen_before, self.monthly)

    @property
    def frequency(self) -> float | None:
        """On how many days of the month its customers were active, on average."""
        return self.active_days / self.monthly if self.monthly else None

    @property
    def engagement_index(self) -> tuple[float | None, float | None, float | None]:
        """Percent of the customers with a score who are engaged (above that band), responsive (in it), disengaged."""
        counts = sum(self.bands[ENGAGED + 1 :]), self.bands[ENGAGED], sum(self.bands[: DISENGAGED + 1])
        engaged, responsive, disengaged = (percent(count, sum(self.bands)) for count in counts)
        return engaged, responsive, disengaged


@dataclass(frozen=True, slots=True)
class Period:
    """Who came and went in a period: customers before its first day, at the end of its last one, and in between.

    `acquired` are the customers at the end who were not there at the start, or not without a break; `lost` those at
    the start who did not stay until the end.
    """

    first: int
    last: int
    at_start: int
    at_end: int
    acquired: int
    lost: int

    @property
    def retention(self) -> float | None:
        """See `retention`."""
        return retention(self.at_start, self.at_end, self.acquired)

    @property
    def churn(self) -> float | None:
        """See `churn`."""
        return churn(self.at_start, self.lost)


class Sums:
    """Sums over customers, to be read as figures."""

    def __init__(self, fields: Mapping[str, int], in_bands: Iterable[int] | None = None, shortest: int = MONTH) -> None:
        """Sort the fields.

        Args:
            fields: as `scoring.customer.activity_sums` names them.
            in_bands: how many customers are in each band now, by its index. Where it is given, those of whom it is not
                known how they came into their band are taken to have been there always.
            shortest: for how many days nobody is lost who has come. Over more, the spells have to be among the fields.
        """
        self._shortest = shortest
        self._days: dict[str, dict[int, int]] = {kind: defaultdict(int) for kind in "dwnrl"}
        self._spells: dict[tuple[int, int], int] = {}
        self._flows: dict[int, dict[tuple[int | None, int], int]] = defaultdict(dict)
        for field, count in fields.items():
            kind, (first, _, second) = field[0], field[1:].partition(".")
            if kind == "f":
                pair = None if second[0] == "-" else int(second[0]), int(second[1])
                self._flows[int(first)][pair] = count
            elif kind == "s":
                self._spells[int(first), int(second)] = count
            else:
                self._days[kind][int(first)] = count
        known = [0] * len(BANDS)
        for flows in self._flows.values():
            _move(known, flows)
        self._unknown = [now - known[band] for band, now in enumerate(in_bands)] if in_bands else [0] * len(BANDS)

    @property
    def newest(self) -> int | None:
        """The last day on which anybody was active; None if nobody ever was."""
        return max((day for day, count in self._days["d"].items() if count), default=None)

    def figures(self, first: int, last: int) -> list[DayFigures]:
        """Give the figures of days.

        Args:
            first: number of the first day.
            last: number of the last day.

        Returns:
            One for each.
        """
        daily, new = self._days["d"], self._days["n"]
        weekly = self._running({"w": 1}, first, last)
        monthly = self._running({"n": 1, "r": 1, "l": -1}, first, last)
        found = []
        for day, bands in self._bands(first, last):
            month = range(day - MONTH + 1, day + 1)
            customers = monthly[day - first]
            found.append(
                DayFigures(
                    day=day,
                    daily=daily.get(day, 0),
                    weekly=weekly[day - first],
                    monthly=customers,
                    active_days=sum(daily.get(each, 0) for each in month),
                    seen_before=customers - sum(new.get(each, 0) for each in month),
                    new=new.get(day, 0),
                    returned=self._days["r"].get(day, 0),
                    lost=self._days["l"].get(day, 0),
                    bands=bands,
                    flows=dict(self._flows.get(day, {})),
                )
            )
        return found

    def period(self, first: int, last: int) -> Period:
        """Return who came and went in a period.

        Args:
            first: number of its first day.
            last: number of its last day. Beyond `shortest` days the spells have to be among the fields.

        Returns:
            The period.
        """
        start = first - 1
        at_start, at_end = (self._running({"n": 1, "r": 1, "l": -1}, day, day)[0] for day in (start, last))
        if last - start <= self._shortest:
            # Nobody who has come within the time can have been lost within it.
            lost = sum(count for day, count in self._days["l"].items() if start < day <= last)
        else:
            lost = sum(count for (begun, end), count in self._spells.items() if begun <= start < end <= last)
        return Period(first, last, at_start, at_end, at_end - (at_start - lost), lost)

    def flows(self, first: int, last: int) -> dict[tuple[int | None, int], int]:
        """Count the changes of band in a period.

        Args:
            first: number of its first day.
            last: number of its last day.

        Returns:
            By the band before (None for a new customer) and after.
        """
        total: dict[tuple[int | None, int], int] = defaultdict(int)
        for day, flows in self._flows.items():
            if first <= day <= last:
                for pair, count in flows.items():
                    total[pair] += count
        return dict(total)

    def _running(self, kinds: Mapping[str, int], first: int, last: int) -> list[int]:
        """Add up changes, and give the sum at the end of each day."""
        changes: dict[int, int] = defaultdict(int)
        for kind, sign in kinds.items():
            for day, count in self._days[kind].items():
                changes[max(day, first)] += sign * count
        total, sums = 0, []
        for day in range(first, last + 1):
            total += changes.get(day, 0)
            sums.append(total)
        return sums

    def _bands(self, first: int, last: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        bands = list(self._unknown)
        for day, flows in self._flows.items():
            if day < first:
                _move(bands, flows)
        for day in range(first, last + 1):
            _move(bands, self._flows.get(day, {}))
            yield day, tuple(bands)


def _move(bands: list[int], flows: Mapping[tuple[int | None, int], int]) -> None:
    for (before, after), count in flows.items():
        bands[after] += count
        if before is not None:
            bands[before] -= count


def folding(fields: Mapping[str, int], before: int) -> dict[str, int]:
    """Return how to make sums forget days, without a change to the figures of later ones.

    Args:
        fields: of sums.
        before: number of the first day that is kept.

    Returns:
        What to add to them: fields of earlier days become 0, and what still matters goes to the day `FOLDED`.
    """
    changes: dict[str, int] = defaultdict(int)
    for field, count in fields.items():
        kind, (first, dot, second) = field[0], field[1:].partition(".")
        day = int(second) if kind == "s" else int(first)
        if kind == "s" and int(first) < before <= day and int(first) != FOLDED:
            changes[field] -= count
            changes[f"s{FOLDED}.{second}"] += count
        elif day < before and (day != FOLDED or kind not in _CUMULATIVE):
            changes[field] -= count
            if kind in _CUMULATIVE:
                changes[f"{kind}{FOLDED}{dot}{second}"] += count
    return {field: count for field, count in changes.items() if count}
