"""`engagement policy compare`."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import orjson

from scoring.events.event import MOST_AHEAD
from scoring.instants import format_duration
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from streams.backtest.alert_comparison import History, compare_alerts
from streams.backtest.event_files import EventFiles, EventLine, known_channels
from streams.cli.options import takes_settings
from streams.cli.policy_compare_live import compare_running
from streams.cli.progress import open_offset_progress
from streams.cli.refusal import Refusal
from streams.policies.band_moves import BandMoves, compare_live
from streams.settings.policy_source import read_policy
from streams.settings.settings import Settings
from streams.store.redis.reading import score_reader
from streams.views.policy_compare_view import alerts_document, moves_document, print_alerts, print_moves
from streams.views.wording import counted

_CHUNK = 20_000
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("old", type=_FILE, required=False)
@click.argument("new", type=_FILE, required=False)
@click.option("--live", is_flag=True, help="Compare the shadow policy that is running with the policy in force.")
@click.option("--outcomes", type=_FILE, metavar="FILE", help="With --live: who churned, as for `engagement validate`.")
@click.option(
    "--replay",
    "files",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="Compare the alerts of these events instead, as for `engagement replay`; may be given several times.",
)
@click.option(
    "--limit",
    default=10,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="Show at most N customers or alerts of each kind.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_settings("brokers", "redis", "namespace")
def compare(
    settings: Settings,
    old: Path | None,
    new: Path | None,
    *,
    live: bool,
    outcomes: Path | None,
    files: tuple[Path, ...],
    limit: int,
    as_json: bool,
) -> None:
    """Show what would change with another policy, and change nothing.

    Scores all customers in Redis by both policies, and counts who would move between bands. With --replay, judges the
    events of files by both, on the stream clock and without Redis, and shows which alerts would come or go.

    With --live, OLD is the policy in force and NEW the shadow policy: shows since when the shadow runs, who is in
    another band by it, which alerts only one of them raised and, with --outcomes, whose were right.

    Example: engagement policy compare policy.toml new.toml
    """
    if live:
        if old is not None or files:
            raise click.UsageError("--live compares what is running: it takes no policies and no --replay")
        compare_running(settings, outcomes, limit, as_json=as_json)
        return
    if old is None or new is None:
        raise click.UsageError("name two policies, or give --live")
    if outcomes is not None:
        raise click.UsageError("--outcomes goes with --live; engagement validate judges a policy on a history")
    policies = read_policy(str(old)), read_policy(str(new))
    if files:
        before, after = _judged_by(files, *policies)
        alerts = compare_alerts(before.alerts, after.alerts, policies[0].length)
        if as_json:
            click.echo(orjson.dumps(alerts_document(alerts)))
        else:
            print_alerts(alerts, limit, *_said(len(before.customers | after.customers), before.bad))
        return
    moves = asyncio.run(_compare(settings, *policies, limit))
    if as_json:
        click.echo(orjson.dumps(moves_document(moves, moves.largest, "largest")))
    else:
        print_moves(*policies, moves)


async def _compare(settings: Settings, old: Policy, new: Policy, limit: int) -> BandMoves:
    reader, moves = score_reader(settings, old), BandMoves(old, new, limit)
    try:
        await reader.open_readonly()
        stored = await reader.pane() or format_duration(old.pane)
        for policy in (old, new):
            if format_duration(policy.pane) != stored:
                pane = format_duration(policy.pane)
                raise Refusal(
                    f"window.pane of {policy.version!r} is {pane}, and the stored counts lie in panes of {stored}: "
                    "compare on a replay, with --replay"
                )
        with open_offset_progress("customers") as show:
            await compare_live(reader, moves, show)
    finally:
        await reader.close()
    if moves.unreadable:
        click.echo(f"{counted(moves.unreadable, 'customer')} left out who cannot be read", err=True)
    return moves


def _judged_by(files: Sequence[Path], old: Policy, new: Policy) -> tuple[History, History]:
    channels = {channel.name: channel for channel in (*known_channels(old), *known_channels(new))}
    # Only names matter here: two policies may read a channel from different topics.
    named = [Channel(name, name, ()) for name in channels]
    histories = History(old), History(new)
    latest = time.time_ns() // 1_000 + MOST_AHEAD
    read = 0
    with EventFiles(files, named) as events, open_offset_progress("events") as show:
        lines = events.lines(timed=True)
        while chunk := list(itertools.islice(lines, _CHUNK)):
            values = list(_values(chunk))
            for history in histories:
                history.apply(values, latest)
            read += len(values)
            show(events.read_bytes, events.total_bytes, read)
    for history in histories:
        history.finish()
    return histories


def _values(lines: Iterable[EventLine]) -> Iterable[tuple[str, object]]:
    for line in lines:
        if line.topic:
            yield line.topic, orjson.loads(line.value)
        else:
            yield line.default, None


def _said(customers: int, bad: int) -> Iterator[str]:
    yield f"{counted(customers, 'customer')} in the history"
    if bad:
        yield f"{counted(bad, 'line')} left out, as a worker would make dead letters of them"
