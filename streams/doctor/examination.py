"""Runs checks one after another, none for longer than it may take.

Rests on decision 62.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

from streams.doctor.configuration import Configuration
from streams.doctor.finding import Finding, Level, Untold, not_checked, wrong
from streams.errors import StreamsError

#: Seconds that a check which has been given up may take to close its connections.
_CLOSING = 1.0


class Check(NamedTuple):
    """One check: `run` looks and says what it finds; `needs` are the checks without which it cannot look."""

    name: str
    run: Callable[[Configuration], Awaitable[Sequence[Finding]]]
    needs: tuple[str, ...] = ()


async def examine(
    checks: Iterable[Check], configuration: Configuration, seconds: float
) -> AsyncIterator[tuple[str, Sequence[Finding]]]:
    """Run checks.

    Args:
        checks: each after those that it needs.
        configuration: the settings.
        seconds: that one check may take.

    Yields:
        The name of each check with what it found, once it has ended.
    """
    failed: set[str] = set()
    for check in checks:
        missing = [name for name in check.needs if name in failed]
        findings = (
            [not_checked(f"cannot be looked at before this is right: {', '.join(missing)}")]
            if missing
            else await _within(check.run(configuration), seconds)
        )
        if missing or any(finding.level is Level.WRONG for finding in findings):
            failed.add(check.name)
        yield check.name, findings


async def _within(looking: Awaitable[Sequence[Finding]], seconds: float) -> Sequence[Finding]:
    task: asyncio.Future[Sequence[Finding]] = asyncio.ensure_future(looking)
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        # Not waited for without an end: a client may hang while it is being closed, too.
        task.cancel()
        await asyncio.wait([task], timeout=_CLOSING)
        task.add_done_callback(_forget)
        return [wrong(f"no answer within {seconds:g} s", "Look at the network, or give it more time with --within")]
    try:
        return task.result()
    except Untold as error:
        return [not_checked(str(error))]
    except (StreamsError, OSError) as error:
        return [wrong(str(error))]
    except asyncio.CancelledError:
        # Of the check: had it been this one, it would have been cancelled while it waited.
        return [wrong("a client has given up without a reason")]


def _forget(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
