"""Judges the customers of a bundle, and tells what has to be written of them.

Rests on decision 68.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from scoring.events.event import Event
from scoring.ids import DEFAULT_NAMESPACE
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.errors import UnreadableCustomer
from streams.rounds.bundles import Bundle
from streams.rounds.cache import CustomerCache
from streams.rounds.outbox import raise_messages
from streams.rounds.set_aside import SetAside
from streams.rounds.work import Judged, Work
from streams.store.fields.customer_reading import UNREADABLE, culprit_read_late
from streams.store.protocol import CustomerRecord, GroupWrite


class Judge:
    """Judges by one policy."""

    def __init__(
        self,
        policy: Policy,
        cache: CustomerCache,
        wall: Callable[[], int],
        set_aside: SetAside,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        """Put the parts together.

        Args:
            policy: in force.
            cache: holds the customers who are judged.
            wall: reads the wall clock, in microseconds.
            set_aside: gets the customers who cannot be read.
            namespace: of the service.
        """
        self._set_aside = set_aside
        self._policy = policy
        self._cache = cache
        self._wall = wall
        self._namespace = namespace

    def judge(self, work: Work, bundle: Bundle) -> Judged:
        """Judge a bundle.

        Args:
            work: says when.
            bundle: of loaded customers; if judging fails, they are dropped, as they may be half judged.

        Returns:
            What is to be written.
        """
        cache, moment = self._cache, work.moment
        writes: list[GroupWrite] = []
        outcomes: dict[str, Outcome] = {}
        set_aside: dict[str, int] = {}
        try:
            for group, events in bundle.events.items():
                records: dict[str, CustomerRecord] = {}
                for customer, its in events.items():
                    record = cache[customer]
                    if record.unreadable:
                        set_aside[customer] = len(its)
                        continue
                    # One who was deleted while this worker kept the record is nobody until the next event.
                    if its or record.version:
                        outcome = self.advance(moment, customer, record, its)
                        if outcome is None:
                            set_aside[customer] = len(its)
                            continue
                        records[customer], outcomes[customer] = record, outcome
                fences = work.fences.get(group, ()) if group in bundle.sent else ()
                writes.append(GroupWrite(group, fences, moment.least, records, moment.erasures))
        except BaseException:
            cache.drop(bundle.customers)
            raise
        return Judged(bundle, writes, outcomes, set_aside)

    def advance(self, moment: Moment, customer: str, record: CustomerRecord, events: Sequence[Event]) -> Outcome | None:
        """Judge one customer.

        Args:
            moment: as of which to judge.
            customer: the id.
            record: changed in place; gets the messages that come of it.
            events: the customer's.

        Returns:
            What came of it; None if what is stored of the customer cannot be read.
        """
        try:
            outcome = advance(self._policy, record.state, events, moment)
        except UNREADABLE:
            name = culprit_read_late(record.state)
            if not name:
                raise
            record.unreadable = str(UnreadableCustomer(customer, name))
            self._set_aside.note(customer, record.unreadable)
            return None
        if outcome.transitions:
            raise_messages(record, customer, outcome.transitions, self._wall(), self._policy, self._namespace)
        return outcome


def total(outcomes: Iterable[Outcome]) -> Mapping[str, int]:
    """Add up how many events were taken, repeated, too old, ahead, late, or forgotten as there were too many.

    Args:
        outcomes: of the customers.

    Returns:
        By the name that the metrics have for it.
    """
    taken = duplicates = outdated = ahead = late = crowded = 0
    for outcome in outcomes:
        taken += outcome.taken
        duplicates += outcome.duplicates
        outdated += outcome.outdated
        ahead += outcome.ahead
        late += outcome.late
        crowded += outcome.crowded
    return {
        "taken": taken,
        "duplicates": duplicates,
        "outdated": outdated,
        "ahead": ahead,
        "late": late,
        "crowded": crowded,
    }
