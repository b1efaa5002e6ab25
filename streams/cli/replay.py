"""`engagement replay`."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

import click

from streams.cli.event_lines import EventFiles, EventLine
from streams.cli.event_sender import EventSender
from streams.cli.options import takes_settings
from streams.cli.refusal import Refusal
from streams.cli.replay_pace import Pace
from streams.cli.replay_progress import ReplayProgress, open_progress
from streams.cli.wording import counted, printable
from streams.settings import Settings
from streams.topics import ensure_topics

INTERRUPTED = 130
_REPORTED_LINES = 5
# Paced events that are due within this time are sent together.
_TICK_SECONDS = 0.02


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="N times as fast as it happened, by the timestamps; without it, as fast as possible.",
)
@click.option("--channel", default="", metavar="NAME", help="Channel of every line, whatever the lines say.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after so many events.")
@takes_settings("brokers", "policy")
def replay(
    settings: Settings, files: tuple[Path, ...], *, speed: float | None, channel: str, limit: int | None
) -> None:
    """Send events from files to their topics.

    FILES hold JSON Lines, plain or gzip: one event a line, its channel in the field "channel", or in the name of the
    file (email.jsonl). Several files are read in step by the time of their events. A line that is bad but whose
    channel is known is sent as it is, for the worker to judge; one without a known channel is reported, and the exit
    status is 1.

    Example, a day in a second: engagement replay events.jsonl.gz --speed 86400
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters of it is in the error
    with EventFiles(files, settings.policy.channels, channel) as events:
        run = Replay(settings, events, Pace(speed) if speed else None, limit)
        try:
            asyncio.run(run.run())
        finally:
            stopped = "stopped: " if run.stopped else ""
            click.echo(f"{stopped}{counted(run.sent, 'event')} sent")
    if run.unsent:
        raise Refusal(f"{counted(run.unsent, 'line')} could not be sent", run.problems)
    if run.stopped:
        click.get_current_context().exit(INTERRUPTED)


class Replay:
    """One replay of files into topics."""

    def __init__(self, settings: Settings, events: EventFiles, pace: Pace | None, limit: int | None) -> None:
        """Prepare.

        Args:
            settings: name the brokers and the topics.
            events: open.
            pace: None for as fast as possible.
            limit: the most events to send; None for all.
        """
        self._settings = settings
        self._events = events
        self._pace = pace
        self._limit = limit
        self._stop = asyncio.Event()
        self.sent = 0
        self.unsent = 0
        self.problems: list[str] = []

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C ended the replay."""
        return self._stop.is_set()

    async def run(self) -> None:
        """Send until the files or the limit end, or Ctrl-C comes.

        Raises:
            BrokerUnavailable: if the broker is not there, or goes.
            Refusal: if a file cannot be read to its end; what came before has been sent.
        """
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._stop.set)
        await ensure_topics(self._settings)
        async with EventSender(self._settings.kafka_brokers) as sender:
            await sender.open_topics([channel.topic for channel in self._settings.policy.channels])
            try:
                with open_progress(self._events.total_bytes) as progress:
                    await self._send_and_settle(sender, progress)
            finally:
                self.sent = sender.delivered

    async def _send_and_settle(self, sender: EventSender, progress: ReplayProgress) -> None:
        damage: Refusal | None = None
        try:
            await self._send(sender, progress)
        except Refusal as error:
            damage = error
        await sender.send_round()
        await sender.settle()
        progress.show(self._events.read_bytes, sender.delivered)
        if damage is not None:
            raise damage

    async def _send(self, sender: EventSender, progress: ReplayProgress) -> None:
        taken = 0
        for line in self._events.lines(timed=self._pace is not None):
            if not line.topic:
                self._note(line)
                continue
            if self._pace and (delay := self._pace.delay(line.time)) > _TICK_SECONDS:
                await sender.send_round()
                progress.show(self._events.read_bytes, sender.delivered)
                await self._sleep(delay)
            if self.stopped:
                return
            if sender.add(line.topic, line.customer, line.value):
                await sender.send_round()
                progress.show(self._events.read_bytes, sender.delivered)
            taken += 1
            if taken == self._limit:
                return

    def _note(self, line: EventLine) -> None:
        self.unsent += 1
        if self.unsent <= _REPORTED_LINES:
            self.problems.append(f"{line.file}:{line.number}: {printable(line.problem)}")
        elif self.unsent == _REPORTED_LINES + 1:
            self.problems.append("...")

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
