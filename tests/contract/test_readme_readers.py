"""The readers that are shown against a customer in every state that a key can be in: none of them may fail."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis

from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from streams.embedded import EmbeddedRedis
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.store.protocol import CustomerRecord, LinkWrite
from streams.store.redis.store import RedisStore
from tests.contract.records import engaged, write, write_all
from tests.services.redis import local_redis
from tests.unit.docs.reading import ROOT, page
from tests.unit.scoring.customers import POLICY, Customer, at

CUSTOMER = "maria.lopez"
READERS = page("howto/read-scores")
KEY = f"engagement:customer:{CUSTOMER}"
NOW = at("01 09:00")
LINKING = parse_policy(POLICY + "[identities]\n")
WAIT = 180


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """Run a server of the test's own: the names that are shown have no room for a namespace."""
    with local_redis() as running:
        yield running


@pytest.fixture
async def store(server: EmbeddedRedis) -> AsyncIterator[RedisStore]:
    """Open the store."""
    opened = RedisStore(Settings(LINKING, redis_url=server.url))
    await opened.open()
    yield opened
    await opened.close()


def ahead() -> CustomerRecord:
    """Give a customer whose only event is still ahead of the evaluation time."""
    customer = Customer()
    customer.judge("01 10:00", customer.event("post", "02 09:00", "e-1"))
    return CustomerRecord(customer.state)


async def link(store: RedisStore, name: str, customer: str) -> None:
    """Link an id as a worker does."""
    of_id, into = await store.load([name, customer])
    write_of_link = LinkWrite(name, of_id.version, customer, followed={customer: into.version})
    if of_id.version:
        merge(LINKING, (customer, into.state), (name, of_id.state), Moment(NOW))
        write_of_link.record = into
    assert await store.link(write_of_link, NOW) is None


async def absent(_store: RedisStore) -> None:
    """Store nothing."""


async def no_score_yet(store: RedisStore) -> None:
    """Store one whose only event is ahead."""
    await write_all(store, {CUSTOMER: ahead()})


async def linked_before_anything_came(store: RedisStore) -> None:
    """Link an id to her before her first event."""
    await link(store, "cookie", CUSTOMER)


async def linked_and_no_score_yet(store: RedisStore) -> None:
    """Link an id that has only an event ahead."""
    await write(store, cookie=ahead())
    await link(store, "cookie", CUSTOMER)


async def scored(store: RedisStore) -> None:
    """Store one with ten points."""
    await write_all(store, {CUSTOMER: engaged()[1]})


async def scored_after_waiting(store: RedisStore) -> None:
    """Store one whose first event was ahead, and has been reached."""
    await no_score_yet(store)
    [record] = await store.load([CUSTOMER])
    customer = Customer()
    customer.state = record.state
    customer.do("post", "01 09:00", 4, now="02 10:00")
    await write_all(store, {CUSTOMER: record})


async def at_zero(store: RedisStore) -> None:
    """Store one whose events have left the window."""
    customer, record = engaged()
    customer.judge("20 00:00")
    await write_all(store, {CUSTOMER: record})


async def linked(store: RedisStore) -> None:
    """Make her id one of a customer with a score."""
    await write_all(store, {"anna": engaged()[1], CUSTOMER: engaged(1)[1]})
    await link(store, CUSTOMER, "anna")


async def linked_to_one_without_a_score(store: RedisStore) -> None:
    """Make her id one of somebody of whom nothing has come."""
    await link(store, CUSTOMER, "anna")


async def erased(store: RedisStore) -> None:
    """Erase one who had a score."""
    await scored(store)
    await store.erase(CUSTOMER, "digest", NOW, 3)


State = Callable[[RedisStore], Awaitable[None]]
NOTHING = (absent, no_score_yet, linked_before_anything_came, linked_and_no_score_yet, erased)
STATES: dict[State, str] = {
    **dict.fromkeys((*NOTHING, linked_to_one_without_a_score), ""),
    scored: "10 engaged",
    scored_after_waiting: "10 engaged",
    at_zero: "0 disengaged",
    linked: "12 engaged",
}
every_state = pytest.mark.parametrize(
    ("state", "shown"), STATES.items(), ids=lambda value: getattr(value, "__name__", "")
)


def run(command: list[str], **options: object) -> str:
    """Run a reader; it may not fail."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def here(snippet: str, server: EmbeddedRedis) -> str:
    """Let a snippet read from the test's server."""
    assert "redis://localhost:6379/0" in snippet
    return snippet.replace("redis://localhost:6379/0", server.url)


@every_state
async def test_the_reader_in_python(store: RedisStore, server: EmbeddedRedis, state: State, shown: str) -> None:
    await state(store)
    reader, *_ = READERS.blocks("python")
    score_line, _, dropped = run([sys.executable, "-c", here(reader, server)]).strip().rpartition("\n")[::1]
    assert " ".join(score_line.split()[:2]).replace(".0", "") == shown
    assert dropped.startswith("[")


@every_state
async def test_the_reader_in_node(
    store: RedisStore, server: EmbeddedRedis, node: Path, state: State, shown: str
) -> None:
    await state(store)
    (reader,) = READERS.blocks("js")
    module = node / f"read-{os.getpid()}.mjs"
    module.write_text(here(reader, server), encoding="utf-8")
    try:
        assert " ".join(run(["node", str(module)]).split()[:2]) == shown
    finally:
        module.unlink()


@every_state
async def test_the_commands_of_redis_cli(store: RedisStore, server: EmbeddedRedis, state: State, shown: str) -> None:
    await state(store)
    commands = [line.partition("#")[0] for block in READERS.blocks("sh") for line in block.splitlines()]
    asked = [shlex.split(line)[1:] for line in commands if line.startswith("redis-cli ")]
    assert len(asked) >= 3
    client = shutil.which("redis-cli")
    with redis.Redis.from_url(server.url, decode_responses=True) as other:
        answers = [
            run([client, "-u", server.url, *words]).splitlines() if client else other.execute_command(*words)
            for words in asked
        ]
    customer_id, score, band, *_ = [value or "" for value in answers[0]]
    if customer_id:
        assert (state in (linked, linked_to_one_without_a_score), score, band) == (True, "", "")
    else:
        assert f"{score} {band}".strip() == shown


@every_state
async def test_a_hash_has_a_score_or_names_whom_it_stands_for(
    store: RedisStore, server: EmbeddedRedis, state: State, shown: str
) -> None:
    await state(store)
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        for key in client.scan_iter("engagement:customer:*"):
            fields = client.hgetall(key)
            assert ("score" in fields and "band" in fields) or "customer_id" in fields, (key, fields)
        assert bool(client.exists(KEY)) == (bool(shown) or state is linked_to_one_without_a_score)


async def test_what_an_earlier_release_has_stored_without_a_score_moves_out_of_sight_and_back(
    store: RedisStore, server: EmbeddedRedis
) -> None:
    await no_score_yet(store)
    with redis.Redis.from_url(server.url) as client:
        client.rename(f"engagement:_unscored:{CUSTOMER}", KEY)
        [record] = await store.load([CUSTOMER])
        assert record.state.ahead
        await write_all(store, {CUSTOMER: record})
        assert not client.exists(KEY)
        client.rename(f"engagement:_unscored:{CUSTOMER}", KEY)
        [record] = await store.load([CUSTOMER])
        customer = Customer()
        customer.state = record.state
        customer.judge("02 10:00")
        await write_all(store, {CUSTOMER: record})
        assert client.hget(KEY, "score") == b"2"
        assert not client.exists(f"engagement:_unscored:{CUSTOMER}")


@pytest.fixture(scope="session")
def node() -> Path:
    """Give a folder in which a script finds the package `redis`."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node is not installed")
    folder = ROOT / "build" / "node"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / "redis" / "package.json").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder), "redis@5"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT)
        if done.returncode:
            pytest.skip(f"npm cannot install the package redis: {done.stderr.strip().splitlines()[-1:]}")
    return folder
