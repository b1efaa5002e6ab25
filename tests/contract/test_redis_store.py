"""What is Redis's own: the function library, servers that are set up wrongly, and servers that fail."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from streams.embedded import EmbeddedRedis
from streams.errors import StoreUnavailable, UnsafeStore
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.store.policies import PolicyStore, SweepPlace, offered
from streams.store.protocol import GroupWrite, LinkWrite, Store
from streams.store.redis.server import check_server
from streams.store.redis.store import RedisStore
from tests.contract.records import CLICKS, WALL, engaged, group_write, move, write
from tests.polling import poll_until
from tests.services.redis import local_redis
from tests.services.redis_proxy import RedisProxy
from tests.unit.scoring.customers import POLICY, policy_with

LEASE_SECONDS = 3
PUBLIC_KEYS = ("engagement:customer:", "engagement:band:")

Call = Callable[[Store], Awaitable[object]]


async def all_customers(store: Store) -> list[str]:
    """Go through all customers."""
    return [name async for some in store.customers() for name in some]


CALLS: dict[str, Call] = {
    "open": lambda store: store.open(),
    "check": lambda store: store.check(),
    "fences": lambda store: store.fences([CLICKS]),
    "load": lambda store: store.load(["anna"]),
    "apply": lambda store: store.apply([GroupWrite(0, [move(CLICKS, None, 1)])], WALL),
    "published": lambda store: store.published({0: {"anna": ["x"]}}),
    "due": lambda store: store.due(0, crossing=True, until=WALL, limit=1, worker="w"),
    "unschedule": lambda store: store.unschedule(0, {"anna": ""}),
    "waiting": lambda store: store.waiting(0, {"anna": ["name"]}),
    "unpublished": lambda store: store.unpublished(0, WALL, 1),
    "exchange_feeds": lambda store: store.exchange_feeds({}, {}),
    "note_told": lambda store: store.note_told("email", "", "told"),
    "exchange_marks": lambda store: store.exchange_marks({}),
    "forget_mark": lambda store: store.forget_mark(CLICKS),
    "logs": lambda store: store.logs([CLICKS]),
    "note_logs": lambda store: store.note_logs({CLICKS: "log"}),
    "note_unknown_types": lambda store: store.note_unknown_types(9, {("web", "View"): 1}),
    "unknown_types": lambda store: store.unknown_types(9),
    "erase": lambda store: store.erase("anna", "d", secrets.randbits(40), 1),
    "erased": lambda store: store.erased(),
    "erasures_carried_out": lambda store: store.erasures_carried_out(),
    "require_erasures": lambda store: store.require_erasures(1),
    "settle_erasures": lambda store: store.settle_erasures({"d": 1}),
    "customers": all_customers,
    "read": lambda store: store.read("anna"),
    "band_counts": lambda store: store.band_counts(),
    "apply_together": lambda store: store.apply_together([GroupWrite(0, erasures=1 << 53)], {}, WALL),
    "link": lambda store: store.link(LinkWrite("cookie", "", "anna", erasures=1 << 53), WALL),
    "ids_of": lambda store: store.ids_of("anna"),
    "policies.in_force": lambda store: store.policies.in_force(),
    "policies.state": lambda store: store.policies.state(),
    "policies.propose": lambda store: store.policies.propose(offered(parse_policy(POLICY), WALL), None),
    "policies.sweep": lambda store: store.policies.sweep("w"),
    "policies.swept": lambda store: store.policies.swept("w", SweepPlace()),
    "policies.page": lambda store: store.policies.page(0, 10),
    "policies.versions": lambda store: store.policies.versions(["anna"]),
    "policies.place": lambda store: store.policies.place(),
    "policies.server": lambda store: store.policies.server(),
}


def methods_of(protocol: type) -> list[str]:
    """Name the methods of a protocol."""
    return [name for name, member in vars(protocol).items() if callable(member) and not name.startswith("_")]


every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def store_at(url: str, namespace: str = "engagement") -> RedisStore:
    """Make a store, not opened."""
    return RedisStore(Settings(parse_policy(POLICY), redis_url=url, namespace=namespace))


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """Run a server that the test may do anything to."""
    with local_redis() as running:
        yield running


@pytest.fixture
async def store(server: EmbeddedRedis) -> AsyncIterator[RedisStore]:
    """Give a store on that server, opened."""
    opened = store_at(server.url)
    await opened.open()
    yield opened
    await opened.close()


def test_every_method_of_the_contract_is_called_here() -> None:
    methods = set(methods_of(Store)) | {f"policies.{name}" for name in methods_of(PolicyStore)}

    assert methods - {"close", "group_of", "follow"} == set(CALLS)


@every_call
async def test_a_server_that_is_gone_is_a_passing_fault(server: EmbeddedRedis, store: RedisStore, call: Call) -> None:
    await call(store)
    server.kill()
    with pytest.raises(StoreUnavailable, match="Redis"):
        await call(store)
    with pytest.raises(StoreUnavailable, match="Redis"):
        await call(store)


@pytest.mark.parametrize("name", ["load", "apply", "due", "exchange_marks", "published"])
async def test_a_lost_function_library_is_loaded_again(server: EmbeddedRedis, store: RedisStore, name: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.function_flush()
    with pytest.raises(StoreUnavailable, match="loaded again"):
        await CALLS[name](store)

    await CALLS[name](store)


async def test_a_lost_library_has_lost_no_score(server: EmbeddedRedis, store: RedisStore) -> None:
    _, record = engaged()
    await write(store, anna=record)
    with redis.Redis.from_url(server.url) as client:
        client.function_flush()
    with pytest.raises(StoreUnavailable):
        await store.apply([group_write(store, "anna", record)], WALL)

    assert await store.apply([group_write(store, "anna", record)], WALL) == [None]
    assert (await store.load(["anna"]))[0].state.score == 10_000_000


async def test_a_cut_connection_is_a_passing_fault(server: EmbeddedRedis, store: RedisStore) -> None:
    await write(store, anna=engaged()[1])
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES")
    with pytest.raises(StoreUnavailable):
        await store.load(["anna"])

    assert (await store.load(["anna"]))[0].version


async def test_a_full_server_refuses_writes_for_the_moment_and_answers_readers(
    server: EmbeddedRedis, store: RedisStore
) -> None:
    _, record = engaged()
    await write(store, anna=record)
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="used memory"):
            await store.apply([group_write(store, "anna", record)], WALL)
        assert await store.read("anna") is not None
        assert (await store.load(["anna"]))[0].version == record.version
        client.config_set("maxmemory", "0")

    assert await store.apply([group_write(store, "anna", record)], WALL) == [None]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
async def test_a_server_that_evicts_is_unsafe(server: EmbeddedRedis, store: RedisStore, policy: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory-policy", policy)
    with pytest.raises(UnsafeStore, match=f"{policy}.*noeviction"):
        await store.open()


def test_a_server_without_functions_is_unsafe() -> None:
    for version in ("6.2.14", "5.0.0", "0"):
        with pytest.raises(UnsafeStore, match="version 7 or newer"):
            check_server({"redis_version": version, "role": "master"})
    check_server({"redis_version": "7.0.0", "maxmemory_policy": "noeviction", "role": "master"})
    check_server({"redis_version": "10.0.0"})


async def test_a_server_that_evicts_later_is_unsafe_from_then_on(server: EmbeddedRedis, store: RedisStore) -> None:
    await store.check()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(UnsafeStore, match="allkeys-lru") as found:
            await store.check()
        assert "dropped" not in str(found.value)
        for number in range(1000):
            client.set(f"filler{number}", "x" * 1000)
        client.config_set("maxmemory", client.info("memory")["used_memory"] - 100_000)
        dropped = client.info("stats")["evicted_keys"]
    assert dropped
    with pytest.raises(UnsafeStore, match=r"has dropped \d+ keys already"):
        await store.check()


async def test_a_node_of_a_cluster_is_unsafe() -> None:
    with local_redis({"cluster-enabled": "yes"}) as node:
        store = store_at(node.url)
        try:
            for opened in (store.open, store.check, lambda: store.load(["anna"])):
                with pytest.raises(UnsafeStore, match="Redis Cluster, which is not supported"):
                    await opened()
        finally:
            await store.close()


async def test_a_server_that_was_emptied_is_told_again_how_the_namespace_is_written(
    server: EmbeddedRedis, store: RedisStore
) -> None:
    with redis.Redis.from_url(server.url) as client:
        told = client.hgetall("engagement:_format")
        client.flushall()
        await store.check()
        assert client.hgetall("engagement:_format") == told != {}


async def test_a_replica_is_waited_for(server: EmbeddedRedis, store: RedisStore) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.replicaof("127.0.0.1", "1")
        with pytest.raises(StoreUnavailable, match="slave"):
            await store.open()
        with pytest.raises(StoreUnavailable, match="read only replica"):
            await write(store, anna=engaged()[1])
        client.replicaof("NO", "ONE")

    await store.open()
    await write(store, anna=engaged()[1])


async def test_a_server_that_has_become_a_replica_is_not_held_on_to() -> None:
    with local_redis() as first, local_redis() as second, RedisProxy(first.port) as name:
        store = store_at(name.url)
        await store.open()
        await write(store, anna=engaged()[1])
        with redis.Redis.from_url(first.url) as client:
            client.replicaof("127.0.0.1", "1")
        name.target = second.port
        with pytest.raises(StoreUnavailable, match="read only replica"):
            await write(store, anna=engaged()[1])
        await store.open()
        await write(store, anna=engaged()[1])
        await store.close()


@every_call
async def test_a_script_of_somebody_else_is_waited_for(server: EmbeddedRedis, store: RedisStore, call: Call) -> None:
    with redis.Redis.from_url(server.url) as client, ThreadPoolExecutor(1) as pool:
        client.config_set("busy-reply-threshold", 1)
        script = pool.submit(run_forever, server.url)
        try:
            await poll_until(lambda: is_busy(server.url))
            with pytest.raises(StoreUnavailable, match="busy running a script"):
                await call(store)
        finally:
            client.script_kill()
        assert "killed by user" in script.result(10)
    await call(store)


def is_busy(url: str) -> bool:
    """Return whether a server is kept busy by a script."""
    with redis.Redis.from_url(url) as client:
        try:
            client.ping()
        except redis.ResponseError:
            return True
    return False


def run_forever(url: str) -> str:
    """Run a script until it is killed; return what its client is told then."""
    with redis.Redis.from_url(url) as client:
        try:
            client.eval("while true do end", 0)
        except redis.ResponseError as error:
            return str(error)
    return ""


async def test_another_worker_gets_a_group_when_the_first_is_gone(store: RedisStore) -> None:
    anna, record = engaged()
    anna.judge("02 00:00")
    await write(store, anna=record)
    group = store.group_of("anna")
    assert await store.due(group, crossing=True, until=WALL, limit=9, worker="gone") == ["anna"]

    async def taken() -> list[str]:
        return await store.due(group, crossing=True, until=WALL, limit=9, worker="other")

    assert await poll_until(taken, timeout=LEASE_SECONDS + 30) == ["anna"]


async def test_two_namespaces_do_not_see_each_other(server: EmbeddedRedis, store: RedisStore) -> None:
    other = store_at(server.url, "other")
    try:
        await write(store, anna=engaged()[1])
        await store.apply([GroupWrite(0, [move(CLICKS, None, 1)])], WALL)

        assert await other.read("anna") is None
        assert (await other.fences([CLICKS]))[CLICKS][0] is None
        assert (await other.band_counts())["engaged"] == 0
    finally:
        await other.close()


async def test_keys_are_those_of_the_contract(server: EmbeddedRedis, store: RedisStore) -> None:
    await write(store, anna=engaged()[1])
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.hget("engagement:customer:anna", "score") == "10"
        assert client.zrange("engagement:band:engaged", 0, -1) == ["anna"]
        internal = [key for key in client.scan_iter() if not key.startswith(PUBLIC_KEYS)]
        assert all(key.startswith("engagement:_") for key in internal)


async def test_a_server_that_comes_back_empty_is_as_at_first(server: EmbeddedRedis, store: RedisStore) -> None:
    await write(store, anna=engaged()[1])
    server.kill()
    server.start()
    with pytest.raises(StoreUnavailable):
        await store.load(["anna"])
    await store.open()

    assert (await store.load(["anna"]))[0].version == ""
    assert (await store.fences([CLICKS]))[CLICKS] == [None] * store.groups


@pytest.mark.parametrize(
    ("change", "clock"), [(('pane = "1d"', 'pane = "12h"'), "wall"), (("by-hand", "by-hand"), "stream")]
)
async def test_a_namespace_that_was_written_in_another_way_is_unsafe(
    server: EmbeddedRedis, store: RedisStore, change: tuple[str, str], clock: str
) -> None:
    await store.open()
    other = RedisStore(Settings(policy_with(change), redis_url=server.url, clock=clock))
    try:
        with pytest.raises(UnsafeStore, match="new ENGAGEMENT_NAMESPACE"):
            await other.open()
    finally:
        await other.close()


async def test_weights_and_window_may_change_in_a_namespace(server: EmbeddedRedis, store: RedisStore) -> None:
    await write(store, anna=engaged()[1])
    policy = policy_with(('length = "3d"', 'length = "5d"'), ("post = 2", "post = 3"))
    other = RedisStore(Settings(policy, redis_url=server.url))
    try:
        await other.open()
        assert (await other.load(["anna"]))[0].state.score == 15_000_000
    finally:
        await other.close()
