"""`engagement types`."""

from __future__ import annotations

import asyncio
import time

import click
import orjson
from rich.console import Console

from scoring.events.unknown_names import Names, nearest
from scoring.instants import HOUR
from scoring.policy.policy import Policy
from streams.cli.options import takes_settings
from streams.settings.settings import Settings
from streams.store.redis.store import RedisStore
from streams.views.tables import plain_table
from streams.views.wording import printable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line.")
@takes_settings("redis", "policy", "namespace")
def types(settings: Settings, *, as_json: bool) -> None:
    """List event types that the policy does not name.

    Their events of the last day are counted and score nothing: a producer may have renamed a type, or spells it
    differently. The column "meant" names the most similar type of the policy. Each hour, up to 100 types of a channel
    are counted one by one, the others together.

    Exit status 1 if there are any.

    Example: engagement types
    """
    found = asyncio.run(_read(settings))
    rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    if as_json:
        for (channel, kind), count in rows:
            meant = _meant(settings.policy, channel, kind)
            click.echo(
                orjson.dumps({"channel": channel, "type": kind or None, "events": count, "meant": meant or None})
            )
    elif rows:
        table = plain_table()
        for heading in ("channel", "type", "events", "meant"):
            table.add_column(heading, justify="right" if heading == "events" else "left", overflow="fold")
        for (channel, kind), count in rows:
            shown = printable(kind) if kind else "(others)"
            table.add_row(printable(channel), shown, f"{count:,}", _meant(settings.policy, channel, kind))
        Console(markup=False, highlight=False).print(table)
    else:
        click.echo("the policy names every type that came in the last day")
    click.get_current_context().exit(1 if rows else 0)


def _meant(policy: Policy, channel: str, kind: str) -> str:
    known = [each.name for its in policy.channels if its.name == channel for each in its.types]
    return nearest(kind, known) if kind else ""


async def _read(settings: Settings) -> Names:
    store = RedisStore(settings)
    try:
        await store.open_readonly()
        return await store.unknown_types(time.time_ns() // 1_000 // HOUR)
    finally:
        await store.close()
