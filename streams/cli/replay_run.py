"""One replay of files into topics."""

from __future__ import annotations

from typing import Protocol

from streams.backoff import StopSignal
from streams.backtest.event_files import EventFiles, EventLine
from streams.cli.replay_pace import Pace
from streams.cli.replay_progress import ReplayProgress
from streams.errors import UnreadableEvents
from streams.views.wording import printable

_REPORTED_LINES = 5
# Paced events that are due within this time are sent together.
_TICK_SECONDS = 0.02


class Sender(Protocol):
    """What a replay needs of an `EventSender`."""

    delivered: int

    def add(self, topic: str, key: bytes, value: bytes) -> bool:
        """Prepare a record; return whether the round is full."""

    async def send_round(self) -> None:
        """Send what is prepared."""

    async def settle(self) -> None:
        """Wait until everything has arrived."""


class Replay(StopSignal):
    """Reads events and sends them, at a pace or as fast as possible, until their end, a limit, or `stop`."""

    def __init__(self, events: EventFiles, sender: Sender, pace: Pace | None, limit: int | None) -> None:
        """Prepare.

        Args:
            events: open.
            sender: connected by the time of `send`.
            pace: None for as fast as possible.
            limit: the most events to send; None for all.
        """
        super().__init__()
        self._events = events
        self._sender = sender
        self._pace = pace
        self._limit = limit
        self.unsent = 0
        self.problems: list[str] = []

    async def send(self, progress: ReplayProgress) -> None:
        """Send, and wait until everything has arrived.

        Args:
            progress: shown how far it is.

        Raises:
            BrokerUnavailable: if the broker is gone.
            UnreadableEvents: if a file cannot be read to its end; what came before has been sent.
        """
        damage: UnreadableEvents | None = None
        try:
            await self._send_lines(progress)
        except UnreadableEvents as error:
            damage = error
        await self._sender.send_round()
        await self._sender.settle()
        progress.show(self._events.read_bytes, self._sender.delivered)
        if damage is not None:
            raise damage

    async def _send_lines(self, progress: ReplayProgress) -> None:
        taken = 0
        for line in self._events.lines(timed=self._pace is not None):
            if not line.topic:
                self._note(line)
                continue
            if self._pace and (delay := self._pace.delay(line.time)) > _TICK_SECONDS:
                await self._sender.send_round()
                progress.show(self._events.read_bytes, self._sender.delivered)
                await self.sleep(delay)
            if self.should_stop:
                return
            if self._sender.add(line.topic, line.customer, line.value):
                await self._sender.send_round()
                progress.show(self._events.read_bytes, self._sender.delivered)
            taken += 1
            if taken == self._limit:
                return

    def _note(self, line: EventLine) -> None:
        self.unsent += 1
        if self.unsent <= _REPORTED_LINES:
            self.problems.append(f"{line.file}:{line.number}: {printable(line.problem)}")
        elif self.unsent == _REPORTED_LINES + 1:
            self.problems.append("...")
