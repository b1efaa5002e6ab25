"""Customers who are set aside: what stands under their keys is not what any worker writes.

Rests on decision 68.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mode.utils.logging import get_logger

from streams.metrics import Metrics

logger = get_logger(__name__)

#: So many are remembered by name; of more, a customer may be named in the log again.
_MOST_REMEMBERED: Final = 10_000


class SetAside:
    """Names customers who cannot be read, each once, and counts them.

    What comes for them is passed over and stays in the log; a rebuild counts it, and puts what can be read in the place
    of what cannot.
    """

    def __init__(self, metrics: Metrics) -> None:
        """Start with none.

        Args:
            metrics: tell how many there are.
        """
        self._metrics = metrics
        self._named: dict[str, None] = {}
        self._met: set[str] = set()

    def __contains__(self, customer: str) -> bool:
        """Return whether a customer is set aside."""
        return customer in self._named

    def note(self, customer: str, why: str) -> None:
        """Note that a customer cannot be read.

        Args:
            customer: the id.
            why: a sentence.
        """
        self._met.add(customer)
        if customer not in self._named:
            logger.error("customer %r is set aside, the others go on: %s", customer, why)
            if len(self._named) >= _MOST_REMEMBERED:
                self._named.pop(next(iter(self._named)))
            self._named[customer] = None
            self._metrics.set_aside.set(len(self._named))

    def note_readable(self, customers: Iterable[str]) -> None:
        """Note that customers can be read, or are not stored.

        Args:
            customers: their ids.
        """
        back = [customer for customer in customers if customer in self._named] if self._named else []
        for customer in back:
            del self._named[customer]
            logger.info("customer %r can be read again", customer)
        if back:
            self._metrics.set_aside.set(len(self._named))

    def take_met(self) -> set[str]:
        """Give those met since this was asked last; they are to be loaded again, as they may be mended."""
        met, self._met = self._met, set()
        return met
