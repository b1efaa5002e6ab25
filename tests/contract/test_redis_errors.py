"""Every error of the Redis client is one of ours: transient where the fault passes, and without a password."""

from __future__ import annotations

import inspect

import pytest
import redis
from redis import exceptions

from streams.errors import AccessDenied, StoreUnavailable, StreamsError, TransientError, UnsafeStore
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.store.redis.store import RedisStore
from tests.services.redis import local_redis
from tests.services.redis_proxy import RedisProxy
from tests.unit.scoring.customers import POLICY

WRONG = "wrong-word-of-the-test"
RIGHT = "right-word-of-the-test"
ERRORS = [
    error
    for _, error in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(error, exceptions.RedisError) and error.__module__ == exceptions.__name__
]
PASSING_ANSWERS = [
    "LOADING Redis is loading the dataset in memory",
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "BUSY Redis is busy running a script.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "NOREPLICAS Not enough good replicas to write.",
]


def store_at(url: str = "redis://127.0.0.1:1/0") -> RedisStore:
    """Make a store; nothing listens at the default."""
    return RedisStore(Settings(parse_policy(POLICY), redis_url=url))


async def mapped(error: BaseException) -> StreamsError:
    """Give what becomes of an error of the client."""
    with pytest.raises(StreamsError) as found:
        async with store_at()._mapped_errors():
            raise error
    return found.value


@pytest.mark.parametrize(
    "kind",
    ERRORS,
    ids=lambda error: error.__name__,
)
async def test_every_error_of_the_client_is_one_of_ours(kind: type[exceptions.RedisError]) -> None:
    error = kind("1 127.0.0.1:7000")

    assert (await mapped(error)).__cause__ is error


@pytest.mark.parametrize("answer", PASSING_ANSWERS)
async def test_an_answer_that_passes_is_transient(answer: str) -> None:
    found = await mapped(exceptions.ResponseError(answer))

    assert isinstance(found, StoreUnavailable)
    assert answer.split(maxsplit=1)[0] in str(found)


@pytest.mark.parametrize(
    "kind",
    [
        *(exceptions.ConnectionError, exceptions.TimeoutError, exceptions.BusyLoadingError, OSError, TimeoutError),
        *(exceptions.ReadOnlyError, exceptions.OutOfMemoryError, exceptions.MaxConnectionsError),
    ],
)
async def test_a_fault_that_passes_is_transient(kind: type[Exception]) -> None:
    assert isinstance(await mapped(kind("some fault")), StoreUnavailable)


@pytest.mark.parametrize(
    "answer",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
    ],
)
async def test_an_answer_is_told_with_its_code(answer: str) -> None:
    with local_redis() as server, RedisProxy(server.port) as proxy:
        store = store_at(proxy.url)
        proxy.refusal = answer.encode()
        with pytest.raises(StoreUnavailable) as found:
            await store.open()
        await store.close()

    assert str(found.value) == f"Redis refuses at the moment: {answer}"


@pytest.mark.parametrize(
    "answer",
    [
        "MOVED 3999 127.0.0.1:7000",
        "ASK 3999 127.0.0.1:7000",
        "CLUSTERDOWN Hash slot not served",
        "CROSSSLOT Keys in request don't hash to the same slot",
        "TRYAGAIN Multiple keys request during rehashing of slot",
    ],
)
async def test_an_answer_of_a_cluster_is_no_fault_that_passes(answer: str) -> None:
    with local_redis() as server, RedisProxy(server.port) as proxy:
        store = store_at(proxy.url)
        proxy.refusal = answer.encode()
        try:
            with pytest.raises(UnsafeStore, match="Redis Cluster, which is not supported") as found:
                await store.open()
        finally:
            await store.close()

    assert str(found.value).endswith(answer.partition(" ")[2])


@pytest.mark.parametrize("answer", ["ERR Script attempted to access nil", "WRONGTYPE Operation against a key"])
async def test_an_answer_that_will_not_pass_is_not_transient(answer: str) -> None:
    found = await mapped(exceptions.ResponseError(answer))

    assert not isinstance(found, TransientError)
    assert answer in str(found)


async def test_an_error_of_another_kind_goes_through() -> None:
    with pytest.raises(KeyError):
        async with store_at()._mapped_errors():
            raise KeyError


async def test_a_command_that_a_function_may_not_run_is_an_error_of_the_same_kind() -> None:
    answer = "The user executing the script can't run this command or subcommand script: abc, on @user_function:12."

    assert isinstance(await mapped(exceptions.ResponseError(answer)), AccessDenied)


async def complaint(url: str) -> str:
    """Give the text of the error, and of all errors behind it, that a store at an URL opens with."""
    store = store_at(url)
    with pytest.raises(TransientError) as found:
        await store.open()
    await store.close()
    texts: list[str] = []
    error: BaseException | None = found.value
    while error is not None:
        texts.append(f"{error} {error!r}")
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize("url", ["redis://:{}@127.0.0.1:1/0", "redis://user:{}@localhost:1/0", "unix://:{}@/none"])
async def test_no_password_is_told_where_nobody_listens(url: str) -> None:
    told = await complaint(url.format(WRONG))

    assert told
    assert WRONG not in told


async def test_a_wrong_password_is_not_told_and_the_right_one_opens_the_store() -> None:
    with local_redis() as server, redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", RIGHT)
        told = await complaint(server.url.replace("redis://", f"redis://:{WRONG}@"))
        store = store_at(server.url.replace("redis://", f"redis://:{RIGHT}@"))
        await store.open()
        await store.close()
        client.config_set("requirepass", "")

    assert told.startswith("Redis does not let this user in")
    assert WRONG not in told


@pytest.mark.parametrize("kind", [exceptions.AuthenticationError, exceptions.NoPermissionError])
async def test_not_to_be_let_in_is_an_error_of_its_own(kind: type[Exception]) -> None:
    assert isinstance(await mapped(kind("NOPERM")), AccessDenied)
