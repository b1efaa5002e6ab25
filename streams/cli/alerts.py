"""`engagement alerts`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

import click
from aiokafka import ConsumerRecord
from rich.console import Console

from streams.cli.options import takes_settings
from streams.kafka.topic_follower import tail_topics
from streams.settings.settings import Settings
from streams.topic_names import ALERTS, BAND_CHANGES, FEED_ALERTS, SHADOW_TOPICS, SIGNALS
from streams.views.alert_line import alert_line


@click.command()
@click.option("--from-beginning", is_flag=True, help="Begin with the oldest that Kafka has, not with the next.")
@click.option("--band-changes", is_flag=True, help="Follow every change of band instead, up or down.")
@click.option("--signals", is_flag=True, help="Follow the signals of the policy instead.")
@click.option("--shadow", is_flag=True, help="Follow what the shadow policy raises instead, alerts and signals.")
@click.option(
    "--feeds", is_flag=True, help="Follow the feeds that fall silent, and the figures that miss their targets, instead."
)
@click.option("--json", "as_json", is_flag=True, help="For machines: each message as it is, one JSON object a line.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="End after N messages.")
@takes_settings("brokers", "namespace")
def alerts(
    settings: Settings,
    *,
    from_beginning: bool,
    band_changes: bool,
    signals: bool,
    shadow: bool,
    feeds: bool,
    as_json: bool,
    limit: int | None,
) -> None:
    """Follow the churn-risk alerts.

    One line for each alert and each recovery, until Ctrl-C.

    Example: engagement alerts --from-beginning --limit 10
    """
    options = (
        ("--band-changes", band_changes, [BAND_CHANGES]),
        ("--signals", signals, [SIGNALS]),
        ("--shadow", shadow, [*SHADOW_TOPICS]),
        ("--feeds", feeds, [FEED_ALERTS]),
    )
    chosen = [(option, topics) for option, given, topics in options if given]
    if len(chosen) > 1:
        names = " and ".join([option for option, _ in chosen])
        raise click.UsageError(f"{names} are several topics; choose one")
    topics = chosen[0][1] if chosen else [ALERTS]
    asyncio.run(_follow(settings, topics, from_beginning=from_beginning, as_json=as_json, limit=limit))


async def _follow(
    settings: Settings, topics: list[str], *, from_beginning: bool, as_json: bool, limit: int | None
) -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C is how following ends
        async with tail_topics(settings, [*map(settings.written, topics)], from_beginning=from_beginning) as records:
            await _print(records, as_json=as_json, limit=limit)


async def _print(records: AsyncIterator[ConsumerRecord], *, as_json: bool, limit: int | None) -> None:
    console = Console(highlight=False, soft_wrap=True)
    shown = 0
    async for record in records:
        if as_json:
            click.echo(record.value or b"")
        else:
            console.print(alert_line(record.value or b""))
        shown += 1
        if shown == limit:
            return
