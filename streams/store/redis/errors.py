"""What becomes of the errors of the Redis client, and of refusals: errors of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence

from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterCrossSlotError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from streams.errors import AccessDenied, FenceMoved, StoreUnavailable, StreamsError, UnsafeStore, VersionMoved
from streams.store.redis.server import IN_CLUSTER
from streams.store.redis.wire import Words

# Answers that pass: the server is loading, failing over, full, or busy with a script.
_PASSING = ("LOADING", "READONLY", "OOM", "BUSY", "MASTERDOWN", "MISCONF", "NOREPLICAS")
# The client takes the code off these answers, and makes an error of a kind of its own of each.
_CODES: dict[type[RedisError], str] = {
    OutOfMemoryError: "OOM",
    ReadOnlyError: "READONLY",
}
# Only the nodes of a cluster answer so; what moves a slot to another node is an `AskError`, too.
_OF_CLUSTERS = (AskError, ClusterCrossSlotError, ClusterDownError, TryAgainError)


def mapped(error: RedisError | OSError, needed: str = "") -> StreamsError:
    """Turn an error of the client into one of the contract.

    Args:
        error: that the client raised.
        needed: the right without which the call is forbidden, in words; '' if the error itself tells.

    Returns:
        A `TransientError` if the fault passes.
    """
    if isinstance(error, _OF_CLUSTERS):
        return UnsafeStore(f"{IN_CLUSTER}. It answers: {type(error).__name__.removesuffix('Error')} {error}")
    if denied := _denied(error, needed):
        return AccessDenied(denied)
    if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
        return StoreUnavailable(f"Redis does not answer: {error}")
    passing = isinstance(error, ResponseError) and type(error) is not ResponseError
    if passing or str(error).startswith(_PASSING):
        code = _CODES.get(type(error), "")
        return StoreUnavailable(f"Redis refuses at the moment: {code} {error}".replace("  ", " "))
    return StreamsError(f"Redis refuses: {error}")


def _denied(error: RedisError | OSError, needed: str) -> str:
    """Say what the server does not let its user do; '' if the error is another."""
    if isinstance(error, NoPermissionError) and needed:
        return f"{missing_rights([needed])}: {error}"
    if isinstance(error, AuthenticationError | NoPermissionError):
        return f"Redis does not let this user in, or forbids something: {error}"
    if isinstance(error, RedisConnectionError | OSError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"the certificate of Redis is not to be trusted: {error}"
    if "user executing the script" in str(error):
        return f"Redis forbids something to this user: {error}"
    return ""


def missing_rights(rights: Sequence[str]) -> str:
    """Say which rights a user of Redis lacks.

    Args:
        rights: in words.
    """
    return (
        f"Redis does not let this user do what is needed. Missing: {', '.join(rights)}. "
        "deploy/RUNBOOK.md lists the least rights"
    )


def naming(error: RedisError, words: Words) -> RedisError:
    """Name the key of an answer that does not: it holds something else than the service puts there.

    Args:
        error: that the server answered.
        words: of the command.
    """
    if not str(error).startswith("WRONGTYPE Operation"):
        return error
    where = f"{words[3]}, or a key that belongs to it," if words[0] == "FCALL" else words[1]
    return ResponseError(f"WRONGTYPE {where} holds a value of another kind than the service puts there")


def lost_library(error: BaseException) -> bool:
    """Return whether the server does not know a function that had been loaded: it was emptied, or is another one."""
    return isinstance(error, ResponseError) and "Function not found" in str(error)


def refusal(answer: Sequence[str]) -> FenceMoved | VersionMoved | None:
    """Read what the function `apply` answers.

    Args:
        answer: of the function.

    Returns:
        Why the write was refused; None if it was not.

    Raises:
        StoreUnavailable: if nobody may write at the moment.
    """
    if not answer:
        return None
    if answer[0] == "held":
        raise StoreUnavailable("no scores are written at the moment: a rebuild is putting its own in place")
    if answer[0] == "policy":
        return FenceMoved("another policy is in force than the one by which customers were judged")
    if answer[0] == "fence":
        return FenceMoved(f"the fence of {answer[1]} stands at {answer[2] or 'nothing'}")
    return VersionMoved(answer[1:])
