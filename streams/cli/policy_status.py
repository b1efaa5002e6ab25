"""`engagement policy status`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import click
from rich.console import Console

from streams.cli.options import takes_settings
from streams.cli.progress import open_offset_progress
from streams.cli.refusal import Refusal
from streams.settings.settings import Settings
from streams.store.policies import StoredPolicy, SweepPlace
from streams.store.redis.reading import ScoreReader, score_reader
from streams.views.tables import plain_table
from streams.views.wording import age, counted, moment, printable


@click.command()
@takes_settings("redis", "namespace")
@click.pass_context
def status(ctx: click.Context, settings: Settings) -> None:
    """Show which policy is in force, and how many customers have followed.

    Looks at every customer, and writes nothing. Exit status 1 while some have not followed.

    Example: engagement policy status
    """
    stored, place, versions = asyncio.run(_look(settings))
    if stored is None:
        raise Refusal(f"no policy is in force under {printable(settings.namespace)!r}: no worker has been started")
    since = f"{moment(stored.since)} ({age(stored.since, time.time_ns() // 1_000)})"
    click.echo(f"{printable(stored.version)} is in force since {since}, change {stored.number:,} of the policy")
    if stored.shadow_version:
        since = moment(stored.shadow_since)
        click.echo(f"the shadow policy {printable(stored.shadow_version)} runs beside it since {since}")
    behind = sum(versions.values()) - versions[stored.version]
    table = plain_table()
    table.add_column("judged by")
    table.add_column("customers", justify="right")
    for version, count in sorted(versions.items(), key=lambda item: (item[0] != stored.version, -item[1], item[0])):
        table.add_row(printable(version), f"{count:,}")
    Console(markup=False, highlight=False).print(table)
    click.echo(f"{counted(behind, 'customer')} not followed yet{_progress(stored, place) if behind else ''}")
    ctx.exit(1 if behind else 0)


def _progress(stored: StoredPolicy, place: SweepPlace) -> str:
    if place.number != stored.number:
        return "; no worker has begun to go through them"
    if place.done:
        return "; all customers have been gone through, these follow at their next event or change"
    return f"; the workers have gone through {place.passed:,} of {place.total:,}"


async def _look(settings: Settings) -> tuple[StoredPolicy | None, SweepPlace, Counter[str]]:
    reader = score_reader(settings, settings.policy)
    try:
        await reader.open_readonly()
        stored, place = await reader.policies.in_force(), await reader.policies.place()
        return stored, place, await _versions(reader) if stored else Counter()
    finally:
        await reader.close()


async def _versions(reader: ScoreReader) -> Counter[str]:
    """Count the customers by the version that has judged them."""
    found: Counter[str] = Counter()
    total, passed = sum((await reader.band_counts()).values()), 0
    with open_offset_progress("customers") as show:
        async for page in reader.customers():
            found.update(version for version, _ in await reader.policies.versions(page) if version)
            passed += len(page)
            show(passed, max(total, passed), passed)
    return found
