"""The sweep: brings all customers to follow a new policy, a bounded number each second.

Rests on decisions 46 and 124.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from scoring.events.event import Event
from scoring.instants import SECOND
from streams.policies.in_force import PolicyInForce
from streams.rounds.engine import Engine
from streams.rounds.pipeline import Pipeline
from streams.rounds.work import Work
from streams.store.policies import SweepPlace

#: Customers looked at in one go, so that the live stream does not wait long; and goes in one turn, where most follow
#: already.
_AT_ONCE = 500
_MOST_GOES = 20


class PolicySweep:
    """One worker at a time goes through all customers, once for each change of the policy.

    How far it has come stands in the store, so that another worker goes on when this one ends. A customer who has
    followed by an event or by time is passed over.
    """

    def __init__(self, engine: Engine, pipeline: Pipeline, policies: PolicyInForce) -> None:
        """Put the parts together.

        Args:
            engine: judges and stores.
            pipeline: its lock keeps rounds and this apart.
            policies: tell what is to be followed.
        """
        self._store = engine.store
        self._scorer = engine.scorer
        self._moments = engine.moments
        self._wall = engine.clock.wall
        self._metrics = engine.metrics
        # Customers a second, at most.
        self._rate = engine.settings.policy_rate
        self._pipeline = pipeline
        self._policies = policies
        self._worker = secrets.token_urlsafe(6)
        self._done = 0
        # Customers that may be judged by now; below 0 after a large page.
        self._allowed = 0.0
        self._counted_at = 0

    @property
    def done(self) -> bool:
        """Whether all customers follow the policy in force."""
        return self._done == self._policies.number

    async def turn(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Go on for as long as the rate allows.

        Args:
            meanwhile: called between two goes.

        Raises:
            TransientError: if the store or Kafka does not answer; the next turn goes on.
            FenceMoved: if another policy has been put in force, or the store has forgotten something.
        """
        number = self._policies.number
        if self._done == number:
            return
        mine, place = await self._store.policies.sweep(self._worker)
        if place.number == number and place.done:
            self._done = number
            self._metrics.policy_behind.set(0)
            return
        if mine:
            self._allow()
            place = await self._begin(place, number)
            for _ in range(_MOST_GOES):
                if self._allowed <= 0 or place.done or (after := await self._go(place)) is None:
                    break
                place = after
                await meanwhile()
        if place.number == number:
            self._metrics.policy_behind.set(0 if place.done else max(place.total - place.passed, 0))

    def _allow(self) -> None:
        """Allow as many customers as the time since the last turn is good for, up to those of a second."""
        now = self._wall()
        passed = min(max(now - self._counted_at, 0), SECOND) if self._counted_at else SECOND
        self._counted_at = now
        self._allowed = min(self._allowed + self._rate * passed / SECOND, float(self._rate))

    async def _begin(self, place: SweepPlace, number: int) -> SweepPlace:
        """Begin anew where there is another policy, or another server, in which a cursor means nothing."""
        server = await self._store.policies.server()
        if (place.number, place.server) == (number, server):
            return place
        total = sum((await self._store.band_counts()).values())
        return SweepPlace(number, server, total=total)

    async def _go(self, place: SweepPlace) -> SweepPlace | None:
        """Take one page; returns the place after it, None where this worker cannot go on."""
        policies = self._store.policies
        customers, cursor = await policies.page(place.cursor, min(_AT_ONCE, self._rate))
        policy = self._policies.policy
        wanted = (policy.version, policy.shadow.version if policy.shadow is not None else "")
        found = zip(customers, await policies.versions(customers), strict=True)
        behind = [customer for customer, versions in found if versions[0] and versions != wanted]
        if behind and not await self._judge(behind):
            return None
        self._allowed -= len(behind)
        after = place._replace(cursor=cursor, passed=place.passed + len(customers), done=int(not cursor))
        return after if await policies.swept(self._worker, after) else None

    async def _judge(self, customers: Sequence[str]) -> bool:
        groups: dict[int, dict[str, Sequence[Event]]] = defaultdict(dict)
        for customer in customers:
            groups[self._store.group_of(customer)][customer] = ()
        async with self._pipeline.lock:
            moment = self._moments.moment()
            if not moment.now:
                return False
            await self._scorer.apply_in_passing(Work(groups, {}, moment))
        self._metrics.evaluations.labels("policy").inc(len(customers))
        return True
