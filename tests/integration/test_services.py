"""The brokers and Redis servers of the tests do what the product builds on."""

from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.embedded.kafka_metadata import fetch_metadata
from streams.embedded.ports import LOOPBACK
from tests.polling import poll_until, wait_until
from tests.services.kafka import KafkaBroker, KafkaCluster
from tests.services.redis import local_redis

# The embedded broker answers a join after half of it.
SESSION_TIMEOUT_MS = 6_000
PERSISTENT = {"appendonly": "yes", "appendfsync": "always"}
LIBRARY = """#!lua name={name}
redis.register_function('{name}_add', function(keys, arguments)
  return redis.call('HINCRBY', keys[1], 'points', arguments[1])
end)
"""


@pytest.fixture(params=["kafka_bootstrap", "embedded_kafka_bootstrap"])
def bootstrap(request: pytest.FixtureRequest) -> str:
    """Give the address of each broker in turn."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(params=["redis_url", "embedded_redis_url"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[redis.asyncio.Redis]:
    """Give a client of each Redis server in turn."""
    async with redis.asyncio.Redis.from_url(request.getfixturevalue(request.param), decode_responses=True) as connected:
        yield connected


async def create_topic(bootstrap: str, topic: str, *, replicas: int = 1) -> None:
    """Create a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        response = await admin.create_topics([NewTopic(topic, 1, replicas)])
        assert [error for _, error, *_ in response.topic_errors] == [0]
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    """Write values to the first partition of a topic."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def consume(bootstrap: str, topic: str, group: str | None, count: int) -> list[bytes]:
    """Read that many values of a topic, as one who joins a group, and commit if there is one."""
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=1_000,
    ) as consumer:
        values: list[bytes] = []

        async def enough() -> bool:
            batches = await consumer.getmany(timeout_ms=200)
            values.extend(record.value for records in batches.values() for record in records)
            return len(values) >= count

        await poll_until(enough, timeout=30)
        if group:
            await consumer.commit()
        return values


async def test_a_broker_returns_what_was_written_in_order(bootstrap: str, namespace: str) -> None:
    await create_topic(bootstrap, namespace)
    await produce(bootstrap, namespace, b"one", b"two", b"three")
    assert await consume(bootstrap, namespace, None, 3) == [b"one", b"two", b"three"]


async def test_a_broker_remembers_how_far_a_group_has_read(bootstrap: str, namespace: str) -> None:
    await create_topic(bootstrap, namespace)
    await produce(bootstrap, namespace, b"read")
    assert await consume(bootstrap, namespace, namespace, 1) == [b"read"]
    await produce(bootstrap, namespace, b"unread")
    assert await consume(bootstrap, namespace, namespace, 1) == [b"unread"]


async def test_redis_runs_functions(client: redis.asyncio.Redis, namespace: str) -> None:
    name = namespace.replace("-", "_")
    assert await client.function_load(LIBRARY.format(name=name)) == name
    try:
        assert await client.fcall(f"{name}_add", 1, namespace, "3") == 3
        assert await client.fcall(f"{name}_add", 1, namespace, "4") == 7
        assert await client.hgetall(namespace) == {"points": "7"}
    finally:
        await client.function_delete(name)
        await client.delete(namespace)


async def test_redis_never_evicts(client: redis.asyncio.Redis) -> None:
    assert (await client.info("memory"))["maxmemory_policy"] == "noeviction"


@pytest.mark.parametrize(("config", "expected"), [({}, None), (PERSISTENT, b"kept")], ids=["memory", "append-only"])
def test_a_killed_redis_comes_back_on_its_port_with_what_it_kept(
    config: dict[str, str], expected: bytes | None
) -> None:
    with local_redis(config) as server:
        before = server.url, server.pid
        with redis.Redis.from_url(server.url) as client:
            client.set("key", "kept")
        server.kill()
        assert not server.running
        server.start()
        assert (server.url, server.pid) != before
        assert server.url == before[0]
        with redis.Redis.from_url(server.url) as client:
            assert client.get("key") == expected


@pytest.mark.usefixtures("kafka_here")
@pytest.mark.parametrize("end", [KafkaBroker.stop, KafkaBroker.kill], ids=["stopped", "killed"])
async def test_a_broker_comes_back_on_its_port_with_its_records(end: object, namespace: str) -> None:
    assert callable(end)
    with KafkaBroker({"auto.create.topics.enable": "true", "num.partitions": "7"}) as broker:
        address = broker.bootstrap
        await produce(address, namespace, b"before")
        end(broker)
        assert not broker.running
        broker.start()
        assert broker.bootstrap == address
        await produce(address, namespace, b"after")
        assert await consume(address, namespace, None, 2) == [b"before", b"after"]
        async with AIOKafkaConsumer(namespace, bootstrap_servers=address) as consumer:
            assert len(consumer.partitions_for_topic(namespace) or ()) == 7


@pytest.mark.usefixtures("kafka_here")
async def test_a_cluster_goes_on_without_one_of_its_brokers(namespace: str) -> None:
    with KafkaCluster(3) as cluster:
        await create_topic(cluster.bootstrap, namespace, replicas=3)
        await produce(cluster.bootstrap, namespace, b"before")
        lost, *left = cluster.brokers
        lost.kill()
        survivors = {broker.port for broker in left}
        wait_until(lambda: fetch_metadata(LOOPBACK, left[0].port).broker_ports == survivors, timeout=30)
        address = ",".join(broker.bootstrap for broker in left)
        await produce(address, namespace, b"after")
        assert await consume(address, namespace, None, 2) == [b"before", b"after"]
        lost.start()
        wait_until(cluster.is_complete, timeout=30)
