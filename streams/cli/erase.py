"""`engagement erase`."""

from __future__ import annotations

import asyncio
import sys

import click

from scoring.ids import MOST_ID_BYTES
from streams.cli.options import takes_settings
from streams.cli.parameters import NAME, PAST
from streams.cli.refusal import Refusal
from streams.erasures.compacted import compacted_topics, forget_keys, keyed_topics
from streams.erasures.eraser import Eraser, Erasure
from streams.erasures.log import ErasureLog
from streams.kafka.access import check_rights
from streams.kafka.topics import ensure_topics, read_topics
from streams.settings.settings import Settings
from streams.store.redis.replacing import open_rebuilt
from streams.store.redis.server import ERASER
from streams.store.redis.store import RedisStore
from streams.topic_names import ERASURES
from streams.views.wording import counted, printable


@click.command()
@click.argument("customers", nargs=-1, required=True, type=NAME, metavar="CUSTOMER...")
@click.option(
    "--events-before",
    type=PAST,
    metavar="TIME",
    help="Records that come later have no effect, either, if their events were before TIME; default, and at most: now.",
)
@click.option("--yes", is_flag=True, help="Do not ask, and erase also ids of which nothing is stored.")
@takes_settings("brokers", "redis", "policy", "namespace")
def erase(settings: Settings, customers: tuple[str, ...], *, events_before: int | None, yes: bool) -> None:
    """Erase customers, and keep them from coming back.

    Removes every trace of them from Redis. Their records in the log have no effect any more, however often the log is
    read again. Events that happened before now and are sent later have none, either. Later events are those of a new
    customer. All ids that are linked to each other are erased together, whichever of them is named.

    If nothing is stored of one of them, which may be a typing error, nobody is erased and the exit status is 1. With
    --yes that one is erased from the log as well. Without a terminal, --yes is needed.

    Example: engagement erase maria.lopez
    """
    for customer in customers:
        if not customer or len(customer.encode()) > MOST_ID_BYTES:
            raise click.BadParameter(f"an id has 1 to {MOST_ID_BYTES} bytes", param_hint="CUSTOMER")
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("there is nobody to be asked whether to erase: give --yes")
        click.confirm(f"Erase {counted(len(customers), 'customer')} for good?", abort=True)
    asyncio.run(_erase(settings, customers, events_before, unknown=yes))


def _told(asked: str, done: Erasure, *, known: bool) -> str:
    whom = f" as {printable(done.customer)}" if done.customer != asked else ""
    linked = f", with {counted(len(done.linked), 'linked id')}" if done.linked else ""
    if not known:
        return f"{printable(asked)}: erased; had no score, and nobody of that name was known"
    return f"{printable(asked)}: erased{whom}{linked}" + ("" if done.had_score else "; had no score")


async def _check_rights(settings: Settings) -> list[str]:
    """Ask for every right before anything is erased; return the compacted topics."""
    erasures, keyed = [settings.written(ERASURES)], keyed_topics(settings)
    needed = {
        "Read": erasures,
        "Write": erasures,
        "Describe": [*read_topics(settings.policy), *keyed],
        "DescribeConfigs": keyed,
    }
    await check_rights(settings, needed)
    compacted = await compacted_topics(settings)
    if compacted:
        await check_rights(settings, {"Write": compacted})
    return compacted


async def _erase(settings: Settings, customers: tuple[str, ...], events_before: int | None, *, unknown: bool) -> None:
    compacted = await _check_rights(settings)
    await ensure_topics(settings, topics=[settings.written(ERASURES)])
    log = ErasureLog(settings)
    store = RedisStore(settings, ERASER)
    gone: list[str] = []
    try:
        await store.open_existing()
        async with open_rebuilt(settings) as rebuilt:
            eraser = Eraser(settings, [store, rebuilt] if rebuilt else [store], log)
            strangers = [customer for customer in customers if not await eraser.knows(customer)]
            if strangers and not unknown:
                names = ", ".join(map(printable, strangers))
                raise Refusal(
                    f"nobody is known as {names}; nobody has been erased. --yes erases all the same what the log holds"
                )
            for customer in customers:
                done = await eraser.erase(customer, events_before)
                gone += [done.customer, *done.linked]
                click.echo(_told(customer, done, known=customer not in strangers))
        await forget_keys(settings, compacted, gone)
        for topic in compacted:
            click.echo(f"{topic} is compacted: null values written")
    finally:
        await log.close()
        await store.close()
    click.echo(
        "Kafka keeps the records of the source topics, alerts, band changes and dead letters until their retention ends"
    )
