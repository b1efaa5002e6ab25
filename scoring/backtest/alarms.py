"""What alerts were worth: how many were right, how many churned customers they announced, and how long before.

Rests on decision 14.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import median

from scoring.backtest.lot import Lot, open_until
from scoring.backtest.observations import Customer
from scoring.instants import DAY

#: Days that a month has on average.
MONTH = 365.25 / 12
#: From how many days after the first event on alerts are counted apart.
TENURES = (0, 30, 90, 180)


@dataclass(frozen=True, slots=True)
class Alarms:
    """One customer's first event (negative: none), active days by their number, and the times of the alerts.

    Times are microseconds; days and times are in order.
    """

    customer: Customer
    began: int
    days: Sequence[int]
    times: Sequence[int]


@dataclass(slots=True)
class Hits:
    """Alerts, those that were right, and how many of as many drawn by lot would have been; the sums behind shares.

    The lot draws, for each alert, one of the customers of the same stratum who were there on the same day.
    """

    alerts: int = 0
    right: int = 0
    lot: float = 0.0
    # By customer: alerts, and how many more of them were right than by lot.
    _excess: list[tuple[int, float]] = field(default_factory=list)

    def add(self, alerts: int, right: int, lot: float) -> None:
        """Count the alerts of one customer."""
        self.alerts += alerts
        self.right += right
        self.lot += lot
        self._excess.append((alerts, right - lot))

    def join(self, other: Hits) -> None:
        """Take in the alerts of other customers."""
        self.alerts += other.alerts
        self.right += other.right
        self.lot += other.lot
        self._excess += other._excess

    @property
    def precision(self) -> float | None:
        """The share of the alerts that were right."""
        return self.right / self.alerts if self.alerts else None

    @property
    def by_lot(self) -> float | None:
        """The share of the alerts drawn by lot that would have been right."""
        return self.lot / self.alerts if self.alerts else None

    @property
    def error(self) -> float:
        """The standard error of precision less `by_lot`; a customer's alerts are right or wrong together."""
        if not self.alerts:
            return 0.0
        mean = (self.right - self.lot) / self.alerts
        return sqrt(sum((excess - alerts * mean) ** 2 for alerts, excess in self._excess)) / self.alerts

    @property
    def beats_the_lot(self) -> bool:
        """Whether the alerts are better than drawn ones by more than the error."""
        return self.right - self.lot > self.error * self.alerts


@dataclass(slots=True)
class AlarmReport:
    """What alerts were worth.

    `churned` are customers who did, `dated` those of them whose day is known, `alerted` customers with an alert,
    `alerted_churned` the churned ones among them. `hits` counts an alert as right if the customer churned at any time
    after it; `within` only if that was within the horizon, and `alerted_within` are the customers of whom that is true.
    `by_tenure` parts `hits` by the time since the first event. `leads_first` and `leads_last` are the times in
    microseconds from the first and the last alert to the churn. `customer_days` are the days over which alerts were
    possible at all. `came_back` are, of the `asked_back` alerts that were raised a horizon or more before the end of
    the history, those whose customer was active again within it.
    """

    horizon: int = 0
    customers: int = 0
    churned: int = 0
    dated: int = 0
    alerted: int = 0
    alerted_churned: int = 0
    alerted_within: int = 0
    customer_days: float = 0.0
    hits: Hits = field(default_factory=Hits)
    within: Hits = field(default_factory=Hits)
    by_tenure: dict[int, Hits] = field(default_factory=dict)
    leads_first: list[int] = field(default_factory=list)
    leads_last: list[int] = field(default_factory=list)
    by_day: Counter[int] = field(default_factory=Counter)
    came_back: int = 0
    asked_back: int = 0

    @property
    def recall(self) -> float | None:
        """The share of the churned customers whom an alert announced."""
        return self.alerted_churned / self.churned if self.churned else None

    @property
    def recall_within(self) -> float | None:
        """The share of the customers with a day of churn whom an alert announced within the horizon before it."""
        return self.alerted_within / self.dated if self.dated else None

    @property
    def alerted_churned_share(self) -> float | None:
        """Of the customers with an alert, the share who churned."""
        return self.alerted_churned / self.alerted if self.alerted else None

    @property
    def false_per_100(self) -> float | None:
        """False alarms for each hundred customers."""
        return 100 * (self.hits.alerts - self.hits.right) / self.customers if self.customers else None

    @property
    def back_within(self) -> float | None:
        """The share of the alerts whose customer was active again within the horizon."""
        return self.came_back / self.asked_back if self.asked_back else None

    @property
    def per_100_a_month(self) -> float | None:
        """Alerts for each hundred customers and month."""
        return 100 * self.hits.alerts / (self.customer_days / MONTH) if self.customer_days else None

    @property
    def busiest_1_percent(self) -> float | None:
        """The share of the alerts that fell on the busiest hundredth of the days, of one day at least."""
        if not self.by_day:
            return None
        days = max(self.by_day) - min(self.by_day) + 1
        return sum(count for _, count in self.by_day.most_common(max(days // 100, 1))) / self.hits.alerts


def lead(leads: Sequence[int]) -> float | None:
    """Give the median of lead times in days; None of nothing.

    Args:
        leads: in microseconds.
    """
    return median(leads) / DAY if leads else None


def judge_alarms(alarms: Iterable[Alarms], known_until: int, lot: Lot) -> AlarmReport:
    """Compare alerts with labelled outcomes.

    Alerts at or after the churn, and after nothing was expected of the customer any more, are left out.

    Args:
        alarms: of customers; those whose outcome is not known are left out, unless nobody's is.
        known_until: where the history ends, in microseconds.
        lot: of the same customers.

    Returns:
        The counts.
    """
    report = AlarmReport(lot.horizon, by_tenure={days: Hits() for days in TENURES})
    for one in alarms:
        if one.customer.churned is not None or not lot.labelled:
            _judge(report, one, known_until, lot)
    return report


def days_expected(customer: Customer, began: int, known_until: int) -> float:
    """Return over how many days something was expected of a customer.

    Args:
        customer: with start and end, as far as they are known.
        began: the first event, in microseconds; negative without one.
        known_until: where the history ends, in microseconds.
    """
    start = began if customer.start is None else customer.start
    last = known_until if customer.until is None else min(customer.until, known_until)
    return max(last - start, 0) / DAY if start >= 0 else 0.0


def _judge(report: AlarmReport, one: Alarms, known_until: int, lot: Lot) -> None:
    customer, churned_at = one.customer, one.customer.churned_at if one.customer.churned else None
    report.customers += 1
    report.churned += bool(customer.churned)
    report.dated += churned_at is not None
    report.customer_days += days_expected(customer, one.began, known_until)
    times = one.times[: bisect_right(one.times, open_until(customer, known_until))]
    if not times:
        return
    report.alerted += 1
    report.alerted_churned += bool(customer.churned)
    right = len(times) if customer.churned else 0
    report.hits.add(len(times), right, sum(lot.share(customer.stratum, time) for time in times))
    near = [time for time in times if churned_at is not None and churned_at - time <= lot.horizon]
    report.within.add(len(times), len(near), sum(lot.share_within(customer.stratum, time) for time in times))
    report.alerted_within += bool(near)
    early = [time for time in times if time + lot.horizon <= known_until]
    report.asked_back += len(early)
    report.came_back += sum(_active_within(one.days, time // DAY, lot.horizon // DAY) for time in early)
    if churned_at is not None:
        report.leads_first.append(churned_at - times[0])
        report.leads_last.append(churned_at - times[-1])
    report.by_day.update(time // DAY for time in times)
    for tenure, hits in report.by_tenure.items():
        inside = [time for time in times if tenure_of(time - one.began) == tenure]
        if inside:
            of_lot = sum(lot.share(customer.stratum, time) for time in inside)
            hits.add(len(inside), len(inside) if customer.churned else 0, of_lot)


def _active_within(days: Sequence[int], first: int, length: int) -> bool:
    place = bisect_left(days, first)
    return place < len(days) and days[place] < first + length


def tenure_of(length: int) -> int:
    """Find the one of `TENURES` that a time since the first event belongs to.

    Args:
        length: microseconds.
    """
    return TENURES[max(bisect_right(TENURES, length // DAY) - 1, 0)]


def silences(panes: Iterable[int], length: int, pane: int, known_until: int) -> list[int]:
    """Raise an alarm whenever a customer has had no event for some whole panes.

    Args:
        panes: the numbers of those with events, in order.
        length: how many panes without.
        pane: the length of one, in microseconds.
        known_until: where the history ends, in microseconds.

    Returns:
        The times, in microseconds.

    Example:
        >>> silences([0, 1, 5], length=2, pane=10, known_until=100)
        [40, 80]
    """
    panes = list(panes)
    found = []
    for index, current in enumerate(panes):
        quiet_from = current + 1 + length
        following = panes[index + 1] if index + 1 < len(panes) else None
        if (following is None or following >= quiet_from) and quiet_from * pane <= known_until:
            found.append(quiet_from * pane)
    return found


def matched(wanted: int, bounds: Iterable[int], alerts_at: Callable[[int], int]) -> int:
    """Find the bound of a rule at which it raises about as many alerts as another one.

    Args:
        wanted: how many that other one raised.
        bounds: to choose from, at least one.
        alerts_at: says how many alerts the rule raises at a bound; each bound is asked for once.

    Returns:
        The bound whose number is the nearest, the lowest of several.
    """
    return min(bounds, key=lambda bound: (abs(alerts_at(bound) - wanted), bound))
