"""`engagement gaps show` and `engagement gaps accept`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from streams.cli.options import takes_settings
from streams.cli.refusal import Refusal
from streams.errors import FenceMoved
from streams.ingest.gaps import Gap, accept_gap, find_gaps
from streams.kafka.topics import read_topics
from streams.settings.settings import Settings
from streams.store.redis.server import GAP_ACCEPTOR
from streams.store.redis.store import RedisStore
from streams.views.wording import counted


@click.group()
def gaps() -> None:
    """Show lost records, and go on without them.

    Lost records are those that Kafka deleted before a worker applied them. Workers stop at such a gap.
    """


@gaps.command()
@takes_settings("brokers", "redis", "policy", "namespace", "clock")
@click.pass_context
def show(ctx: click.Context, settings: Settings) -> None:
    """Show where the logs do not hold what has to be applied next; exit status 1 if there is such a partition.

    Example: engagement gaps show
    """
    found = asyncio.run(_find(settings))
    _print_gaps(found)
    if found:
        click.echo("To go on without them: engagement gaps accept TOPIC/PARTITION, or --all")
    ctx.exit(1 if found else 0)


@gaps.command()
@click.argument("partitions", metavar="PARTITION...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Accept all gaps that there are now.")
@takes_settings("brokers", "redis", "policy", "namespace", "clock")
def accept(settings: Settings, partitions: Sequence[str], *, every: bool) -> None:
    """Go on without lost records: workers will start where the logs of these partitions begin now.

    A PARTITION is named as `gaps show` names it, such as email/3. What the lost records held never counts; everything
    else stays as it is. Workers may run; those that have ended have to be started again.

    Example: engagement gaps accept email/3
    """
    if every == bool(partitions):
        raise click.UsageError("name the partitions whose gaps are accepted, or give --all")
    _print_gaps(asyncio.run(_accept(settings, partitions)))
    click.echo("Accepted. Start the workers that have ended.")


async def _find(settings: Settings) -> list[Gap]:
    store = RedisStore(settings)
    try:
        await store.open_readonly()
        return await find_gaps(settings, store, read_topics(settings.policy))
    finally:
        await store.close()


async def _accept(settings: Settings, partitions: Sequence[str]) -> list[Gap]:
    store = RedisStore(settings, GAP_ACCEPTOR)
    try:
        await store.open()
        found = await find_gaps(settings, store, read_topics(settings.policy))
        names = {gap.partition.label for gap in found}
        if without := [name for name in partitions if name not in names]:
            raise Refusal("nothing is accepted", [f"{name} has no gap" for name in without])
        accepted = [gap for gap in found if not partitions or gap.partition.label in partitions]
        if not accepted:
            raise Refusal("there is no gap to accept")
        for gap in accepted:
            await accept_gap(store, gap)
    except FenceMoved as error:
        raise Refusal(
            f"a worker has gone on in the meantime ({error}); look again with: engagement gaps show"
        ) from error
    finally:
        await store.close()
    return accepted


def _print_gaps(found: Sequence[Gap]) -> None:
    for gap in found:
        click.echo(f"{gap.partition.label}  {_text(gap)}")
    lost = sum(gap.lost for gap in found)
    if lost:
        click.echo(f"{counted(lost, 'offset')} lost on {counted(len(found), 'partition')}")
    elif not found:
        click.echo("No gaps: the logs hold everything that has to be applied.")


def _text(gap: Gap) -> str:
    if gap.another and gap.applied <= gap.end:
        return f"applied up to offset {gap.applied:,} of another log: the topic was made anew, and ends at {gap.end:,}"
    if gap.made_anew:
        return f"applied up to offset {gap.applied:,}, but the log ends at {gap.end:,}: the topic was made anew"
    lost = counted(gap.lost, "offset")
    return f"next to apply is offset {gap.applied:,}, the log starts at {gap.first:,}: {lost} lost"
