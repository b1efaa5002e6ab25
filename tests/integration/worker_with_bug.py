"""A worker that fails in a way of its own: `python -m tests.integration.worker_with_bug PLACE`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from streams.app import build_app, run_app
from streams.ingest.event_decoding import Decoder
from streams.settings.settings import read_settings
from streams.worker.faust_app import EngagementApp

BUG = "the bug of this test"


def raise_bug(*_arguments: Any, **_options: Any) -> Any:
    """Fail as code with a mistake in it does."""
    raise ZeroDivisionError(BUG)


async def raise_bug_later(*_arguments: Any, **_options: Any) -> Any:
    """Fail so where something is awaited."""
    await asyncio.sleep(0)
    raise_bug()


def in_the_agent(_app: EngagementApp) -> None:
    """Fail where a batch is decoded."""
    Decoder.decode = raise_bug  # type: ignore[method-assign]


def in_the_pipeline(app: EngagementApp) -> None:
    """Fail where a round is scored."""
    app.parts.engine.scorer.store = raise_bug_later  # type: ignore[method-assign]


def in_the_timer(app: EngagementApp) -> None:
    """Fail where the timer takes a turn."""
    app.parts.timer.turn = raise_bug_later  # type: ignore[method-assign]


def at_the_start(app: EngagementApp) -> None:
    """Fail before the first record is taken."""
    app.parts.engine.store.open = raise_bug_later  # type: ignore[method-assign]


def in_the_assignment(app: EngagementApp) -> None:
    """Fail where partitions are given to the worker."""
    app.offsets_to_start = raise_bug_later  # type: ignore[method-assign]


def _in_a_task_of_the_client(name: str) -> Any:
    def break_it(app: EngagementApp) -> None:
        async def break_later() -> None:
            await app.sleep(5.0)
            consumer = app.consumer_thread._consumer
            task = {
                "fetcher": lambda: consumer._fetcher,
                "coordinator": lambda: consumer._coordinator,
                "metadata": lambda: consumer._client,
            }[name]()
            method = {
                "fetcher": "_get_actions_per_node",
                "coordinator": "ensure_active_group",
                "metadata": "_metadata_update",
            }[name]
            setattr(task, method, raise_bug)
            if name == "coordinator":
                app.consumer_thread.thread_loop.call_soon_threadsafe(task.request_rejoin)

        app.task(break_later)

    return break_it


PLACES = {
    "agent": in_the_agent,
    "pipeline": in_the_pipeline,
    "timer": in_the_timer,
    "start": at_the_start,
    "assignment": in_the_assignment,
    "fetcher": _in_a_task_of_the_client("fetcher"),
    "coordinator": _in_a_task_of_the_client("coordinator"),
    "metadata": _in_a_task_of_the_client("metadata"),
}


def main() -> int:
    """Run the worker."""
    app = build_app(read_settings(dict(os.environ)))
    PLACES[sys.argv[1]](app)
    return run_app(app)


if __name__ == "__main__":
    sys.exit(main())
