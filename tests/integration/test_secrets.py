"""Secrets are told nowhere: not in logs, not at the level DEBUG, not in errors, not on the web port, not in help."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from streams.cli.main import COMMANDS
from streams.embedded.ports import free_ports
from tests.integration.secured import ERASURE_KEY, KAFKA_PASSWORD, REDIS_PASSWORD, Secured
from tests.polling import wait_until
from tests.services.kafka_client import send_batches
from tests.services.system import event, event_record
from tests.services.worker import WorkerProcess

TOKEN = "web-t0ken-%2F&+:@-of-this-test"  # noqa: S105
WRONG = "wrong-pa55word-%2F&+:@"
SECRETS = (KAFKA_PASSWORD, REDIS_PASSWORD, TOKEN, ERASURE_KEY, WRONG)
PAGES = ("/health", "/ready", "/metrics")
FAUSTS_PAGES = ("/router/", "/router", "/table/", "/graph/", "/graph", "/stats", "/performance", "/assignment")
UNREACHABLE = f"127.0.0.1:{free_ports(1)[0]}"


def in_url(password: str, host: str) -> str:
    """Write the URL of Redis with a password in it."""
    return f"rediss://engagement:{quote(password, safe='')}@{host}/0"


#: Settings other than those that get a worker in, and what its log must hold before it is searched.
CASES: dict[str, tuple[Mapping[str, str], str]] = {
    "all right": ({}, "Worker]: Ready"),
    "by PLAIN": ({"kafka_sasl_mechanism": "PLAIN"}, "Worker]: Ready"),
    "secrets in the URL": (
        {"redis_url": in_url(REDIS_PASSWORD, "HOST"), "redis_username": "", "redis_password": ""},
        "Worker]: Ready",
    ),
    "wrong password of Kafka": (
        {"kafka_sasl_password": WRONG, "kafka_sasl_password_file": ""},
        "does not let user 'engagement' in",
    ),
    "wrong password of Kafka by PLAIN": (
        {"kafka_sasl_password": WRONG, "kafka_sasl_password_file": "", "kafka_sasl_mechanism": "PLAIN"},
        "does not let user 'engagement' in",
    ),
    "wrong password of Redis": ({"redis_password": WRONG}, "Redis does not let this user in"),
    "wrong password in the URL": (
        {"redis_url": in_url(WRONG, "HOST"), "redis_username": "", "redis_password": ""},
        "Redis does not let this user in",
    ),
    "Kafka is not there": ({"kafka_brokers": UNREACHABLE}, "waiting for it"),
    "Redis is not there": (
        {"redis_url": in_url(WRONG, UNREACHABLE), "redis_username": "", "redis_password": "", "redis_ca_file": ""},
        "waiting for it",
    ),
    "wrong settings": (
        {"clock": "none", "redis_url": f"http://:{quote(WRONG, safe='')}@x", "kafka_sasl_password": WRONG},
        "the settings are wrong",
    ),
    "a secret in place of its file": ({"web_token": "", "web_token_file": TOKEN}, "cannot be read as text"),
    "the erasure key as it is": ({"erasure_key": ERASURE_KEY, "erasure_key_file": ""}, "Worker]: Ready"),
    "an erasure key in place of its file": ({"erasure_key_file": ERASURE_KEY}, "cannot be read as text"),
    "another erasure key": (
        {"erasure_key": WRONG, "erasure_key_file": ""},
        "erased under another ENGAGEMENT_ERASURE_KEY",
    ),
    "both": ({"redis_password_file": WRONG}, "is set, too"),
}


def forms(secret: str) -> Iterator[str]:
    """Give a secret as it may be written: as it is, in a URL, in Python, in base64."""
    yield secret
    yield quote(secret)
    yield quote(secret, safe="")
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
    # Its telling part, whatever became of the rest.
    yield secret.partition("-%")[0]


def told(text: str) -> list[str]:
    """List the secrets that a text tells."""
    return [secret for secret in SECRETS if any(form in text for form in forms(secret))]


def start(secured: Secured, **settings: str) -> WorkerProcess:
    """Start a worker that logs everything."""
    if "HOST" in settings.get("redis_url", ""):
        settings["redis_url"] = settings["redis_url"].replace("HOST", f"127.0.0.1:{secured.redis.port}")
    worker = secured.worker(**{"log_level": "DEBUG", "web_token": TOKEN, **settings})
    worker.start()
    return worker


def test_the_search_finds_what_it_looks_for() -> None:
    assert told(f"... {KAFKA_PASSWORD} ...") == [KAFKA_PASSWORD]
    assert told(str({"password": REDIS_PASSWORD})) == [REDIS_PASSWORD]
    assert told(f"rediss://:{quote(WRONG, safe='')}@host") == [WRONG]
    assert told(str(f"\0user\0{KAFKA_PASSWORD}".encode())) == [KAFKA_PASSWORD]
    assert told("nothing") == []


@pytest.mark.parametrize("case", CASES)
async def test_no_secret_is_told_by_a_worker_whatever_happens(secured: Secured, case: str) -> None:
    settings, message = CASES[case]
    if case == "another erasure key":
        erased = secured.run("erase", "somebody", "--yes", kafka_sasl_username="eraser", redis_username="eraser")
        assert erased.returncode == 0, erased.stderr
        assert told(erased.stdout + erased.stderr) == []
    worker = start(secured, **dict(settings))
    try:
        wait_until(lambda: message in worker.log.read_text(errors="replace"), 40)
        if message == "Worker]: Ready":
            await send_batches(secured.kafka.inside, "email", [(0, [event_record(event("a-customer", "open"))])])
            wait_until(lambda: worker.metric("engagement_events_total", TOKEN) >= 1, 30)
        pages = "".join(worker.get(page, token)[1] for page in PAGES + FAUSTS_PAGES for token in ("", TOKEN, WRONG))
    finally:
        if worker.running:
            worker.stop()
        worker.kill()
    log = worker.log.read_text(errors="replace")
    assert message in log
    assert told(log) == []
    assert told(pages) == []
    assert "a-customer" not in log + pages
    if message in ("Worker]: Ready", "waiting for it"):
        assert "[DEBUG]" in log


def test_no_secret_is_told_by_help_or_by_a_command_that_fails(secured: Secured) -> None:
    for command in ((), *((name,) for name in COMMANDS)):
        helped = secured.run(*command, "--help", web_token=TOKEN)
        assert helped.returncode == 0
        assert told(helped.stdout + helped.stderr) == []
    wrong = {"kafka_sasl_password": WRONG, "kafka_sasl_password_file": "", "redis_password": WRONG, "web_token": TOKEN}
    other_key = {"erasure_key": WRONG, "erasure_key_file": "", "redis_password": WRONG}
    commands = (["alerts", "--limit", "1"], ["show", "somebody"], ["policy", "show"], ["erase", "somebody", "--yes"])
    for arguments in commands:
        for settings in (wrong, {**wrong, "kafka_brokers": UNREACHABLE}, {**wrong, "clock": "none"}, other_key):
            if arguments[0] == "alerts" and settings is other_key:
                continue  # it would follow
            ran = secured.run(*arguments, **settings)
            assert told(ran.stdout + ran.stderr) == []


def test_no_secret_is_an_argument_of_the_process(secured: Secured) -> None:
    for name in COMMANDS:
        options = re.findall(r"--[a-z-]+", secured.run(name, "--help").stdout)
        assert not [option for option in options if re.search("password|token|secret|user", option)]


def test_the_web_port_tells_only_who_has_the_token_and_has_no_other_pages(secured: Secured) -> None:
    worker = start(secured, kafka_brokers=UNREACHABLE)
    try:
        wait_until(lambda: worker.status("/ready") == 503, 30)
        assert worker.get("/health") == (200, '{"healthy":true}')
        assert worker.get("/ready") == (503, '{"ready":false}')
        wait_until(lambda: "does not answer" in worker.get("/ready", TOKEN)[1], 30)
        for wrong in ("", WRONG, TOKEN[:-1], TOKEN + "x", "é"):
            status, body = worker.get("/metrics", wrong)
            assert (status, "engagement_" in body) == (401, False)
        status, body = worker.get("/metrics", TOKEN)
        assert (status, "engagement_ready 0.0" in body) == (200, True)
        for page in FAUSTS_PAGES:
            assert worker.status(page) == 404
            assert worker.get(page, TOKEN)[0] == 404
    finally:
        worker.kill()


def test_the_web_port_is_open_on_loopback_only(secured: Secured) -> None:
    worker = start(secured, kafka_brokers=UNREACHABLE)
    try:
        wait_until(lambda: worker.status("/health") == 200, 30)
        listening = _listening(worker.process.pid)
        assert listening == {("0100007F", worker.port)}
    finally:
        worker.kill()


def _listening(process: int) -> set[tuple[str, int]]:
    """List the addresses, in the kernel's notation, and ports at which a process listens."""
    folder = Path(f"/proc/{process}")
    if not folder.exists():
        pytest.skip("needs /proc")
    sockets = set()
    for entry in (folder / "fd").iterdir():
        # Connections come and go: one may have been closed since it was listed.
        with suppress(FileNotFoundError):
            found = re.fullmatch(r"socket:\[(\d+)\]", str(entry.readlink()))
            sockets |= {found[1]} if found else set()
    places = set()
    for table in ("tcp", "tcp6"):
        for line in (folder / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                address, port = fields[1].split(":")
                places.add((address, int(port, 16)))
    return places
