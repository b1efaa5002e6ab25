"""`engagement erase`."""

from __future__ import annotations

import asyncio
import logging
import sys

import click

from scoring.events import MOST_ID_BYTES
from streams.cli.options import takes_settings
from streams.cli.parameters import MOMENT
from streams.cli.wording import counted, printable
from streams.erasures.compacted import KEYED_TOPICS, compacted_topics, forget_keys
from streams.erasures.eraser import Eraser, Erasure
from streams.erasures.log import ErasureLog
from streams.kafka_access import check_rights
from streams.settings import Settings
from streams.store.redis import RedisStore
from streams.store.redis_server import ERASER
from streams.store.replacing import open_rebuilt
from streams.topic_names import ERASURES
from streams.topics import ensure_topics, read_topics


@click.command()
@click.argument("customers", nargs=-1, required=True, metavar="CUSTOMER...")
@click.option(
    "--events-before",
    type=MOMENT,
    metavar="TIME",
    help="Also later records of what happened before have no effect; by default before now.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@takes_settings("brokers", "redis", "policy", "namespace")
def erase(settings: Settings, customers: tuple[str, ...], *, events_before: int | None, yes: bool) -> None:
    """Erase customers, and keep them from coming back.

    Removes every trace of them from Redis. What the log holds of them has no effect any more, however often it is
    read again, nor have events that happened before now and are sent later. Events from now on are those of a new
    customer. Ids that have been linked go along, whichever of them is named.

    Example: engagement erase maria.lopez
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters of it is in the error
    for customer in customers:
        if not customer or len(customer.encode(errors="surrogatepass")) > MOST_ID_BYTES:
            raise click.BadParameter(f"an id has 1 to {MOST_ID_BYTES} bytes", param_hint="CUSTOMER")
    if not yes and sys.stdin.isatty():
        click.confirm(f"Erase {counted(len(customers), 'customer')} for good?", abort=True)
    asyncio.run(_erase(settings, customers, events_before))


def _told(asked: str, done: Erasure) -> str:
    whom = f" as {printable(done.customer)}" if done.customer != asked else ""
    linked = f", with {counted(len(done.linked), 'linked id')}" if done.linked else ""
    return f"{printable(asked)}: erased{whom}{linked}" + ("" if done.had_score else "; had no score")


async def _check_rights(settings: Settings) -> list[str]:
    """Ask for every right before anything is erased; return the compacted topics."""
    needed = {
        "Read": [ERASURES],
        "Write": [ERASURES],
        "Describe": [*read_topics(settings.policy), *KEYED_TOPICS],
        "DescribeConfigs": KEYED_TOPICS,
    }
    await check_rights(settings, needed)
    compacted = await compacted_topics(settings)
    if compacted:
        await check_rights(settings, {"Write": compacted})
    return compacted


async def _erase(settings: Settings, customers: tuple[str, ...], events_before: int | None) -> None:
    compacted = await _check_rights(settings)
    await ensure_topics(settings, topics=[ERASURES])
    log = ErasureLog(settings)
    store = RedisStore(settings, ERASER)
    gone: list[str] = []
    try:
        await store.open_existing()
        async with open_rebuilt(settings) as rebuilt:
            eraser = Eraser(settings, [store, rebuilt] if rebuilt else [store], log)
            for customer in customers:
                done = await eraser.erase(customer, events_before)
                gone += [done.customer, *done.linked]
                click.echo(_told(customer, done))
        await forget_keys(settings, compacted, gone)
        for topic in compacted:
            click.echo(f"{topic} is compacted: null values written")
    finally:
        await log.close()
        await store.close()
    click.echo(
        "Kafka keeps the records of the source topics, alerts, band changes and dead letters until their retention ends"
    )
