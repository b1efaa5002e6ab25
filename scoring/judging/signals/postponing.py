"""What begins to hold and is not raised yet: it waits as a drop does, for a cooldown and for silent feeds.

Rests on decisions 76 and 155.
"""

from __future__ import annotations

from scoring.customer.signals import Standing, Wait
from scoring.customer.state import CustomerState
from scoring.feeds.feeds import Feeding
from scoring.judging.moment import Moment
from scoring.judging.score import feeding_now
from scoring.judging.signals.raising import Raiser, cooldown_end
from scoring.policy.policy import Policy
from scoring.rules.signals import SignalRule


class Postponing:
    """Postpones what begins to hold of one customer."""

    __slots__ = ("_feeds", "_policy", "_raiser", "_state", "_watched")

    def __init__(self, policy: Policy, state: CustomerState, raiser: Raiser, moment: Moment) -> None:
        """Go on from where the customer stands.

        Args:
            policy: in force.
            state: the customer's.
            raiser: of the customer's signals.
            moment: says when the feeds have been silent.
        """
        self._policy = policy
        self._state = state
        self._raiser = raiser
        self._feeds = moment.feeds
        self._watched = frozenset([name for name, _ in policy.watched.values()])

    def begin(self, rule: SignalRule, at: int, feeding: Feeding | None, *, by_time: bool) -> bool:
        """Take what begins to hold.

        Args:
            rule: of what holds for a while.
            at: since when, in microseconds.
            feeding: names the channels that had brought points before; by default those that bring some now.
            by_time: whether time alone has brought it on; what an event brings on waits for feeds only once it has
                waited for the cooldown.

        Returns:
            Whether it is to be raised at once; else it waits.
        """
        standing = self._raiser.standing(rule)
        standing.waits = [Wait(at, "", channel) for channel in self._channels(rule, feeding) or ("",)]
        return self._is_over(rule, standing, at, asks=by_time)

    def is_over(self, rule: SignalRule, standing: Standing, at: int) -> bool:
        """Return whether what waits is to be raised at a time; then it waits no more.

        Args:
            rule: of what holds for a while.
            standing: of the customer with it; changed in place.
            at: a time that has come, in microseconds; what silent feeds hold is judged at pane boundaries alone.
        """
        if standing.waits[0].held and at % self._policy.pane:
            return False
        return self._is_over(rule, standing, at, asks=True)

    def _is_over(self, rule: SignalRule, standing: Standing, at: int, *, asks: bool) -> bool:
        if cooldown_end(rule, standing, at):
            return False
        if asks and self._feeds.silent([wait.about for wait in standing.waits], at):
            standing.waits = [wait._replace(held=True) for wait in standing.waits]
            return False
        standing.waits = []
        return True

    def _channels(self, rule: SignalRule, feeding: Feeding | None) -> list[str]:
        """Name the watched channels whose silence may bring it on."""
        if not self._watched or not rule.comes_of_silence:
            return []
        if rule.feeds:
            return [name for name in rule.feeds if name in self._watched]
        return feeding() if feeding is not None else feeding_now(self._policy, self._state)
