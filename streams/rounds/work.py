"""What is applied together: by round or by the timer, in parts, in bundles of groups.

Rests on decisions 43 and 59.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from streams.rounds.bundles import Bundle, Events
from streams.rounds.cache import CustomerCache
from streams.store.protocol import FenceMove, GroupWrite

#: Customers that are loaded, judged and stored together; a round of newcomers is done in parts.
_MOST_AT_ONCE = 15_000
#: Customers for whom a call of its own is worth it, so that the worker judges some while the store looks for others.
_LOADED_TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be applied together: events by group and customer, fences by group, and as of when to judge."""

    events: Mapping[int, Events]
    fences: Mapping[int, Sequence[FenceMove]]
    moment: Moment


@dataclass(slots=True)
class Judged:
    """What is about to be written: a bundle, the write of each of its groups, and what judging each customer did.

    `set_aside` are the customers who cannot be read, with the numbers of their events.
    """

    bundle: Bundle
    writes: list[GroupWrite]
    outcomes: dict[str, Outcome]
    set_aside: dict[str, int] = field(default_factory=dict)


def some_of(waiting: Mapping[int, Events]) -> dict[int, Events]:
    """Take so many groups that their customers are not too many, but one at least.

    Args:
        waiting: events by group and customer.

    Returns:
        Some of the groups.
    """
    some: dict[int, Events] = {}
    customers = 0
    for group, events in waiting.items():
        customers += len(events)
        if some and customers > _MOST_AT_ONCE:
            break
        some[group] = events
    return some


def portions_of(waiting: Mapping[int, Events], cached: CustomerCache) -> list[dict[int, Events]]:
    """Divide groups into those whose customers are loaded together: few calls where few have to be loaded.

    Args:
        waiting: events by group and customer.
        cached: holds the customers who need not be loaded.

    Returns:
        The groups, in their order.
    """
    portions: list[dict[int, Events]] = []
    missing = _LOADED_TOGETHER
    for group, events in waiting.items():
        if missing >= _LOADED_TOGETHER:
            portions.append({})
            missing = 0
        portions[-1][group] = events
        missing += len(cached.missing(events))
    return portions
