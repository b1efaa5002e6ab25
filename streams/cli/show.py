"""`engagement show`."""

from __future__ import annotations

import asyncio
import time

import click
import orjson
from rich.console import Console

from streams.cli.customer_view import customer_document, customer_text
from streams.cli.options import takes_settings
from streams.cli.refusal import Refusal
from streams.cli.wording import printable
from streams.settings import Settings
from streams.store.protocol import CustomerRecord
from streams.store.redis import RedisStore


@click.command()
@click.argument("customer")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_settings("redis", "policy", "namespace", "clock")
def show(settings: Settings, customer: str, *, as_json: bool) -> None:
    """Show a customer's score and what it is made of.

    Exit status 1 if the customer has no score.

    Example: engagement show BBB-2013B-25107
    """
    record = asyncio.run(_read(settings, customer))
    if record is None:
        raise Refusal(f"customer {printable(customer)!r} has no score under {settings.namespace}:customer:")
    if as_json:
        click.echo(orjson.dumps(customer_document(settings.policy, customer, record)))
        return
    # On the stream clock, "now" is where the events are.
    now = time.time_ns() // 1_000 if settings.clock == "wall" else record.state.judged
    Console(highlight=False).print(customer_text(settings.policy, customer, record, now))


async def _read(settings: Settings, customer: str) -> CustomerRecord | None:
    store = RedisStore(settings)
    try:
        await store.open_readonly()
        return await store.read(customer)
    finally:
        await store.close()
