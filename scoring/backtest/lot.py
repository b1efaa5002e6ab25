"""What alerts are worth whose customers are drawn by lot: the precision that any rule has to beat.

Rests on decision 14.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate

from scoring.backtest.observations import Customer
from scoring.instants import DAY


def open_until(customer: Customer, known_until: int) -> int:
    """Return up to when an alert about a customer can be right or wrong.

    Args:
        customer: whose outcome is known.
        known_until: where the history ends, in microseconds.

    Returns:
        Microseconds: before the churn, and before nothing was expected of the customer any more.
    """
    end = known_until
    if customer.until is not None:
        end = min(end, customer.until - 1)
    if customer.churned and customer.churned_at is not None:
        end = min(end, customer.churned_at - 1)
    return end


class Lot:
    """By stratum and day: how many customers were there, how many of them churned later, and how many within a horizon.

    A customer is there from the day of the first event on, for as long as the outcome is open.
    """

    def __init__(self, customers: Iterable[tuple[Customer, int]], known_until: int, horizon: int) -> None:
        """Count; `labelled` says afterwards whether anybody's outcome is known.

        Args:
            customers: each with the time of the first event, in microseconds, negative without one; those whose outcome
                is not known are left out.
            known_until: where the history ends, in microseconds.
            horizon: microseconds.
        """
        self.horizon = horizon
        self.labelled = False
        changes: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
        for customer, began in customers:
            self.labelled = self.labelled or customer.churned is not None
            if customer.churned is None or began < 0:
                continue
            first, end = began // DAY, open_until(customer, known_until) // DAY
            spans = [(0, first)]
            if customer.churned:
                spans.append((1, first))
                if customer.churned_at is not None:
                    # At the start of that day the horizon reaches as far as the churn.
                    spans.append((2, max(first, -(-(customer.churned_at - horizon) // DAY))))
            for kind, begins in spans:
                if begins <= end:
                    changes[customer.stratum][begins][kind] += 1
                    changes[customer.stratum][end + 1][kind] -= 1
        self._days = {stratum: _running(days) for stratum, days in changes.items()}

    def share(self, stratum: str, time: int) -> float:
        """Give the share of those who were there who churned later.

        Args:
            stratum: of the customers.
            time: microseconds.
        """
        return self._share(stratum, time, 1)

    def share_within(self, stratum: str, time: int) -> float:
        """Give the share of those who were there who churned within the horizon.

        Args:
            stratum: of the customers.
            time: microseconds.
        """
        return self._share(stratum, time, 2)

    def _share(self, stratum: str, time: int, kind: int) -> float:
        counts = self._days.get(stratum, {}).get(time // DAY)
        return counts[kind] / counts[0] if counts is not None and counts[0] else 0.0


def _running(changes: dict[int, list[int]]) -> dict[int, list[int]]:
    days = range(min(changes), max(changes) + 1)
    steps = (changes.get(day, [0, 0, 0]) for day in days)
    sums = accumulate(steps, lambda total, step: [a + b for a, b in zip(total, step, strict=True)])
    return dict(zip(days, sums, strict=True))
