"""`engagement link`."""

from __future__ import annotations

import asyncio

import click
import orjson
from aiokafka.errors import KafkaError

from scoring.events.links import Link, read_link
from streams.cli.options import takes_settings
from streams.cli.parameters import NAME
from streams.cli.refusal import Refusal
from streams.errors import BrokerUnavailable, TransientError, UnreadableCustomer
from streams.kafka.access import check_rights
from streams.kafka.producers import start_producer
from streams.kafka.topics import ensure_topics
from streams.settings.settings import Settings
from streams.store.redis.store import RedisStore
from streams.views.wording import printable


@click.command()
@click.argument("linked", type=NAME, metavar="ID")
@click.argument("customer", type=NAME)
@takes_settings("brokers", "redis", "policy", "namespace")
def link(settings: Settings, linked: str, customer: str) -> None:
    """Link an id to a customer.

    Its past and future events then count for the customer. Writes to the topic of the links, which the policy names;
    the workers apply it. The first link of an id is final: an id that is already linked to another customer is
    refused, with exit status 1.

    Example: engagement link cookie-7f3a maria.lopez
    """
    topic = settings.policy.identities
    if not topic:
        raise Refusal("the policy has no section [identities], so no worker reads links")
    sent = read_link({"id": linked, "customer_id": customer})
    if asyncio.run(_is_linked(settings, sent)):
        click.echo(f"{printable(linked)} stands for {printable(customer)} already")
        return
    asyncio.run(_send(settings, topic, sent))
    click.echo(f"{printable(linked)} is linked to {printable(customer)}, as soon as the workers have read it")


async def _is_linked(settings: Settings, sent: Link) -> bool:
    """Look whether the id is one of the customer; refuse what the workers would refuse."""
    store = RedisStore(settings)
    try:
        await store.open_readonly()
        whose, wanted = [(await store.ids_of(name))[0] for name in sent]
    except (TransientError, UnreadableCustomer) as error:
        click.echo(f"whether {printable(sent.id)} stands for somebody else already is not known: {error}", err=True)
        return False
    finally:
        await store.close()
    if wanted == sent.id:
        raise Refusal(f"{printable(sent.customer)} stands for {printable(sent.id)} already; no link has been sent")
    if whose not in (sent.id, wanted):
        raise Refusal(
            f"{printable(sent.id)} stands for {printable(whose)} already, and the first link of an id holds; "
            "no link has been sent"
        )
    return whose == wanted


async def _send(settings: Settings, topic: str, sent: Link) -> None:
    await check_rights(settings, {"Write": [topic]})
    await ensure_topics(settings, topics=[topic])
    producer = await start_producer(settings)
    try:
        value = orjson.dumps({"id": sent.id, "customer_id": sent.customer})
        await producer.send_and_wait(topic, value, key=sent.id.encode())
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka has not accepted the link: {error!r}") from error
    finally:
        await producer.stop()
