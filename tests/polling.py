"""Waiting for something to become true, with a deadline and without long sleeps."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

INTERVAL = 0.02


async def poll_until(
    predicate: Callable[[], Any],
    timeout: float = 30.0,  # noqa: ASYNC109 - the deadline belongs to the poll: it reports what it last saw
) -> Any:
    """Call a predicate, plain or async, until it returns something true.

    Args:
        predicate: What to wait for.
        timeout: Seconds to wait at most.

    Returns:
        The first true result.

    Raises:
        AssertionError: If the time is over; it names the last result.
    """
    deadline = time.monotonic() + timeout
    while True:
        result = predicate()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        _check(deadline, timeout, predicate, result)
        await asyncio.sleep(INTERVAL)


def wait_until(predicate: Callable[[], T], timeout: float = 30.0) -> T:
    """Call a predicate until it returns something true, blocking.

    Args:
        predicate: What to wait for.
        timeout: Seconds to wait at most.

    Returns:
        The first true result.

    Raises:
        AssertionError: If the time is over; it names the last result.
    """
    deadline = time.monotonic() + timeout
    while not (result := predicate()):
        _check(deadline, timeout, predicate, result)
        time.sleep(INTERVAL)
    return result


def _check(deadline: float, timeout: float, predicate: object, last: object) -> None:
    if time.monotonic() >= deadline:
        name = getattr(predicate, "__qualname__", predicate)
        raise AssertionError(f"{name} was not true within {timeout:g} s; last it was {last!r}")
