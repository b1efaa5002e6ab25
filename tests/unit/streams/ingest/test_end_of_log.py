"""When a partition counts as read to its end: nothing left to fetch, and nothing on the way to the pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from streams.ingest.transport import RecordBatchConsumer

A, B = TP("clickstream", 0), TP("email", 0)
END = 10


class Positions:
    """Stands for the consumer's thread: the positions move as soon as records are fetched."""

    made_anew = None

    def __init__(self) -> None:
        """Start at the beginning of two logs of 10 records."""
        self.now = {A: 0, B: 0}

    def positions(self) -> dict[TP, int]:
        """Return the positions."""
        return dict(self.now)

    def at_end(self, tp: TP, position: int) -> bool:
        """Return whether a position holds, and is the end."""
        return self.now[tp] == position == END


class LooseConsumer(RecordBatchConsumer):
    """The consumer without its app, its thread and a broker."""

    should_stop = False

    def __init__(self) -> None:
        """Begin with nothing fetched."""
        self.app: Any = SimpleNamespace(consumer_generation_id=1, stopped_consuming=False)
        self.flow_active = True
        self._thread: Any = Positions()
        self._buffered_partitions = {A, B}
        self._next, self._wanted, self._positions = {}, {}, {}
        self._acked, self._committed_offset = {}, {}
        self._arriving = set()
        self._placed = True


@pytest.fixture
def consumer() -> LooseConsumer:
    """Give a consumer that has fetched nothing."""
    return LooseConsumer()


def fetch(consumer: LooseConsumer, *partitions: TP) -> AsyncIterator[Any]:
    """Fetch all that is left of some partitions."""

    async def fetched(_timeout: float) -> tuple[dict[TP, list[Any]], None]:
        records = {
            tp: [SimpleNamespace(offset=offset, timestamp=0, timestamp_type=0) for offset in range(END)]
            for tp in partitions
        }
        consumer._thread.now |= dict.fromkeys(partitions, END)
        return records, None

    consumer._wait_next_records = fetched  # type: ignore[method-assign, assignment]
    return consumer.getmany(1.0)


async def test_a_partition_is_at_its_end_once_its_records_have_been_handed_on(consumer: LooseConsumer) -> None:
    coming = fetch(consumer, A, B)
    assert (await anext(coming))[0] == A
    assert (consumer.end_of_log(A), consumer.end_of_log(B)) == (END, None)
    assert (await anext(coming))[0] == B
    assert (consumer.end_of_log(A), consumer.end_of_log(B)) == (END, END)


async def test_a_fetch_that_has_not_come_back_is_not_the_end(consumer: LooseConsumer) -> None:
    async for _ in fetch(consumer, A):
        pass
    consumer._thread.now[B] = END
    assert (consumer.end_of_log(A), consumer.end_of_log(B)) == (END, None)
    async for _ in fetch(consumer):
        pass
    # Nothing but the marks of transactions: the position has moved, and there is nothing to apply.
    assert consumer.end_of_log(B) == END


async def test_a_consumer_that_is_not_where_it_has_to_be_is_not_at_the_end(consumer: LooseConsumer) -> None:
    async for _ in fetch(consumer, A):
        pass
    await consumer.seek_batches({A: 3})
    assert consumer.end_of_log(A) is None


async def test_what_is_fetched_at_a_committed_offset_is_not_taken_for_what_comes_next(
    consumer: LooseConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def of_faust(*_: Any) -> None:
        """Do nothing."""

    async def whole_log(*_: Any) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys((A, B), (-END, END))

    monkeypatch.setattr(Consumer, "on_partitions_revoked", of_faust)
    consumer.app.assigning, consumer._thread.log_ranges = SimpleNamespace(until_done=whole_log), whole_log
    # Of what is missing before the first record, compaction may have left nothing; or the fetch has begun there.
    consumer._next = {A: -5, B: -5}
    await consumer.on_partitions_revoked({A})
    bases = {tp: message.value.base async for tp, message in fetch(consumer, A, B)}
    assert bases == {A: 0, B: -5}
