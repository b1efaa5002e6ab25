"""A month of a live service, judged in the order of its time by the product's own scorer and store.

It is not sent through Kafka: a backlog is read in another order than it came, so events would be put aside in the
hashes and ids of the whole month be remembered at once, and Redis would hold more than it does in a live service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import orjson

from scoring.events.event import Event, EventReader
from scoring.instants import SECOND
from scoring.judging.moment import Moment
from streams.metrics import Metrics
from streams.policy_file.document import builtin_policy
from streams.records import DeadLetter, Message
from streams.rounds.scorer import Scorer
from streams.rounds.work import Work
from streams.settings.settings import Settings
from streams.store.redis.store import RedisStore
from tests.benchmarks.activity import ACTIVE_DAYS, DAYS, TYPES_A_DAY, activity

#: Rounds a day: so many that a customer's events of one day come by in several.
_ROUNDS_A_DAY = 24


class _Published:
    """A publisher that takes everything: what is published does not stay in Redis."""

    async def publish(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Take messages."""

    async def publish_dead_letters(self, letters: Iterable[DeadLetter]) -> None:
        """Take dead letters."""


async def live_through(url: str, namespace: str, customers: int, until: float) -> None:
    """Apply the activity of a month.

    Args:
        url: of Redis.
        namespace: of the keys.
        customers: how many.
        until: the midnight at which the month ends, Unix seconds.
    """
    policy, publisher = builtin_policy(), _Published()
    readers = {channel.name: EventReader(channel) for channel in policy.channels}
    latest = int(until) * SECOND
    store = RedisStore(Settings(policy, redis_url=url, namespace=namespace))
    await store.open()
    # What the publisher of the service has besides, a scorer does not use.
    as_publisher: Any = publisher
    scorer = Scorer(policy, store, as_publisher, Metrics(), lambda: latest)
    size = max(customers * ACTIVE_DAYS * TYPES_A_DAY // (DAYS * _ROUNDS_A_DAY), 1)
    waiting: list[tuple[str, Event]] = []
    for number, (channel, _key, value) in enumerate(activity(customers, until), 1):
        waiting.append(readers[channel].read(orjson.loads(value), latest))
        if number % size == 0:
            await scorer.apply(_round(store, waiting))
            waiting.clear()
        if number % (size * _ROUNDS_A_DAY * 5) == 0:
            print(f"  day {number // (size * _ROUNDS_A_DAY)} of {DAYS}", flush=True)
    if waiting:
        await scorer.apply(_round(store, waiting))
    await store.close()


def _round(store: RedisStore, waiting: list[tuple[str, Event]]) -> Work:
    """Make work of events; it is judged at the time of the newest."""
    groups: dict[int, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for customer, event in waiting:
        groups[store.group_of(customer)][customer].append(event)
    now = waiting[-1][1].time
    return Work(groups, {}, Moment(now))
