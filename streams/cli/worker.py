"""`engagement worker`."""

from __future__ import annotations

import click

from streams.cli.options import takes_settings
from streams.settings.settings import Settings


@click.command()
@takes_settings("brokers", "redis", "policy", "clock", "namespace", "session-timeout", "web-host", "web-port")
@click.pass_context
def worker(ctx: click.Context, settings: Settings) -> None:
    """Score events until told to stop.

    Reads the topics of the policy's channels, keeps the scores in Redis and publishes alerts. SIGTERM or Ctrl-C ends
    it after the batch in hand. Start as many as there is work for; they share the partitions.

    Example: engagement worker --policy policy.toml --web-port 6067
    """
    from streams.app import run_worker  # noqa: PLC0415 - importing Faust takes a second, and --help does not need it

    ctx.exit(run_worker(settings))
