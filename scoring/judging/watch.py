"""A watch: looks for moments of one kind in the steps of a customer, which are judged already.

Rests on decision 136.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.customer.state import Timed
from scoring.feeds.feeds import Feeding


class Watch:
    """Looks for moments of one kind, in the order of time. Times are in microseconds, scores in millionths."""

    def quiet(self, events: Sequence[Timed]) -> bool:
        """Return whether none of some events can be such a moment or end one, so that they may be taken together.

        Args:
            events: at least one, in the order of time; without one that is not quiet, each is given to `take`.
        """
        raise NotImplementedError

    def wake(self, until: int) -> None:
        """Take what time alone brings, before anything else happens at that time or after it."""
        raise NotImplementedError

    def take(self, event: Timed, before: int) -> None:
        """Judge an event that has been counted, and the score before it."""
        raise NotImplementedError

    def correct(self, at: int, before: int) -> None:
        """Judge what an event that came too late to count has changed in the score."""
        raise NotImplementedError

    def cross(self, boundary: int, before: int, feeding: Feeding | None) -> None:
        """Judge what a pane boundary has changed in the score.

        Args:
            boundary: its time.
            before: the score before it.
            feeding: the watched channels that had brought points before it; None where no channel is watched.
        """
        raise NotImplementedError

    def close(self) -> int:
        """Forget what nothing hangs on any more.

        Returns:
            The time after that up to which the customer has been judged at which to look next, if nothing happens
            before; 0 for never.
        """
        raise NotImplementedError
