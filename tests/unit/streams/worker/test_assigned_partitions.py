"""What the partitions of a worker say of themselves: which are read to their end, and which cannot be read."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.ingest.consumer_thread import RecordBatchConsumerThread
from streams.ingest.transport import RecordBatchConsumer
from streams.records import Partition
from streams.worker.assigned_partitions import AssignedPartitions

WEB, END = TP("web", 0), 10
NONE = {Partition(*WEB): None}


class Consumer(RecordBatchConsumer):
    """A consumer of one partition that has been read to its end, by the last answer of so many seconds ago."""

    def __init__(self, answered: float, stable: int = END) -> None:
        """Begin at the end."""
        thread = RecordBatchConsumerThread.__new__(RecordBatchConsumerThread)
        state = SimpleNamespace(
            has_valid_position=True, position=END, lso=stable, highwater=END, timestamp=(time.time() - answered) * 1000
        )
        thread._states = lambda: {WEB: state}  # type: ignore[method-assign]
        self._thread: Any = thread
        self.app: Any = SimpleNamespace(stopped_consuming=False)
        self._positions, self._next, self._wanted, self._arriving, self._placed = {WEB: END}, {}, {}, set(), True

    def assignment(self) -> set[TP]:
        """Return the partition."""
        return {WEB}


def told(consumer: Consumer) -> tuple[bool, dict[Partition, int | None]]:
    """Ask whether the partition is read to its end, and what keeps from reading it."""
    app: Any = SimpleNamespace(consumer=consumer, rebalancing=False)
    partitions = AssignedPartitions(app, Any, Any)  # type: ignore[arg-type]
    applied: Any = SimpleNamespace(has_applied=lambda _partition, _offset: True)
    return partitions.caught_up(applied)[Partition(*WEB)], partitions.held(applied)


@pytest.mark.parametrize(
    ("answered", "held"), [(0.5, {}), (60, {Partition(*WEB): None}), (-60, {Partition(*WEB): None})]
)
def test_where_kafka_has_not_answered_for_long_there_may_be_more(answered: float, held: dict[Partition, None]) -> None:
    assert told(Consumer(answered)) == (not held, held)


def test_an_open_transaction_is_told_with_its_offset() -> None:
    assert told(Consumer(0.5, stable=END - 1)) == (False, {Partition(*WEB): END - 1})
