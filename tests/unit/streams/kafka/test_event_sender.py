"""Where records go: the partition is that of Kafka's ordinary producers."""

import random

import pytest
from aiokafka.partitioner import DefaultPartitioner

from streams.kafka.event_sender import ROUND, EventSender, key_hash
from streams.settings.settings import read_settings

# From the tests of Kafka's own Utils.murmur2.
KAFKA_HASHES = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


class Batch:
    """Stands for a batch of aiokafka's, with room for three records."""

    def __init__(self) -> None:
        """Begin empty."""
        self.records: list[tuple[bytes | None, bytes]] = []

    def append(self, *, key: bytes | None, value: bytes, timestamp: int | None) -> object:
        """Take a record; None when full."""
        assert timestamp is None, "the topic keeps records by when they were sent, not by when the event happened"
        if len(self.records) == 3:
            return None
        self.records.append((key, value))
        return self


class Batches:
    """Stands for a producer."""

    def create_batch(self) -> Batch:
        """Make one."""
        return Batch()


def sender(**partitions: int) -> EventSender:
    made = EventSender(read_settings({"ENGAGEMENT_KAFKA_BROKERS": "nowhere:1"}))
    made._partitions = partitions
    made._producer = Batches()
    return made


@pytest.mark.parametrize("key", KAFKA_HASHES)
def test_a_key_is_hashed_as_kafka_does(key: bytes) -> None:
    assert key_hash(key) == KAFKA_HASHES[key] & 0x7FFFFFFF


def test_keys_land_where_the_default_partitioner_puts_them() -> None:
    partitioner, partitions = DefaultPartitioner(), list(range(12))
    prepared = sender(email=12)
    keys = [random.Random(1).randbytes(length) for length in range(1, 60)]
    for key in keys:
        prepared.add("email", key, b"value")
    found = {
        key: partition
        for (_, partition), batches in prepared._filling.items()
        for batch in batches
        for key, _ in batch.records
    }
    assert found == {key: partitioner(key, partitions, partitions) for key in keys}


def test_records_of_a_partition_keep_their_order_over_full_batches() -> None:
    prepared = sender(email=1)
    for number in range(10):
        prepared.add("email", b"ada", b"%d" % number)
    batches = prepared._filling["email", 0]
    assert [len(batch.records) for batch in batches] == [3, 3, 3, 1]
    assert [value for batch in batches for _, value in batch.records] == [b"%d" % number for number in range(10)]


def test_records_without_a_key_take_turns() -> None:
    prepared = sender(email=4)
    for _ in range(8):
        prepared.add("email", b"", b"value")
    assert {
        partition: len(batches[0].records) for (_, partition), batches in prepared._filling.items()
    } == dict.fromkeys(range(4), 2)
    assert all(key is None for batches in prepared._filling.values() for key, _ in batches[0].records)


def test_a_round_is_full_before_a_partition_can_run_ahead() -> None:
    prepared = sender(email=12)
    full = [prepared.add("email", b"ada", b"value") for _ in range(ROUND)]
    assert full.index(True) == ROUND - 1
