"""`engagement show`."""

from __future__ import annotations

import asyncio
import time

import click
import orjson
from rich.console import Console

from scoring.customer.unknown_types import unknown_counts
from scoring.instants import HOUR, SECOND, format_duration
from scoring.judging.explanation import explained_from
from scoring.policy.channels import type_code
from streams.cli.options import takes_settings
from streams.cli.parameters import DURATION, NAME
from streams.cli.refusal import Refusal
from streams.errors import AccessDenied
from streams.settings.settings import Settings
from streams.store.protocol import CustomerRecord
from streams.store.redis.store import RedisStore
from streams.views.customer_view import customer_document, customer_text
from streams.views.explanation_view import period_until
from streams.views.wording import printable


@click.command()
@click.argument("customer", type=NAME)
@click.option(
    "--since",
    type=DURATION,
    metavar="DURATION",
    help="Explain the change since the end of the day, or pane, so long ago, such as 7d; default: the policy's trend.",
)
@click.option("--panes", is_flag=True, help="Show what each pane adds to the score, and when it leaves.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_settings("redis", "policy", "namespace", "clock")
def show(settings: Settings, customer: str, *, since: float | None, panes: bool, as_json: bool) -> None:
    """Show a customer's score, and what changes it.

    An id that has been linked to a customer shows whom it stands for, and that customer.

    Exit status 1 if the customer has no score.

    Example: engagement show BBB-2013B-25107 --since 2d
    """
    length = None if since is None else round(since * SECOND)
    (whose, *linked), record, names = asyncio.run(_read(settings, customer))
    if record is None:
        raise Refusal(f"customer '{printable(customer)}' has no score under {settings.namespace}:customer:")
    policy = settings.policy.of(record.state.segment)
    # On the stream clock, "now" is where the events are.
    now = time.time_ns() // 1_000 if settings.clock == "wall" else record.state.judged
    period = period_until(policy, record.state, now, length)
    if length is not None and period.since < explained_from(policy, record.state):
        kept = f"counts are kept for the window and its trend, {format_duration(policy.trend)}"
        raise click.BadParameter(f"{format_duration(length)} is too long: {kept}", param_hint="--since")
    if as_json:
        document = customer_document(policy, whose, record, period)
        click.echo(orjson.dumps(document | ({"linked_ids": linked} if linked else {})))
        return
    if whose != customer:
        click.echo(f"{printable(customer)} stands for {printable(whose)}")
    Console(highlight=False).print(customer_text(policy, whose, record, now, length, panes=panes))
    if nameless := unknown_counts(settings.policy, record.state.panes):
        told = ", ".join(
            f"{printable(names.get(code, '')) or 'of another name'} x{count:,}" for code, count in nameless
        )
        click.echo(f"\nof types that the policy does not name, and which score nothing: {told}")
    if linked:
        click.echo(f"\nlinked ids  {', '.join(map(printable, linked))}")


async def _read(settings: Settings, customer: str) -> tuple[list[str], CustomerRecord | None, dict[str, str]]:
    """Read all ids, the record, and the names of unknown types by their codes."""
    store = RedisStore(settings)
    try:
        await store.open_readonly()
        ids = await store.ids_of(customer)
        record = await store.read(ids[0])
        try:
            unknown = await store.unknown_types(time.time_ns() // 1_000 // HOUR)
        except AccessDenied:
            unknown = {}  # who may only read scores
        names = {type_code(channel, kind): f"{channel} {kind}" for channel, kind in unknown if kind}
        return ids, record, names
    finally:
        await store.close()
