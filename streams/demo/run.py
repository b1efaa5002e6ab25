"""Runs the demonstration: sends the traffic, watches what comes of it, and draws it until the end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable

from scoring.instants import SECOND
from streams.demo.board import Board, CustomerRow
from streams.demo.records import record_of
from streams.demo.stack import Stack
from streams.demo.traffic import CUSTOMERS, customer_names, traffic, watched
from streams.kafka.event_sender import EventSender
from streams.kafka.topic_follower import tail_topics
from streams.settings.settings import Settings
from streams.store.protocol import CustomerRecord
from streams.store.redis.store import RedisStore
from streams.topic_names import ALERTS, DEAD_LETTERS

_SEND_SECONDS = 0.05
_LOOK_SECONDS = 0.25
# For what the worker published last to be read.
_LAST_SECONDS = 0.5


async def run(stack: Stack, board: Board, seconds: float | None, draw: Callable[[], None]) -> None:
    """Run until the time is over, Ctrl-C, or the worker's end.

    Args:
        stack: running; its worker is stopped in the end.
        board: is filled.
        seconds: None for no end.
        draw: called four times a second.

    Raises:
        WorkerEndedError: if the worker ends before it is told to.
        StreamsError: if the broker or the store does not answer.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    store = RedisStore(stack.settings)
    try:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(_follow(stack.settings, board))
            sending = tasks.create_task(_send(stack.settings, board, stop))
            while not stop.is_set():
                if stack.worker_status is not None:
                    raise stack.worker_ended()
                await _look(store, board)
                draw()
                await _pause(stop, _LOOK_SECONDS)
            board.end()
            await sending
            await asyncio.to_thread(stack.stop_worker)
            await asyncio.sleep(_LAST_SECONDS)
            following.cancel()
        await _look(store, board)
    except ExceptionGroup as failures:
        # One thing that fails, fails others after it.
        raise failures.exceptions[0] from failures
    finally:
        await store.close()


async def _send(settings: Settings, board: Board, stop: asyncio.Event) -> None:
    policy = settings.policy
    topics = {channel.name: policy.topics_of(channel)[0] for channel in policy.channels}
    began, bad = time.time_ns() // 1_000, 0
    async with EventSender(settings) as sender:
        await sender.open_topics(list(topics.values()))
        happenings = traffic()
        coming = next(happenings)
        while not stop.is_set():
            elapsed = (time.time_ns() // 1_000 - began) / SECOND
            while coming.at <= elapsed:
                bad += bool(coming.value)
                sender.add(topics[coming.channel], coming.customer.encode(), record_of(coming, began))
                coming = next(happenings)
            await sender.send_round()
            await sender.settle()
            board.note_sent(sender.delivered, bad)
            await _pause(stop, _SEND_SECONDS)


async def _follow(settings: Settings, board: Board) -> None:
    alerts, letters = settings.written(ALERTS), settings.written(DEAD_LETTERS)
    async with tail_topics(settings, [alerts, letters], from_beginning=True) as records:
        async for record in records:
            if record.topic == letters:
                board.dead_letters += 1
            else:
                board.note_alert(record.value)


async def _look(store: RedisStore, board: Board) -> None:
    board.bands = await store.band_counts()
    names = watched(customer_names(CUSTOMERS))
    board.rows = {name: _row_of(await store.read(name)) for name in names}


def _row_of(record: CustomerRecord | None) -> CustomerRow | None:
    if record is None:
        return None
    return CustomerRow(float(record.fields["score"]), float(record.fields["trend"]), record.fields["band"])


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
