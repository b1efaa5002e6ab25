"""`engagement policy promote`."""

from __future__ import annotations

import asyncio
import time

import click

from streams.cli.options import takes_settings
from streams.cli.refusal import Refusal
from streams.cli.running_shadow import require_shadow
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.store.policies import IN_FORCE, TAKEN, StoredPolicy, offered
from streams.store.redis.store import RedisStore
from streams.views.wording import printable


@click.command()
@click.option("--now", is_flag=True, help="Do not wait until all customers have been judged by it.")
@takes_settings("redis", "namespace")
def promote(settings: Settings, *, now: bool) -> None:
    """Put the shadow policy in force.

    The workers follow within seconds, as they follow a changed policy file, and the shadow ends. Refused if no shadow
    policy is running, if not all customers have been judged by it, or if a worker puts another policy in force
    meanwhile.

    Example: engagement policy promote
    """
    before = asyncio.run(_promote(settings, now=now))
    version = printable(before.shadow_version)
    click.echo(f"{version} is in force, in the place of {printable(before.version)}; no shadow policy runs any more")
    click.echo(
        "Change the settings of all workers before they start the next time: let ENGAGEMENT_POLICY name the file that "
        "ENGAGEMENT_SHADOW_POLICY names, and unset ENGAGEMENT_SHADOW_POLICY. A worker that starts with the old "
        "settings keeps to what is in force, and says so."
    )


async def _promote(settings: Settings, *, now: bool) -> StoredPolicy:
    store = RedisStore(settings)
    try:
        await store.open_existing()
        stored = require_shadow(await store.policies.in_force(), settings.namespace)
        place = await store.policies.place()
        if not now and (place.number != stored.number or not place.done):
            raise Refusal(
                f"the workers have not judged all customers by {printable(stored.shadow_version)} yet: look at "
                "engagement policy status, or give --now"
            )
        offer = offered(parse_policy(stored.shadow_text), time.time_ns() // 1_000)
        verdict = await store.policies.propose(offer, stored.number)
    finally:
        await store.close()
    if verdict == TAKEN:
        raise Refusal(f"version {printable(stored.shadow_version)} has been in force with other contents")
    if verdict != IN_FORCE:
        raise Refusal("another policy has been put in force meanwhile; look at engagement policy status")
    return stored
