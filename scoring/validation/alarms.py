"""What alerts were worth: how many were right, how many churned customers they told of, and how long before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scoring.validation.observations import Customer

#: A customer and the times of the alerts, in microseconds, in order.
Alarms = tuple[Customer, Sequence[int]]


@dataclass(frozen=True, slots=True)
class AlarmReport:
    """Alerts against what happened; `leads` are the times in microseconds from the last alert to the churn, sorted.

    `right` are alerts of customers who churned afterwards; `told` are the churned customers who had such an alert.
    """

    customers: int
    churned: int
    alerts: int
    right: int
    told: int
    leads: tuple[int, ...]

    @property
    def precision(self) -> float | None:
        """The share of the alerts whose customer churned afterwards."""
        return self.right / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        """The share of the churned customers of whom an alert told before."""
        return self.told / self.churned if self.churned else None

    @property
    def false_per_hundred(self) -> float | None:
        """False alarms for each hundred customers."""
        return 100 * (self.alerts - self.right) / self.customers if self.customers else None

    def lead(self, share: float) -> int | None:
        """Give a quantile of the lead times.

        Args:
            share: 0.5 for the median.

        Returns:
            Microseconds; None where no churn that was told of has a day.
        """
        return self.leads[min(int(share * len(self.leads)), len(self.leads) - 1)] if self.leads else None


def judge_alarms(alarms: Iterable[Alarms], known_until: int) -> AlarmReport:
    """Compare alerts with labelled outcomes.

    Alerts at or after the churn, and after nothing was expected of the customer any more, are left out.

    Args:
        alarms: customers with the times of their alerts; those whose outcome is not known are left out.
        known_until: where the history ends, in microseconds.

    Returns:
        The counts.
    """
    customers = churned = alerts = right = told = 0
    leads = []
    for customer, times in alarms:
        if customer.churned is None:
            continue
        customers += 1
        churned += customer.churned
        end = min(known_until, known_until if customer.until is None else customer.until)
        if customer.churned and customer.churned_at is not None:
            end = min(end, customer.churned_at - 1)
        before = times[: bisect_right(times, end)]
        alerts += len(before)
        if customer.churned and before:
            right += len(before)
            told += 1
            if customer.churned_at is not None:
                leads.append(customer.churned_at - before[-1])
    return AlarmReport(customers, churned, alerts, right, told, tuple(sorted(leads)))


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


def shortfalls(counts: Mapping[int, int], least: int, window: int, pane: int, known_until: int) -> list[int]:
    """Raise an alarm whenever the plain number of events in the window falls below a bound that it had reached.

    Args:
        counts: events by the number of their pane, in order.
        least: the bound.
        window: how many panes it holds.
        pane: the length of one, in microseconds.
        known_until: where the history ends, in microseconds.

    Returns:
        The times, in microseconds.

    Example:
        >>> shortfalls({0: 1, 1: 1, 5: 2}, least=2, window=3, pane=10, known_until=100)
        [30, 80]
    """
    found = []
    total, reached = 0, False
    # At equal times what leaves goes before what comes, as at the boundary the new pane is empty.
    steps = [(current + window, -count) for current, count in counts.items()]
    for current, change in sorted([*steps, *counts.items()]):
        total += change
        if total >= least:
            reached = True
        elif reached and change < 0 and current * pane <= known_until:
            reached = False
            found.append(current * pane)
    return found


def matched(wanted: int, bounds: Iterable[int], alerts_at: Callable[[int], int]) -> int:
    """Find the bound of a rule at which it raises about as many alerts as another one.

    Args:
        wanted: how many that other one raised.
        bounds: to choose from, at least one.
        alerts_at: tells how many alerts the rule raises at a bound; each bound is asked for once.

    Returns:
        The bound whose number is the nearest, the lowest of several.
    """
    return min(bounds, key=lambda bound: (abs(alerts_at(bound) - wanted), bound))
