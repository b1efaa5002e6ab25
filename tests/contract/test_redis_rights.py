"""The least rights on Redis, as the runbook lists them: they are enough, and whoever lacks one is told which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from streams.embedded import EmbeddedRedis
from streams.errors import AccessDenied
from streams.ingest.gaps import Gap, accept_gap
from streams.policies.band_moves import BandMoves, compare_live
from streams.policy_file.document import parse_policy
from streams.settings.security import RedisSecurity, Secret
from streams.settings.settings import Settings
from streams.store.policies import offered
from streams.store.protocol import GroupWrite
from streams.store.redis.reading import score_reader
from streams.store.redis.replacing import ReplaceableStore, open_rebuilt, rebuilt_store
from streams.store.redis.server import ERASER, GAP_ACCEPTOR, REBUILDER, WORKER, Role
from streams.store.redis.store import RedisStore
from tests.contract.records import CLICKS, WALL, engaged, move, write
from tests.services.redis import local_redis
from tests.services.rights import redis_commands, redis_user
from tests.unit.scoring.customers import POLICY

WORD = "word-of-the-test"
ROLES = {"engagement": WORKER, "eraser": ERASER, "gap-acceptor": GAP_ACCEPTOR, "rebuilder": REBUILDER}
LACKING = [(name, command) for name in ROLES for command in redis_commands(redis_user(name, WORD))]


@dataclass
class Guarded:
    """A server with the users of the runbook."""

    server: EmbeddedRedis
    admin: redis.Redis

    def let_in(self, line: str) -> None:
        """Make a user by a line of an ACL file, or give an existing one other rights."""
        _, name, *rules = line.split()
        self.admin.execute_command("ACL", "SETUSER", name, "reset", *rules)

    def settings(self, user: str) -> Settings:
        """Give the settings of a user."""
        security = RedisSecurity(user, Secret(WORD)) if user else RedisSecurity()
        return Settings(parse_policy(POLICY), redis_url=self.server.url, redis_security=security)


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedRedis]:
    """Run a server that the tests may do anything to."""
    with local_redis() as server:
        yield server


@pytest.fixture
def guarded(running: EmbeddedRedis) -> Iterator[Guarded]:
    """Give it empty, with all users."""
    with redis.Redis.from_url(running.url, decode_responses=True) as admin:
        admin.flushall()
        found = Guarded(running, admin)
        for name in (*ROLES, "gap-reader", "policy-reader", "reader"):
            found.let_in(redis_user(name, WORD))
        yield found


@pytest.mark.parametrize("name", ROLES)
def test_the_rights_that_are_asked_for_are_those_of_the_runbook(name: str) -> None:
    role: Role = ROLES[name]
    asked = [command.lower().replace(" ", "|") for command in role.commands]

    assert sorted(asked) == sorted(redis_commands(redis_user(name, WORD)))


@pytest.mark.parametrize(("name", "command"), LACKING)
async def test_without_any_one_right_it_is_named_before_anything_is_written(
    guarded: Guarded, name: str, command: str
) -> None:
    guarded.let_in(redis_user(name, WORD).replace(f" +{command} ", " ").removesuffix(f" +{command}"))
    store = RedisStore(guarded.settings(name), ROLES[name])
    with pytest.raises(AccessDenied) as found:
        await (store.open_existing() if name == "eraser" else store.open())
    await store.close()

    assert command.replace("|", " ") in str(found.value).lower().replace("|", " ")
    assert guarded.admin.keys() == []


@pytest.mark.parametrize("name", ROLES)
async def test_without_the_keys_of_the_namespace_it_is_said_so(guarded: Guarded, name: str) -> None:
    prefix = f"engagement:{ROLES[name].under}"
    guarded.let_in(redis_user(name, WORD).replace(f"~{prefix}*", "~other:*"))
    store = RedisStore(guarded.settings(name), ROLES[name])
    with pytest.raises(AccessDenied, match=rf"Missing: .*on keys that begin with '{prefix}'. deploy/RUNBOOK.md"):
        await store.open_existing()
    await store.close()


async def scored(guarded: Guarded) -> RedisStore:
    """Let a worker store a customer and a fence."""
    worker = RedisStore(guarded.settings("engagement"))
    await worker.open()
    await write(worker, anna=engaged()[1])
    group = worker.group_of("anna")
    assert await worker.apply([GroupWrite(group, [move(CLICKS, None, 9)])], WALL) == [None]
    return worker


async def test_an_eraser_erases_also_in_what_a_rebuild_has_left(guarded: Guarded) -> None:
    worker = await scored(guarded)
    beside = rebuilt_store(guarded.settings("rebuilder"))
    await beside.open()
    await write(beside, anna=engaged()[1])
    eraser = RedisStore(guarded.settings("eraser"), ERASER)
    await eraser.open_existing()
    async with open_rebuilt(guarded.settings("eraser")) as rebuilt:
        assert rebuilt is not None
        for store in (eraser, rebuilt):
            assert await store.read("anna") is not None
            assert await store.erase("anna", "digest", 1, 0) is not None
    assert not [key for key in guarded.admin.scan_iter() if "anna" in key]
    for store in (worker, beside, eraser):
        await store.close()


async def test_an_eraser_that_may_not_erase_beside_is_told_before_it_begins(guarded: Guarded) -> None:
    beside = rebuilt_store(guarded.settings("rebuilder"))
    await beside.open()
    await beside.close()
    guarded.let_in(redis_user("eraser", WORD).replace(" ~engagement.rebuild:*", ""))
    with pytest.raises(AccessDenied, match=r"Missing: EXISTS on keys that begin with 'engagement.rebuild:_'"):
        async with open_rebuilt(guarded.settings("eraser")):
            pass
    guarded.let_in(redis_user("eraser", WORD).replace(" ~engagement.rebuild:*", " %R~engagement.rebuild:*"))
    with pytest.raises(AccessDenied, match=r"Missing: FCALL, HSET, .*on keys that begin with 'engagement.rebuild:'"):
        async with open_rebuilt(guarded.settings("eraser")):
            pass


async def test_gaps_are_seen_and_accepted_without_seeing_customers(guarded: Guarded) -> None:
    worker = await scored(guarded)
    seeing = RedisStore(guarded.settings("gap-reader"))
    await seeing.open_readonly()
    assert [fence.offset for fence in (await seeing.fences([CLICKS]))[CLICKS] if fence] == [9]
    accepting = RedisStore(guarded.settings("gap-acceptor"), GAP_ACCEPTOR)
    await accepting.open()
    await accept_gap(accepting, Gap(CLICKS, 9, 3, 5))
    assert [fence.offset for fence in (await seeing.fences([CLICKS]))[CLICKS] if fence] == [3]
    for store in (seeing, accepting):
        with pytest.raises(AccessDenied, match="Missing: HGETALL on keys that begin with 'engagement:customer:'"):
            await store.read("anna")
    for store in (worker, seeing, accepting):
        await store.close()


@pytest.mark.parametrize(("old", "new"), [(" +hmget", ""), ("_fences:*", "customer:*")])
async def test_who_may_not_look_at_the_fences_is_told_so(guarded: Guarded, old: str, new: str) -> None:
    guarded.let_in(redis_user("gap-reader", WORD).replace(old, new))
    store = RedisStore(guarded.settings("gap-reader"))
    await store.open_readonly()
    with pytest.raises(AccessDenied, match="Missing: HMGET on engagement:_fences:0"):
        await store.fences([CLICKS])
    await store.close()


@pytest.mark.parametrize("lacking", ["", *redis_commands(redis_user("policy-reader", WORD))])
async def test_who_has_followed_is_seen_with_these_rights_and_no_fewer(guarded: Guarded, lacking: str) -> None:
    worker = await scored(guarded)
    policy = worker._policy
    await worker.policies.propose(offered(policy, WALL), None)
    await worker.close()
    line = redis_user("policy-reader", WORD)
    guarded.let_in(line.replace(f" +{lacking} ", " ").removesuffix(f" +{lacking}") if lacking else line)
    reader = score_reader(guarded.settings("policy-reader"), policy)

    async def look() -> None:
        await reader.open_readonly()
        assert (await reader.policies.state())[0] == 1
        assert await reader.policies.in_force() is not None
        assert ((await reader.policies.place()).done, await reader.pane()) == (0, "1d")
        moves = BandMoves(policy, policy, 1)
        await compare_live(reader, moves, lambda *_: None)
        assert (moves.customers, await reader.policies.versions(["anna"])) == (1, [("by-hand", "")])

    if lacking:
        with pytest.raises(AccessDenied):
            await look()
    else:
        await look()
    await reader.close()


async def test_a_rebuilder_compares_holds_replaces_and_cleans_up(guarded: Guarded) -> None:
    worker = await scored(guarded)
    guarded.admin.hset("engagement:customer:anna", "score", "1")
    live, beside = ReplaceableStore(guarded.settings("rebuilder")), rebuilt_store(guarded.settings("rebuilder"))
    assert await live.exists()
    await live.open()
    await beside.open_existing()
    await beside.note(at="window")
    await beside.check()
    await write(beside, anna=engaged()[1])
    group = beside.group_of("anna")
    assert await beside.apply([GroupWrite(group, [move(CLICKS, None, 9)])], WALL) == [None]
    for store in (live, beside):
        assert (await store.views(["anna"]))["anna"].bands
        assert [some async for some in store.indexed()]
        assert [some async for some in store.customers()]
        await store.earliest_crossing()
        await store.require_erasures(0)
        await store.exchange_marks({})
        await store.exchange_feeds({}, {})
        await store.settle_erasures({"digest": 1})
        await store.due(group, crossing=True, until=1, limit=1, worker="rebuild")
    assert await live.hold("me", 5_000)
    await live.replace(beside, ["anna", "nobody"], "me")
    await live.release("me")
    await beside.discard()

    assert guarded.admin.hget("engagement:customer:anna", "score") == "10"
    assert not [key for key in guarded.admin.scan_iter() if key.startswith("engagement.rebuild:")]
    for each in (worker, live, beside):
        await each.close()


async def test_a_rebuilder_without_the_keys_beside_is_told_before_it_writes(guarded: Guarded) -> None:
    guarded.let_in(redis_user("rebuilder", WORD).replace(" ~engagement.rebuild:*", ""))
    store = rebuilt_store(guarded.settings("rebuilder"))
    with pytest.raises(AccessDenied, match=r"Missing: FCALL, HGET, .*on keys that begin with 'engagement.rebuild:'"):
        await store.open_existing()
    await store.close()


async def test_a_reader_reads_scores_and_nothing_else(guarded: Guarded) -> None:
    worker = await scored(guarded)
    reader = RedisStore(guarded.settings("reader"))
    await reader.open_readonly()
    assert await reader.read("anna") is not None
    assert (await reader.band_counts())["engaged"] == 1
    with pytest.raises(AccessDenied, match="HMGET on engagement:_fences:0"):
        await reader.fences([CLICKS])
    for store in (worker, reader):
        await store.close()
