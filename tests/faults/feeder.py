"""Writes a stream to Kafka at a steady pace, in a thread of its own, and notes what it has written."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from aiokafka import AIOKafkaProducer

from tests.faults.stream import EventStream, StreamRecord
from tests.services.kafka_client import producer

_BEAT = 0.1
#: Of the producer: it waits longer than any fault of a broker in this suite, and soon knows of added partitions.
_OPTIONS = {
    "enable_idempotence": True,
    "request_timeout_ms": 180_000,
    "retry_backoff_ms": 200,
    "metadata_max_age_ms": 2_000,
}


class BadRecord(NamedTuple):
    """A record that has to become a dead letter: its value, and the reason."""

    value: bytes | None
    reason: str


Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


class Feeder(threading.Thread):
    """Feeds until it is told to finish and enough events have been sent.

    All partitions go in step: a slice of the stream is delivered everywhere before the next one is sent. `bad` tells
    where the bad records stand, and `log` has one line for each event, for the brute force.
    """

    def __init__(
        self,
        bootstrap: str,
        stream: EventStream,
        topics: Mapping[str, str],
        partitions: int,
        log: Path,
        *,
        pace: float,
        least: int,
    ) -> None:
        """Prepare.

        Args:
            bootstrap: host:port of a broker.
            stream: what to write.
            topics: by channel.
            partitions: of each topic; `widen` tells of more.
            log: file for the events.
            pace: records a second.
            least: records to write before the end.
        """
        super().__init__(name="feeder", daemon=True)
        self._brokers = bootstrap
        self._stream = stream
        self._topics = dict(topics)
        self._partitions = dict.fromkeys(topics, partitions)
        self.log = log
        self._keyless = 0
        self._least = least
        self._finishing = threading.Event()
        self._abandoned = threading.Event()
        self._going = threading.Event()
        self._going.set()
        self._resting = threading.Event()
        self.pace = pace
        self.sent = 0
        self.bad: dict[Place, BadRecord] = {}
        self.error: BaseException | None = None
        self._inserted: queue.SimpleQueue[tuple[str, int, Sequence[StreamRecord]]] = queue.SimpleQueue()
        self._silent: frozenset[tuple[str, int]] = frozenset()
        self._ahead = 0

    def run(self) -> None:
        """Feed; the thread's own loop."""
        try:
            asyncio.run(self._feed())
        except BaseException as error:  # noqa: BLE001 - the thread that waits for this one tells it
            self.error = error

    def pause(self) -> None:
        """Write nothing until `go_on`; returns when the slice in hand has been written."""
        self._going.clear()
        self._resting.clear()
        while self.is_alive() and not self._resting.wait(0.1):
            pass

    def go_on(self) -> None:
        """Write again."""
        self._going.set()

    def insert(self, channel: str, partition: int, records: Sequence[StreamRecord]) -> None:
        """Write records that are not of the stream, as one batch, between two slices of it."""
        self._inserted.put((channel, partition, records))

    def silence(self, *places: tuple[str, int]) -> None:
        """Leave out what the stream has for some partitions (channel and number), until told otherwise."""
        self._silent = frozenset((self._topics[channel], number) for channel, number in places)

    @property
    def newest(self) -> int:
        """The newest event time that the stream has come to, in microseconds."""
        return self._stream.newest

    def widen(self, channel: str, partitions: int) -> None:
        """Use more partitions of a channel's topic from now on."""
        self._partitions[channel] = partitions

    def finish(self, ahead: int, within: float) -> int:
        """Write what is still owed, and then one last event to every partition; wait for it.

        Args:
            ahead: how far the last events lie after the newest of the stream, in microseconds of event time.
            within: seconds.

        Returns:
            The time of the last events.
        """
        self._ahead = ahead
        self._finishing.set()
        self.go_on()
        self.join(within)
        if self.error is not None:
            raise AssertionError(f"the feeder failed after {self.sent} records: {self.error!r}") from self.error
        assert not self.is_alive(), f"the feeder has not finished, {self.sent} records are written"
        return self._stream.newest + ahead

    def abandon(self) -> None:
        """Write no more, whatever is still owed."""
        self._abandoned.set()
        self.go_on()
        if self.is_alive():
            self.join(30)

    async def _feed(self) -> None:
        records = iter(self._stream)
        loop = asyncio.get_running_loop()
        client = producer(self._brokers, **_OPTIONS)
        async with client:
            with self.log.open("w") as log:
                while not (self._finishing.is_set() and self.sent >= self._least):
                    if self._abandoned.is_set():
                        return
                    begun = loop.time()
                    while not self._inserted.empty():
                        channel, partition, inserted = self._inserted.get()
                        await self._deliver(client, {(self._topics[channel], partition): inserted}, log)
                    if self._going.is_set():
                        await self._send(client, islice(records, max(int(self.pace * _BEAT), 1)), log)
                    else:
                        self._resting.set()
                    await asyncio.sleep(max(_BEAT - (loop.time() - begun), 0))
                await self._send_last(client, log)

    async def _send(self, client: AIOKafkaProducer, records: Iterable[StreamRecord], log: TextIO) -> None:
        slices: dict[tuple[str, int], list[StreamRecord]] = defaultdict(list)
        for record in records:
            place = self._place(record)
            if place not in self._silent:
                slices[place].append(record)
        await self._deliver(client, slices, log)

    async def _send_last(self, client: AIOKafkaProducer, log: TextIO) -> None:
        slices = {
            (topic, partition): [self._stream.last_event(channel, partition, self._stream.newest + self._ahead)]
            for channel, topic in self._topics.items()
            for partition in range(self._partitions[channel])
        }
        await self._deliver(client, slices, log)

    async def _deliver(
        self, client: AIOKafkaProducer, slices: Mapping[tuple[str, int], Sequence[StreamRecord]], log: TextIO
    ) -> None:
        """Write the records of each partition as one batch, and wait until the brokers have all of them."""
        written = {place: self._stream.together(records) for place, records in slices.items()}
        deliveries = []
        for (topic, partition), records in written.items():
            batch = client.create_batch()
            for record in records:
                added = batch.append(timestamp=int(time.time() * 1000), key=record.key, value=record.value)
                assert added is not None, "the batch is full"
            deliveries.append(await client.send_batch(batch, topic, partition=partition))
        for ((topic, partition), records), delivery in zip(written.items(), deliveries, strict=True):
            first = (await delivery).offset
            for offset, record in enumerate(records, first):
                log.writelines(json.dumps(event) + "\n" for event in record.events)
                if record.reason:
                    self.bad[topic, partition, offset] = BadRecord(record.value, record.reason)
        self.sent += sum(map(len, slices.values()))

    def _place(self, record: StreamRecord) -> tuple[str, int]:
        partitions = self._partitions[record.channel]
        if record.key is None:
            self._keyless += 1
            number = self._keyless % partitions
        else:
            number = zlib.crc32(record.key) % partitions
        return self._topics[record.channel], number
