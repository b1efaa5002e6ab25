"""Applies links: an id becomes one of a customer, whose history is joined by that of the id.

Rests on decision 50.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scoring.events.links import CLOSES_CIRCLE, LINKED_OTHERWISE, Link
from scoring.ids import DEFAULT_NAMESPACE
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.policy.policy import Policy
from streams.erasures.knowledge import NO_ERASURES, ErasureKnowledge
from streams.errors import FenceMoved, UnreadableCustomer, VersionMoved
from streams.metrics import Metrics
from streams.records import DeadLetter, SentLink
from streams.rounds.outbox import raise_messages
from streams.rounds.scorer import Scorer
from streams.store.fields.customer_reading import UNREADABLE, culprit_read_late
from streams.store.protocol import CustomerRecord, GroupWrite, LinkWrite, Store


class Linker:
    """Applies links one after the other; one that has been applied before changes nothing."""

    def __init__(
        self,
        policy: Policy,
        store: Store,
        scorer: Scorer,
        metrics: Metrics,
        wall: Callable[[], int],
        namespace: str = DEFAULT_NAMESPACE,
        erasures: ErasureKnowledge = NO_ERASURES,
    ) -> None:
        """Put the parts together.

        Args:
            policy: in force.
            store: where customers are.
            scorer: keeps customers, who are loaded again afterwards, and publishes what is raised.
            metrics: counters.
            wall: reads the wall clock, in microseconds.
            namespace: of the service.
            erasures: whose links are to be left out.
        """
        self._policy = policy
        self._erasures = erasures
        self._namespace = namespace
        self._store = store
        self._scorer = scorer
        outcomes = _OUTCOMES if policy.identities else ()
        self._linked = {outcome: metrics.links.labels(outcome) for outcome in outcomes}
        self._wall = wall

    def follow(self, policy: Policy) -> None:
        """Judge by another policy.

        Args:
            policy: in force from now on.
        """
        self._policy = policy

    async def apply(self, links: Sequence[SentLink], moment: Moment) -> list[DeadLetter]:
        """Apply links in their order, but for those that have no effect any more.

        Args:
            links: some or all of which may have been applied before.
            moment: as of which to judge. It is made first: what is erased since then makes the store refuse the link.

        Returns:
            The records of those that cannot be, as of what has been linked before.

        Raises:
            FenceMoved: if the store is not where this worker left it.
            TransientError: if the store or Kafka does not answer; the same links can be applied again.
        """
        links = [each for each in links if not self._is_erased(each)]
        await self._erasures.carry_out([name for sent in links for name in sent.link])
        await self._scorer.outbox.settle()
        refused = []
        for sent in links:
            reason = await self._apply(sent.link, moment)
            if reason:
                refused.append(DeadLetter(sent.record, reason, _DETAILS[reason], sent.partition))
        await self._scorer.outbox.publish()
        return refused

    def _is_erased(self, sent: SentLink) -> bool:
        """Return whether a link has no effect any more, as one of the two has been erased since it was sent."""
        # A link has no time: only where it stands tells whether it was sent before.
        return any(self._erasures.stands_after(sent.partition, sent.record.offset, name) for name in sent.link)

    async def _apply(self, link: Link, moment: Moment) -> str:
        """Apply one link, as often as others write its customers meanwhile; returns why it is refused, or ''."""
        while True:
            record, customer, customers_record, followed = await self._load(link)
            for name, one in ((link.id, record), (customer, customers_record)):
                if one.unreadable:
                    self._scorer.set_aside.note(name, one.unreadable)
                    self._linked["set_aside"].inc()
                    return ""
            if record.stands_for:
                same = record.stands_for == customer
                self._linked["repeated" if same else "refused"].inc()
                return "" if same else LINKED_OTHERWISE
            if customer == link.id:
                self._linked["refused"].inc()
                return CLOSES_CIRCLE
            try:
                write = self._judge(link.id, record, customer, customers_record, moment)
            except UNREADABLE:
                if not self._read_late(link.id, record) and not self._read_late(customer, customers_record):
                    raise
                self._linked["set_aside"].inc()
                return ""
            write.followed = followed
            if await self._write(write):
                self._linked["linked"].inc()
                return ""

    def _read_late(self, name: str, record: CustomerRecord) -> bool:
        """Set a customer aside of whom something cannot be read; False if all can."""
        field = culprit_read_late(record.state)
        if field:
            self._scorer.set_aside.note(name, str(UnreadableCustomer(name, field)))
        return bool(field)

    async def _load(self, link: Link) -> tuple[CustomerRecord, str, CustomerRecord, dict[str, str]]:
        """Load the id, and whom the customer's id stands for; with the versions of the latter and of what it is."""
        record, found = await self._store.load([link.id, link.customer])
        customer, followed = link.customer, {link.customer: found.version}
        while found.stands_for:
            customer = found.stands_for
            [found] = await self._store.load([customer])
            followed[customer] = found.version
        return record, customer, found, followed

    def _judge(
        self, name: str, record: CustomerRecord, customer: str, into: CustomerRecord, moment: Moment
    ) -> LinkWrite:
        write = LinkWrite(name, record.version, customer, least=moment.least, erasures=moment.erasures)
        if record.version:
            sides = (customer, into.state), (name, record.state)
            raised = merge(self._policy, *sides, moment, self._namespace)
            for whose, transitions in ((name, raised.linked), (customer, raised.own)):
                raise_messages(into, whose, transitions, self._wall(), self._policy, self._namespace)
            write.record = into
        return write

    async def _write(self, write: LinkWrite) -> bool:
        """Write; False if somebody else has written one of the two meanwhile."""
        customers = {write.customer: write.record} if write.record is not None else {}
        raising = GroupWrite(self._store.group_of(write.customer), customers=customers)
        answered = False
        try:
            refusal = await self._store.link(write, self._wall())
            answered = True
        finally:
            self._scorer.drop([write.id, write.customer])
            if not answered:
                self._scorer.outbox.doubt(raising)
        if isinstance(refusal, VersionMoved):
            return False
        if isinstance(refusal, FenceMoved):
            raise refusal
        self._scorer.outbox.take(raising)
        return True


_OUTCOMES = ("linked", "repeated", "refused", "set_aside")
_DETAILS = {
    LINKED_OTHERWISE: "the id stands for another customer; the first link of an id holds",
    CLOSES_CIRCLE: "the customer's id stands for this id already",
}
