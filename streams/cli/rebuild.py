"""`engagement rebuild`."""

from __future__ import annotations

import asyncio
import time

import click
import orjson

from streams.cli.options import takes_settings
from streams.cli.progress import ShowOffsets, open_offset_progress
from streams.cli.refusal import Refusal
from streams.kafka.access import check_rights
from streams.kafka.topics import ensure_topics, read_topics
from streams.rebuild.rebuild import Rebuild, Result
from streams.settings.settings import Settings
from streams.topic_names import ERASURES
from streams.views.wording import counted, moment, printable

_SHOWN = 20
_LINE_SECONDS = 2.0


class _Screen:
    """Shows progress on stderr."""

    def __init__(self, show: ShowOffsets) -> None:
        self._show = show
        self._next = time.monotonic() + _LINE_SECONDS

    def reading(self, passed: int, total: int, events: int) -> None:
        self._show(passed, total, events)

    def comparing(self, customers: int, differing: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LINE_SECONDS
            click.echo(f"{counted(customers, 'customer')} compared, {differing:,} to be looked at again", err=True)

    def replacing(self, customers: int) -> None:
        click.echo(f"holding the workers to look at {counted(customers, 'customer')} again", err=True)


@click.command()
@click.option("--from-beginning", is_flag=True, help="Read all that the log holds, not only window and trend.")
@click.option("--dry-run", is_flag=True, help="Compare, and replace nothing; exit status 1 if something differs.")
@click.option("--figures", is_flag=True, help="Add up the figures over all customers, too; holds the workers longer.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object for each customer who differs.")
@takes_settings("brokers", "redis", "policy", "namespace", "clock")
def rebuild(settings: Settings, *, from_beginning: bool, dry_run: bool, figures: bool, as_json: bool) -> None:
    """Compare the scores with the log, and replace those that differ.

    Computes all scores anew from the log under NAMESPACE.rebuild, while the workers go on and applications read. Then
    the workers are held for a moment, and each customer who differs is replaced in one step. A run that was killed is
    taken up by the next one.

    Example: engagement rebuild --dry-run
    """
    result = asyncio.run(_rebuild(settings, from_beginning=from_beginning, figures=figures, dry=dry_run))
    _print(result, as_json=as_json, dry=dry_run)
    if dry_run and (result.differences or result.figures):
        raise Refusal("the scores are not what the log says: run it again without --dry-run")


async def _rebuild(settings: Settings, *, from_beginning: bool, figures: bool, dry: bool) -> Result:
    erasures = settings.written(ERASURES)
    topics = (*read_topics(settings.policy), erasures)
    await check_rights(settings, {"Read": topics, "Write": [erasures]})
    await ensure_topics(settings, topics=topics)
    with open_offset_progress("events") as show:
        return await Rebuild(settings, _Screen(show), from_beginning=from_beginning, figures=figures).run(dry=dry)


def _print(result: Result, *, as_json: bool, dry: bool) -> None:
    if as_json:
        for customer, words in sorted(result.differences.items()):
            click.echo(orjson.dumps({"customer_id": customer, "differences": words}))
        if result.figures:
            click.echo(orjson.dumps({"figures": result.figures}))
        return
    for customer, words in sorted(result.differences.items())[:_SHOWN]:
        click.echo(f"{printable(customer)}: {printable('; '.join(words))}")
    if len(result.differences) > _SHOWN:
        click.echo(f"and {len(result.differences) - _SHOWN:,} more")
    for figure in result.figures:
        click.echo(f"figures over all customers, {figure}")
    done = "differ" if dry else "differed and have been replaced"
    click.echo(
        f"{counted(result.compared, 'customer')} compared as of {moment(result.time)}: "
        f"{len(result.differences):,} {done}"
    )
