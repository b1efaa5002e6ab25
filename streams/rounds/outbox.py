"""The messages that are stored and have to be published: alerts and band changes.

Rests on decisions 33 and 123.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from scoring.customer.signals import Signal
from scoring.judging.alerts import Alert, BandChange, Transition, message
from scoring.policy.policy import Policy
from scoring.policy.shadow import SHADOW
from streams.kafka.publisher import Publisher
from streams.metrics import Metrics
from streams.records import Message
from streams.store.protocol import CustomerRecord, GroupWrite, Store
from streams.topic_names import ALERTS, BAND_CHANGES, SHADOW_ALERTS, SHADOW_SIGNALS, SHADOW_TOPICS, SIGNALS

_TOPICS = {Alert: ALERTS, BandChange: BAND_CHANGES, Signal: SIGNALS}
_OF_SHADOW = {Alert: SHADOW_ALERTS, Signal: SHADOW_SIGNALS}


def raise_messages(
    record: CustomerRecord,
    customer: str,
    transitions: Iterable[Transition],
    detected_at: int,
    policy: Policy,
    namespace: str,
) -> None:
    """Add the messages of transitions to those that the next write of a customer stores.

    Args:
        record: of the customer; changed in place.
        customer: the id.
        transitions: in the order of their time.
        detected_at: the wall clock, in microseconds.
        policy: in force, which has judged.
        namespace: of the service.
    """
    raised = []
    for transition in transitions:
        topic, judged_by = _TOPICS[type(transition)], policy
        if policy.shadow is not None and not isinstance(transition, BandChange) and transition.score_name == SHADOW:
            topic, judged_by = _OF_SHADOW[type(transition)], policy.shadow
        raised.append(Message(topic, message(customer, transition, detected_at, judged_by.version, namespace)))
    record.raised = [*record.raised, *raised]


class Outbox:
    """Publishes what has been stored, and tells the store so; what could not be published stays noted."""

    def __init__(self, store: Store, publisher: Publisher, metrics: Metrics) -> None:
        """Put the parts together.

        Args:
            store: where messages wait.
            publisher: of the messages.
            metrics: counters.
        """
        self._store = store
        self._publisher = publisher
        self._metrics = metrics
        # Stored and not known to be published, by group, customer and name; and, by group and customer, the names of
        # those whose write may have been stored although its answer was lost.
        self._unpublished: dict[tuple[int, str, str], Message] = {}
        self._doubtful: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        # Messages of a customer keep their order: what is stored later goes out later.
        self._publishing = asyncio.Lock()

    async def settle(self) -> None:
        """Publish what an earlier attempt stored and could not publish.

        Raises:
            TransientError: if Kafka or the store does not answer.
        """
        await self.resolve()
        await self.publish()

    async def resolve(self) -> None:
        """Find out which messages have been stored by writes whose answer was lost, and take them.

        Raises:
            TransientError: if the store does not answer.
        """
        for group in list(self._doubtful):
            self.add(group, await self._store.waiting(group, self._doubtful[group]))
            del self._doubtful[group]

    def doubt(self, write: GroupWrite) -> None:
        """Note that it is not known whether a write has been stored.

        Args:
            write: whose answer was lost.
        """
        for customer, record in write.with_messages():
            self._doubtful[write.group][customer] += [raised.name for raised in record.raised]

    def take(self, write: GroupWrite) -> None:
        """Take the messages of a write that has been stored.

        Args:
            write: its records have none afterwards.
        """
        for customer, record in write.with_messages():
            self.add(write.group, [(customer, raised) for raised in record.raised])
            record.raised = ()

    def add(self, group: int, waiting: Iterable[tuple[str, Message]]) -> None:
        """Take messages that are stored.

        Args:
            group: of the customers.
            waiting: the messages, each with its customer.
        """
        self._unpublished |= {(group, customer, raised.name): raised for customer, raised in waiting}

    async def publish(self) -> None:
        """Publish what is stored and not published; it stays noted until the store knows that it is out.

        Raises:
            TransientError: if Kafka or the store does not answer; the messages stay in the outbox.
        """
        async with self._publishing:
            # What is added meanwhile is for the next time.
            going = dict(self._unpublished)
            if not going:
                return
            # What was raised of an id that has been linked since waits with the customer.
            await self._publisher.publish([(waiting.body["customer_id"], waiting) for waiting in going.values()])
            names: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
            for group, customer, name in going:
                names[group][customer].append(name)
            await self._store.published(names)
            for place, sent in going.items():
                kind = "shadow" if sent.topic in SHADOW_TOPICS else sent.body.get("kind", "band_change")
                self._metrics.transitions.labels(kind).inc()
                del self._unpublished[place]
