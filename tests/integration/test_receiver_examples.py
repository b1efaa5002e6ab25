"""The commands by which the page on webhooks plays the vendors, run against a receiver."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import MakeSystem
from tests.services.kafka_client import TopicTail
from tests.unit.docs.reading import page

pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")

COMMANDS = [block for block in page("howto/receive-webhooks").blocks("sh") if "curl " in block]
SHARED = "s3cret"
#: How the page has each source prove where it comes from.
SIGNED = {"postmark": "token", "shop": "shopify", "web": "segment", "payments": "stripe", "mail": "mailgun"}
FORMATS = {"postmark": "postmark", "shop": "shopify", "web": "segment", "payments": "stripe", "mail": "mailgun"}
CHANNELS = ("email", "commerce", "clickstream")


def policy() -> str:
    """Write a policy with the sources of the page."""
    channels = "".join(
        f'[channels.{name}]\ntopic = "NAMESPACE-{name}"\nweights = {{ open = 1 }}\n' for name in CHANNELS
    )
    sources = "".join(
        f'[sources.{name}]\nformat = "{form}"\ntopic = "NAMESPACE-from-{name}"\nonly_types = false\n'
        for name, form in FORMATS.items()
    )
    return channels + sources


def receiver_file(folder: Path) -> str:
    """Write the file of the receiver."""
    for name, word in (("secret", SHARED), ("password", "PASSWORD"), ("write-key", "WRITE_KEY")):
        (folder / name).write_text(word, encoding="utf-8")
    text = ""
    for name, signature in SIGNED.items():
        secret = folder / ("password" if signature == "token" else "secret")
        text += f'[sources.{name}]\nsignature = "{signature}"\nsecret_file = "{secret}"\n'
        text += f'write_key_file = "{folder / "write-key"}"\n' if name == "web" else ""
    path = folder / "receiver.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(command: str) -> str:
    """Run a command of the page; give what it prints."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SECRET": SHARED}
    done = subprocess.run(
        ["bash", "-euc", command],  # noqa: S607
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout or done.stderr


async def test_every_command_of_the_page_is_taken(make_system: MakeSystem, tmp_path: Path) -> None:
    system = make_system(policy())
    with system.worker(("streams", "receive"), receiver_file=receiver_file(tmp_path)) as receiver:
        for command in COMMANDS:
            said = await asyncio.to_thread(run, command.replace("localhost:8080", f"127.0.0.1:{receiver.port}"))
            assert said == '{"success": true}', command + said
        written = {name: await TopicTail(system.kafka, f"{system.namespace}-from-{name}").read() for name in SIGNED}
    assert {name: len(records) for name, records in written.items()} == dict.fromkeys(SIGNED, 1) | {"web": 2}
