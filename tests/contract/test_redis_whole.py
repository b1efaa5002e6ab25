"""What Redis does not take back must not begin: a call that cannot be carried out whole changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from streams.embedded import EmbeddedRedis
from streams.errors import (
    AccessDenied,
    StoreUnavailable,
    StreamsError,
    TransientError,
    UnreadableCustomer,
    UnreadableKey,
    VersionMoved,
)
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.store.protocol import GroupWrite
from streams.store.redis.store import RedisStore
from tests.contract.records import CLICKS, WALL, engaged, move, raised
from tests.services.redis import local_redis
from tests.unit.scoring.customers import POLICY

USER, WORD = "worker", "word-of-the-test"
COMMANDS = ("hset", "hdel", "zadd", "zrem")
KEYS = ("band:engaged", "_fences:{}", "_crossings:{}", "_refreshes:{}", "_outbox:{}", "_messages:{}")


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """Run a server that the test may do anything to."""
    with local_redis() as running:
        yield running


@pytest.fixture
def admin(server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """Give a client that may do everything."""
    with redis.Redis.from_url(server.url) as client:
        yield client


async def opened(url: str) -> RedisStore:
    """Open a store."""
    store = RedisStore(Settings(parse_policy(POLICY), redis_url=url))
    await store.open()
    return store


def whole_write(store: RedisStore) -> GroupWrite:
    """Make a write that touches every kind of key: customer, band, schedule, outbox, fence."""
    anna, record = engaged()
    anna.judge("02 00:00")
    record.raised = [raised("anna", "02 00:00")]
    return GroupWrite(store.group_of("anna"), [move(CLICKS, None, 9)], {}, {"anna": record})


def contents(client: redis.Redis) -> dict[bytes, bytes]:
    """Give everything that the server holds."""
    return {key: client.dump(key) or b"" for key in client.scan_iter()}


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_that_holds_something_else_is_told_and_nothing_is_written(
    server: EmbeddedRedis, admin: redis.Redis, key: str
) -> None:
    store = await opened(server.url)
    name = f"engagement:{key.format(store.group_of('anna'))}"
    admin.set(name, "planted")
    before = contents(admin)

    with pytest.raises(StreamsError, match="WRONGTYPE") as found:
        await store.apply([whole_write(store)], WALL)
    assert not isinstance(found.value, TransientError)
    assert contents(admin) == before

    admin.delete(name)
    assert await store.apply([whole_write(store)], WALL) == [None]
    await store.close()


@pytest.mark.parametrize("key", ["_erased", "_marks", "_outbox:0", "_policy"])
async def test_a_key_that_is_read_and_holds_something_else_is_named(
    server: EmbeddedRedis, admin: redis.Redis, key: str
) -> None:
    store = await opened(server.url)
    admin.set(f"engagement:{key}", "planted")
    reads = {"_erased": store.erased, "_marks": lambda: store.exchange_marks({}), "_policy": store.policies.in_force}
    with pytest.raises(StreamsError, match=f"WRONGTYPE engagement:{key}"):
        await reads.get(key, lambda: store.unpublished(0, WALL, 10))()
    await store.close()


async def test_a_field_that_no_worker_has_written_is_named_or_left_out(
    server: EmbeddedRedis, admin: redis.Redis
) -> None:
    store = await opened(server.url)
    admin.hset("engagement:_kpi:0", "d1", "many")
    with pytest.raises(UnreadableKey, match="engagement:_kpi:0 cannot be read, because of its field 'd1'"):
        await store.kpi.sums()
    admin.hset("engagement:_policy", "number", "first")
    with pytest.raises(UnreadableKey, match="engagement:_policy cannot be read, because of its field 'number'"):
        await store.policies.in_force()
    admin.hset("engagement:_unknown_types", mapping={"planted": "1", "5\nweb\nview": "many", "5\nweb\nbuy": "2"})
    assert await store.unknown_types(5) == {("web", "buy"): 2}
    await store.close()


async def test_a_customer_whose_key_holds_something_else_is_named_and_the_others_are_read(
    server: EmbeddedRedis, admin: redis.Redis
) -> None:
    store = await opened(server.url)
    admin.lpush("engagement:customer:anna", "planted")
    admin.set("engagement:_unscored:carl", "planted")
    ben, anna, carl = await store.load(["ben", "anna", "carl"])
    assert (ben.unreadable, anna.version, carl.version) == ("", "", "")
    assert anna.unreadable.startswith("engagement:customer:anna cannot be read, it holds a list and not a hash: ")
    assert "it holds a string and not a hash" in carl.unreadable
    with pytest.raises(UnreadableCustomer, match="engagement:customer:anna cannot be read, it holds"):
        await store.read("anna")
    await store.close()


@pytest.mark.parametrize("key", ["customer:anna", "_unscored:anna"])
async def test_a_customer_whose_key_holds_something_else_is_not_written(
    server: EmbeddedRedis, admin: redis.Redis, key: str
) -> None:
    store = await opened(server.url)
    admin.set(f"engagement:{key}", "planted")
    before = contents(admin)

    [refused] = await store.apply([whole_write(store)], WALL)
    assert isinstance(refused, VersionMoved)
    assert refused.customers == ("anna",)
    assert contents(admin) == before
    await store.close()


async def test_bytes_that_are_no_text_are_no_obstacle_to_others(server: EmbeddedRedis, admin: redis.Redis) -> None:
    store = await opened(server.url)
    assert await store.apply([whole_write(store)], WALL) == [None]
    admin.hset("engagement:customer:anna", "_s", b"\xff\xfe;;-1;0")
    admin.hset(b"engagement:customer:\xff\xfe", "score", b"\xff")
    found = [name async for some in store.customers() for name in some]
    assert len(found) == 2
    records = dict(zip(found, await store.load(found), strict=True))
    assert "because of its field _s" in records["anna"].unreadable
    await store.close()


async def test_a_customer_broken_by_hand_is_named_wherever_it_stands(server: EmbeddedRedis, admin: redis.Redis) -> None:
    store = await opened(server.url)
    assert await store.apply([whole_write(store)], WALL) == [None]
    (key,) = admin.keys("engagement:customer:*")
    customer = key.decode().rpartition(":")[2]
    admin.hset(key, "_p1", "nonsense")
    before, broken, after = await store.load(["before", customer, "after"])
    assert (before.unreadable, after.unreadable) == ("", "")
    assert broken.unreadable.startswith(f"{key.decode()} cannot be read, because of its field _p1: ")
    with pytest.raises(UnreadableCustomer, match=f"{key.decode()} cannot be read, because of its field _p1: "):
        await store.read(customer)
    await store.close()


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_right_that_is_taken_away_is_told_and_nothing_is_written(
    server: EmbeddedRedis, admin: redis.Redis, command: str
) -> None:
    admin.acl_setuser(USER, enabled=True, passwords=[f"+{WORD}"], keys=["*"], categories=["+@all"])
    store = await opened(server.url.replace("redis://", f"redis://{USER}:{WORD}@"))
    admin.acl_setuser(USER, commands=[f"-{command}"])
    before = contents(admin)

    with pytest.raises(AccessDenied, match=f"{command.upper()}.*have to be allowed"):
        await store.apply([whole_write(store)], WALL)
    assert contents(admin) == before

    admin.acl_setuser(USER, commands=[f"+{command}"])
    assert await store.apply([whole_write(store)], WALL) == [None]
    await store.close()


async def test_a_limit_of_memory_that_is_met_in_the_middle_of_a_call_does_not_stop_it(
    server: EmbeddedRedis, admin: redis.Redis
) -> None:
    store = await opened(server.url)
    many = [name for name in (f"c{number}" for number in range(20_000)) if store.group_of(name) == 0]
    write = GroupWrite(0, [move(CLICKS, None, 9)], {}, {name: engaged()[1] for name in many})
    used = admin.info("memory")["used_memory"]
    # The call itself takes room, too: the limit is the lowest with which it begins.
    for room in range(100_000, 20_000_000, 100_000):
        admin.config_set("maxmemory", used + room)
        try:
            assert await store.apply([write], WALL) == [None]
        except StoreUnavailable:
            assert admin.keys("engagement:customer:*") == []
        else:
            break
    assert admin.info("memory")["used_memory_peak"] > used + room, "the limit was not met"
    assert len(admin.keys("engagement:customer:*")) == len(many) == admin.zcard("engagement:band:engaged")
    admin.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="used memory"):
        await store.apply([whole_write(store)], WALL)
    await store.close()
