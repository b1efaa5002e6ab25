"""`engagement replay`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from streams.backtest.event_files import EventFiles, known_channels
from streams.cli.options import takes_settings
from streams.cli.refusal import Refusal
from streams.cli.replay_pace import Pace
from streams.cli.replay_progress import open_progress
from streams.cli.replay_run import Replay
from streams.kafka.access import check_rights
from streams.kafka.event_sender import EventSender
from streams.kafka.topics import ensure_topics, source_topics
from streams.settings.settings import Settings
from streams.views.wording import counted

#: The exit status of a command that Ctrl-C has ended.
INTERRUPTED = 130


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="N times as fast as it happened, by the timestamps; default: as fast as possible.",
)
@click.option("--channel", default="", metavar="NAME", help="Send every event to this channel, whatever its line says.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N events.")
@takes_settings("brokers", "policy")
def replay(
    settings: Settings, files: tuple[Path, ...], *, speed: float | None, channel: str, limit: int | None
) -> None:
    """Send events from files to their topics.

    FILES hold JSON Lines, plain or gzip: one event a line, its channel in the field "channel", or in the name of the
    file (email.jsonl). Arrays of events, and events over several lines, are read, too. Several files are merged by the
    time of their events. A line that is no event, or has no known channel, is reported and not sent. An event with a
    bad field is sent as it is: the worker decides.

    Exit status 1 if a line was not sent, or if there was nothing to send.

    Example, a day in a second: engagement replay events.jsonl.gz --speed 86400
    """
    sender = EventSender(settings)
    # A channel that a source feeds reads no events in the shape of a file.
    read = source_topics(settings.policy)
    channels = [known for known in known_channels(settings.policy) if known.topic in read]
    with EventFiles(files, channels, channel) as events:
        run = Replay(events, sender, Pace(speed) if speed else None, limit)
        try:
            asyncio.run(_run(settings, sender, run, events.total_bytes))
        finally:
            stopped = "stopped: " if run.should_stop else ""
            click.echo(f"{stopped}{counted(sender.delivered, 'event')} sent")
    if run.unsent:
        raise Refusal(f"{counted(run.unsent, 'line')} could not be sent", run.problems)
    if not sender.delivered and not run.should_stop:
        raise Refusal(f"there is no event in {', '.join(map(str, files))}")
    if run.should_stop:
        click.get_current_context().exit(INTERRUPTED)


async def _run(settings: Settings, sender: EventSender, run: Replay, total_bytes: int) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, run.stop)
    topics = source_topics(settings.policy)
    await check_rights(settings, {"Write": topics})
    await ensure_topics(settings, topics=topics)
    async with sender:
        await sender.open_topics(topics)
        with open_progress(total_bytes) as progress:
            await run.send(progress)
