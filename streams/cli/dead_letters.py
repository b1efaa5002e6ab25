"""`engagement dead-letters list`, `show` and `replay`."""

from __future__ import annotations

import asyncio
import functools
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from scoring.instants import MILLISECOND
from streams.cli.options import takes_settings
from streams.cli.parameters import MOMENT
from streams.cli.progress import open_offset_progress
from streams.cli.refusal import Refusal
from streams.cli.replay import INTERRUPTED
from streams.dead_letters.ledger import ReplayLedger, read_replayed
from streams.dead_letters.letter import Letter, LetterFilter, read_letter
from streams.dead_letters.replay import LetterReplay, ReplayCounts
from streams.kafka.access import check_rights
from streams.kafka.topic_range import open_range
from streams.kafka.topics import ensure_topics, read_topics
from streams.settings.settings import Settings
from streams.topic_names import DEAD_LETTER_REPLAYS, DEAD_LETTERS, ERASURES
from streams.views.dead_letter_view import letter_document, letter_line, readable
from streams.views.tables import plain_table
from streams.views.wording import counted, moment, printable

_READ = (DEAD_LETTERS, DEAD_LETTER_REPLAYS)
#: Kinds of dead letters that are named where none was meant.
_SHOWN = 20
_PLACE = re.compile(r"(\d{1,9}):(\d{1,18})")


@click.group()
def dead_letters() -> None:
    """List, show and replay the records that could not be scored."""


def _takes_choice(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which letters are meant; it is called with `choice`."""

    @functools.wraps(command)
    def with_choice(
        *, reason: tuple[str, ...], topic: tuple[str, ...], since: int | None, until: int | None, **values: Any
    ) -> Any:
        if since is not None and until is not None and until <= since:
            raise click.UsageError("--until must be later than --since")
        return command(choice=LetterFilter(reason, topic, since or 0, until), **values)

    wrapped: Callable[..., Any] = with_choice
    moment_help = "a time (RFC 3339), or an age such as 2h."
    for option in (
        click.option("--until", type=MOMENT, metavar="TIME", help=f"Dead-lettered before: {moment_help}"),
        click.option("--since", type=MOMENT, metavar="TIME", help=f"Dead-lettered at or after: {moment_help}"),
        click.option("--topic", multiple=True, metavar="TOPIC", help="Only those from this topic; may be repeated."),
        click.option("--reason", multiple=True, metavar="REASON", help="Only this dlq.reason; may be repeated."),
    ):
        wrapped = option(wrapped)
    return wrapped


@dead_letters.command("list")
@_takes_choice
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="End after N dead letters.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line, with the record.")
@takes_settings("brokers", "namespace")
def list_letters(settings: Settings, choice: LetterFilter, *, limit: int | None, as_json: bool) -> None:
    """List the dead letters that are there now.

    Each with its place (partition:offset), by which show finds it. At the end they are counted by reason.

    Example: engagement dead-letters list --reason timestamp_in_future --since 2h
    """
    asyncio.run(_list(settings, choice, limit=limit, as_json=as_json))


async def _list(settings: Settings, choice: LetterFilter, *, limit: int | None, as_json: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    await check_rights(settings, {"Read": [settings.written(topic) for topic in _READ]})
    replayed = await read_replayed(settings)
    reasons: Counter[str] = Counter()
    others: Counter[str] = Counter()
    async with open_range(
        settings, settings.written(DEAD_LETTERS), since_ms=choice.since // MILLISECOND or None
    ) as topic:
        async for records in topic.batches():
            for letter in map(read_letter, records):
                if letter is None:
                    continue
                if not choice.takes(letter):
                    others[f"{printable(letter.reason)} from {printable(letter.topic)}"] += 1
                    continue
                _print_letter(console, letter, replayed, as_json=as_json)
                reasons[letter.reason] += 1
                if reasons.total() == limit:
                    break
            if reasons.total() == limit:
                break
    if not as_json:
        by_reason = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
        click.echo(counted(reasons.total(), "dead letter") + (f": {by_reason}" if by_reason else ""), err=True)
    if others and not reasons:
        there = ", ".join(f"{what} {count:,}" for what, count in others.most_common(_SHOWN))
        click.echo(f"none is what was asked for; there are {there}", err=True)


def _print_letter(console: Console, letter: Letter, replayed: ReplayLedger, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(letter_document(letter, replayed=letter in replayed)))
    else:
        console.print(letter_line(letter, replayed=letter in replayed))


@dead_letters.command("show")
@click.argument("place", metavar="PLACE")
@click.option("--value", "only_value", is_flag=True, help="Only the value of the record, byte for byte.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_settings("brokers", "namespace")
def show_letter(settings: Settings, place: str, *, only_value: bool, as_json: bool) -> None:
    """Show one dead letter whole.

    PLACE is what list prints first: partition:offset in the topic of dead letters.

    Example: engagement dead-letters show 3:1042
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        raise click.BadParameter("not partition:offset, such as 3:1042", param_hint="PLACE")
    letter, replayed = asyncio.run(_find(settings, int(match[1]), int(match[2])))
    if letter is None:
        raise Refusal(f"no dead letter stands at {place}")
    if only_value:
        sys.stdout.buffer.write(letter.value or b"")
    elif as_json:
        click.echo(orjson.dumps(letter_document(letter, replayed=letter in replayed)))
    else:
        Console(highlight=False, soft_wrap=True).print(_letter_table(letter, replayed))


async def _find(settings: Settings, partition: int, offset: int) -> tuple[Letter | None, ReplayLedger]:
    await check_rights(settings, {"Read": [settings.written(topic) for topic in _READ]})
    replayed = await read_replayed(settings)
    async with open_range(settings, settings.written(DEAD_LETTERS), only=(partition, offset)) as topic:
        async for records in topic.batches():
            for record in records:
                return read_letter(record), replayed
    return None, replayed


def _letter_table(letter: Letter, replayed: ReplayLedger) -> Table:
    rows = {
        "place": letter.place,
        "time": moment(letter.time),
        "reason": letter.reason,
        "detail": printable(letter.detail),
        "record": f"{printable(letter.topic)}, partition {letter.source_partition}, offset {letter.source_offset}",
        "replays": f"{letter.replays} before" + (", and once since" if letter in replayed else ""),
        "key": readable(letter.key) or "none",
        **{f"header {printable(name)}": readable(content) for name, content in letter.headers},
        "value": readable(letter.value) or "none",
    }
    table = plain_table(header=False)
    for name, content in rows.items():
        table.add_row(name, content)
    return table


@dead_letters.command("replay")
@_takes_choice
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Send at most N records.")
@click.option(
    "--max-replays",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Leave out what has been replayed N times and came back each time.",
)
@click.option("--dry-run", is_flag=True, help="Report what would be sent, and send nothing.")
@takes_settings("brokers", "policy", "namespace")
def replay_letters(
    settings: Settings, choice: LetterFilter, *, limit: int | None, max_replays: int, dry_run: bool
) -> None:
    """Send dead letters back to their topics, each once.

    The record goes as it was, key, value and headers, to the topic in dlq.topic; its header dlq.replays counts the
    replays. What has been replayed is noted in the same transaction, so a second run, also after an interruption,
    sends nothing again.

    Example: engagement dead-letters replay --reason timestamp_in_future --dry-run
    """
    replay = LetterReplay(settings, choice, limit=limit, most_replays=max_replays)
    try:
        asyncio.run(_replay(settings, replay, dry=dry_run))
    finally:
        _print_counts(replay.counts, "would be replayed" if dry_run else "replayed", stopped=replay.should_stop)
    if replay.should_stop:
        click.get_current_context().exit(INTERRUPTED)


async def _replay(settings: Settings, replay: LetterReplay, *, dry: bool) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, replay.stop)
    read = {"Read": [settings.written(topic) for topic in (*_READ, ERASURES)]}
    written = (*read_topics(settings.policy), settings.written(DEAD_LETTER_REPLAYS))
    await check_rights(settings, read if dry else {**read, "Write": written})
    if not dry:
        await ensure_topics(settings, topics=written)
    with open_offset_progress("dead letters") as show:
        await replay.run(show, dry=dry)


def _print_counts(counts: ReplayCounts, done: str, *, stopped: bool) -> None:
    topics = ", ".join(f"{printable(topic)} {count:,}" for topic, count in sorted(counts.sent.items()))
    reasons = ", ".join(f"{printable(reason)} {count:,}" for reason, count in counts.reasons.most_common())
    total = counted(counts.sent.total(), "dead letter")
    click.echo(("stopped: " if stopped else "") + f"{total} {done}" + (f": {topics} ({reasons})" if topics else ""))
    for why, count in counts.left_out.most_common():
        click.echo(f"left out: {count:,} {why}")
