"""A steady flow of events, and what each customer should have of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

from streams.kafka.producers import start_producer
from streams.settings.settings import read_settings
from tests.polling import poll_until
from tests.services.kafka_client import append_batches, send_batches
from tests.services.log_reader import read_customers
from tests.services.system import System, event, event_record

_CUSTOMERS = 200
_PER_BATCH = 50


class Flow:
    """Events of 200 customers that keep coming until they are stopped: one point each, by the policy `COUNTING`.

    They have no ids, so that each application of one shows in the score.
    """

    def __init__(self, system: System, partitions: int = 4, pause: float = 0.05) -> None:
        """Prepare.

        Args:
            system: whose topic `clickstream` is written to.
            partitions: of the topic.
            pause: seconds between two batches.
        """
        self._system = system
        self._partitions = partitions
        self._pause = pause
        self._dice = random.Random(6)
        self._at = time.time() - 3600
        self._counts: Counter[str] = Counter()
        self._stopping = False

    @property
    def written(self) -> int:
        """How many events have been written, and their delivery confirmed."""
        return sum(self._counts.values())

    @property
    def counts(self) -> Counter[str]:
        """How many events of each customer have been written."""
        return self._counts

    async def run(self) -> None:
        """Write until stopped."""
        topic = self._system.topic("clickstream")
        # Idempotent where the broker can: the embedded one has no producer ids.
        client = await start_producer(read_settings(self._system.environment), request_timeout_ms=30_000)
        try:
            while not self._stopping:
                customers = [self._system.customer(f"c{self._dice.randrange(_CUSTOMERS)}") for _ in range(_PER_BATCH)]
                records = [event_record(event(customer, "page_view", self._at)) for customer in customers]
                await append_batches(client, topic, [(self._dice.randrange(self._partitions), records)])
                self._counts.update(customers)
                await asyncio.sleep(self._pause)
        finally:
            await client.stop()

    async def write_backlog(self, events: int, per_batch: int = 1_000) -> None:
        """Write that many events at once, in batches for the partitions in turn."""
        customers = [self._system.customer(f"c{number}") for number in range(_CUSTOMERS)]
        records = {customer: event_record(event(customer, "page_view", self._at)) for customer in customers}
        batches = []
        for number in range(events // per_batch):
            chosen = self._dice.choices(customers, k=per_batch)
            self._counts.update(chosen)
            batches.append((number % self._partitions, [records[customer] for customer in chosen]))
        await send_batches(self._system.kafka, self._system.topic("clickstream"), batches)

    def stop(self) -> None:
        """Write no more than the batch in hand."""
        self._stopping = True

    async def go_on(self, events: int, within: float = 60.0) -> None:
        """Wait until so many more events have been written."""
        until = self.written + events
        await poll_until(lambda: self.written >= until, within)

    def wrong(self) -> dict[str, int]:
        """Return by how many points customers differ from what was written."""
        found = read_customers(self._system.redis_url, self._system.namespace)
        points = {customer: int(fields["score"]) for customer, fields in found.items()}
        return {
            customer: points.get(customer, 0) - self._counts[customer]
            for customer in points.keys() | self._counts.keys()
            if customer.rpartition("/")[2].startswith("c") and points.get(customer, 0) != self._counts[customer]
        }

    async def wait_until_exact(self, within: float = 30.0) -> None:
        """Wait until every customer has what was written."""
        try:
            await poll_until(lambda: not self.wrong(), within)
        except AssertionError:
            raise AssertionError(f"written {self.written}, but wrong are {self.wrong()}") from None
