"""Where logs end, on every broker: the embedded one lists the first record of the last batch as the last of all.

Rests on decision 72.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.fetch import FetchRequest

_COMMITTED = "read_committed"
_LEAST_BYTES = 1
_WAIT_MS = 100


async def end_offsets(consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """Ask where logs end for a consumer: at its isolation level, so at the first open transaction where that counts.

    The answer to a fetch tells the end, too, and does so rightly everywhere. It is asked for from the listed end on.

    Args:
        consumer: connected.
        partitions: that exist.

    Returns:
        The ends by partition.

    Raises:
        KafkaError: if the brokers do not answer.
    """
    if not partitions:
        return {}
    ends: dict[TopicPartition, int] = await consumer.end_offsets(list(partitions))
    client, committed = consumer._client, consumer._isolation_level == _COMMITTED  # noqa: SLF001 - no public way
    by_leader: dict[int, dict[str, list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
    for tp, end in ends.items():
        by_leader[client.cluster.leader_for_partition(tp)][tp.topic].append((tp.partition, end, _LEAST_BYTES))
    for leader, topics in by_leader.items():
        if leader is None or leader < 0:
            continue
        # Kafka answers this at once, records or not; the embedded broker says nothing to who does not wait.
        fetch = FetchRequest(_WAIT_MS, 0, _LEAST_BYTES, int(committed), list(topics.items()))
        answer = await client.send(leader, fetch)
        for topic, told in answer.topics:
            for number, code, high, *rest in told:
                if not code:
                    tp = TopicPartition(topic, number)
                    ends[tp] = max(ends[tp], rest[0] if committed and rest[0] >= 0 else high)
    return ends
