"""A worker that dies or freezes at a named step, or whose commits fail: `python -m tests.faults.worker_that_dies`.

The product's own parts, with the store, the publisher and the consumer's commit wrapped from outside.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import redis
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError

from streams.app import build_app, run_app
from streams.settings.settings import read_settings
from streams.store.redis.store import RedisStore

STATUS = 70
"""What the process ends with, so that it is not taken for another failure."""

#: In the order in which a round passes them. "Half-way": some of the groups, or of the messages, are through.
STEPS = (
    "after the dead letters",
    "before the write",
    "half-way through the write",
    "after the write",
    "half-way through the alerts",
    "after the alerts",
    "after noting them as published",
    "before the commit",
    "after the commit",
)

#: As a day of the clock of absence is closed: between reading the sums and storing the clock, and after that.
DAY_STEPS = ("half-way through a day's end", "after a day's end")


class Death:
    """Comes once, at the n-th time that the process is at a step with something to do there."""

    def __init__(self, step: str, after: int, *, is_sleep: bool = False, flushed: str = "") -> None:
        """Choose.

        Args:
            step: one of `STEPS`.
            after: times that the step is passed alive.
            is_sleep: freeze instead, until somebody sends SIGCONT.
            flushed: empty the Redis at this URL instead, and live on.
        """
        self._step = step
        self._left = after
        self._is_sleep = is_sleep
        self._flushed = flushed

    def comes(self, step: str) -> bool:
        """Count a step; tell whether this is the time."""
        if step != self._step:
            return False
        self._left -= 1
        return self._left == -1

    def at(self, step: str) -> None:
        """Die, if it is the time."""
        if self.comes(step):
            self.take()

    def take(self) -> None:
        """End as a killed process does, with nothing finished, flushed, or said to anyone; or what is done instead."""
        if self._flushed:
            with redis.Redis.from_url(self._flushed) as client:
                client.flushall()
        elif self._is_sleep:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            os._exit(STATUS)


class MortalStore(RedisStore):
    """The store in Redis, with a death around its writes."""

    def __init__(self, settings: Any, death: Death) -> None:
        """Prepare as `RedisStore` does."""
        super().__init__(settings)
        self._death = death
        self._move_clock = self.absences.move_clock
        self.absences.move_clock = self._mortal_move  # type: ignore[assignment, method-assign]

    async def _mortal_move(self, *arguments: Any) -> bool:
        self._death.at(DAY_STEPS[0])
        moved = await self._move_clock(*arguments)
        self._death.at(DAY_STEPS[1])
        return moved

    async def apply(self, writes: Sequence[Any], now: int) -> list[Any]:
        """Write groups."""
        if not any(write.customers for write in writes):
            return await super().apply(writes, now)
        self._death.at("before the write")
        if self._death.comes("half-way through the write"):
            # Each group of customers is written by a call of its own.
            await super().apply(writes[: max(len(writes) // 2, 1)], now)
            self._death.take()
        return await super().apply(writes, now)

    async def published(self, names: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
        """Take messages out of the outboxes."""
        await super().published(names)
        self._death.at("after noting them as published")


def make_mortal(publisher: Any, death: Death) -> None:
    """Put a death around what a publisher sends."""
    send = publisher._send

    async def mortal_send(messages: Sequence[Any]) -> None:
        letters = bool(messages) and messages[0][0] == "engagement-dead-letters"
        if messages and not letters:
            death.at("after the write")
        if len(messages) > 1 and not letters and death.comes("half-way through the alerts"):
            await send(messages[: len(messages) // 2])
            death.take()
        await send(messages)
        if messages:
            death.at("after the dead letters" if letters else "after the alerts")

    publisher._send = mortal_send


def wrap_commits(wrap: Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]) -> None:
    """Replace the commit of every consumer of this process."""
    AIOKafkaConsumer.commit = wrap(AIOKafkaConsumer.commit)


def mortal_commits(death: Death) -> Callable[..., Any]:
    """Put a death around commits."""

    def wrap(commit: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def mortal_commit(*arguments: Any) -> None:
            death.at("before the commit")
            await commit(*arguments)
            death.at("after the commit")

        return mortal_commit

    return wrap


def failing_commits(share: float) -> Callable[..., Any]:
    """Let a share of the commits fail, before or after the broker has heard of them."""

    def wrap(commit: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def failing_commit(*arguments: Any) -> None:
            fails = random.random() < share
            if not fails or random.random() < 0.5:
                await commit(*arguments)
            if fails:
                raise CommitFailedError

        return failing_commit

    return wrap


def main() -> int:
    """Run the worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at", choices=STEPS + DAY_STEPS, default="")
    parser.add_argument("--after", type=int, default=0)
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--flush", action="store_true", help="empty Redis instead of dying")
    parser.add_argument("--failing-commits", type=float, default=0.0)
    options = parser.parse_args()
    settings = read_settings(dict(os.environ))
    flushed = settings.redis_url if options.flush else ""
    death = Death(options.at, options.after, is_sleep=options.freeze, flushed=flushed)
    app = build_app(settings, MortalStore(settings, death))
    make_mortal(app.parts.engine.publisher, death)
    wrap_commits(mortal_commits(death))
    wrap_commits(failing_commits(options.failing_commits))
    return run_app(app)


if __name__ == "__main__":
    sys.exit(main())
