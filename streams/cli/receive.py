"""`engagement receive`."""

from __future__ import annotations

import click

from streams.cli.options import takes_settings
from streams.settings.settings import Settings


@click.command()
@takes_settings("receiver", "brokers", "policy", "web-host", "web-port")
def receive(settings: Settings) -> None:
    """Take events over HTTP, from webhooks and Segment's libraries.

    POST /SOURCE takes the webhooks of a source of the policy; POST /v1/track, /v1/batch and so on are Segment's
    tracking API. Each request is written to the topic of its source, and answered with 200 only after Kafka has it. A
    file (--receiver) says which sources are received, and how each request proves where it comes from:

    \b
        [sources.mail]
        signature = "sendgrid"
        secret_file = "/run/secrets/sendgrid"
        [sources.web]
        write_key_file = "/run/secrets/write-key"

    A body that is too large is answered with 413, too many records with 429; 503 asks the sender to try again. SIGTERM
    or Ctrl-C ends it once every request is answered. Put a proxy in front of it that terminates TLS.

    Example: engagement receive --receiver receiver.toml --policy policy.toml
    """  # noqa: D301 - click's mark of text that is not wrapped
    from streams.receiver.process import run_receiver  # noqa: PLC0415 - --help needs no web server
    from streams.receiver.receiver_file import read_receiver_file  # noqa: PLC0415

    run_receiver(settings, read_receiver_file(settings.receiver_file, settings.policy))
