"""The file that says what is received."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.errors import SettingsError
from streams.policy_file.document import parse_policy
from streams.receiver.receiver_file import ReceiverPlan, read_receiver_file

POLICY = parse_policy("""
[channels.email]
weights = { open = 1 }
[channels.clickstream]
weights = { page_view = 1 }
[sources.mail]
format = "mailgun"
[sources.web]
format = "segment"
topic = "calls"
[sources.ready]
format = "segment"
topic = "ready"
""")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s3cret\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "bytes").write_bytes(b"\xff")
    return tmp_path


def read(folder: Path, text: str) -> ReceiverPlan:
    path = folder / "receiver.toml"
    path.write_text(text.replace("FOLDER", str(folder)), encoding="utf-8")
    return read_receiver_file(str(path), POLICY)


def problems(folder: Path, text: str) -> list[str]:
    """Give the problems of a file, without its own name."""
    with pytest.raises(SettingsError) as error:
        read(folder, text)
    own = f"{folder / 'receiver.toml'}: "
    assert all(problem.startswith(own) for problem in error.value.problems)
    return [problem.removeprefix(own) for problem in error.value.problems]


def test_a_file_says_what_is_received_and_at_most_how_much(folder: Path) -> None:
    plan = read(
        folder,
        """
        [limits]
        body_bytes = 2048
        backlog_bytes = 4096
        records_per_second = 7
        [sources.mail]
        signature = "token"
        secret_file = "FOLDER/secret"
        confirm_sns = "arn:aws:sns:eu-west-1:123456789012:mail"
        [sources.web]
        write_key_file = "FOLDER/secret"
        """,
    )
    assert (plan.body_bytes, plan.backlog_bytes, plan.records_per_second) == (2048, 4096, 7)
    mail, web = plan.endpoints["mail"], plan.endpoints["web"]
    assert (mail.source.topic, mail.write_key, mail.confirm_sns) == (
        "mail",
        "",
        "arn:aws:sns:eu-west-1:123456789012:mail",
    )
    assert mail.signature is not None
    assert (web.source.topic, web.write_key, web.signature) == ("calls", "s3cret", None)
    assert "s3cret" not in repr(plan)


def test_limits_that_are_not_given_have_their_defaults(folder: Path) -> None:
    plan = read(folder, '[sources.mail]\nsignature = "none"')
    assert (plan.body_bytes, plan.backlog_bytes, plan.records_per_second) == (1 << 20, 64 << 20, 2_000)


def test_every_mistake_is_told_at_once(folder: Path) -> None:
    found = problems(
        folder,
        """
        other = 1
        [limits]
        body_bytes = 9000000
        records_per_second = true
        seconds = 5
        [sources.nobody]
        signature = "none"
        secret_file = "FOLDER/secret"
        [sources.mail]
        signature = "md5"
        tolerance = 5
        [sources.web]
        confirm_sns = "the topic"
        max_age = "5m"
        [sources.ready]
        signature = "segment"
        secret_file = "FOLDER/absent"
        write_key_file = "FOLDER/empty"
        max_age = "5m"
        """,
    )
    assert {re.split(r": ", problem)[0] for problem in found} == {
        "other",
        "limits.body_bytes",
        "limits.records_per_second",
        "limits.seconds",
        "sources.nobody",
        "sources.nobody.secret_file",
        "sources.mail.signature",
        "sources.mail.tolerance",
        "sources.web",
        "sources.web.confirm_sns",
        "sources.web.max_age",
        "sources.ready",
        "sources.ready.secret_file",
        "sources.ready.write_key_file",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "sources: names no source, so there is nothing to receive"),
        ("sources = 5", "sources: must be a table"),
        ("[sources]\nmail = 5", "sources.mail: must be a table"),
        ('[sources.mail]\nsignature = "stripe"', "sources.mail.secret_file: is needed: the file that holds the secret"),
        (
            '[sources.mail]\nsignature = "stripe"\nsecret_file = "whsec_in_the_wrong_place"',
            "sources.mail.secret_file: cannot be read as text: No such file or directory",
        ),
        (
            '[sources.mail]\nsignature = "stripe"\nsecret_file = "FOLDER/bytes"',
            "sources.mail.secret_file: cannot be read as text: it is not UTF-8",
        ),
        (
            '[sources.mail]\nsignature = "sendgrid"\nsecret_file = "FOLDER/secret"',
            "sources.mail.secret_file: not a verification key of SendGrid, which is one line in base64",
        ),
        (
            '[sources.mail]\nsignature = "shopify"\nsecret_file = "FOLDER/secret"\nmax_age = "5m"',
            "sources.mail.max_age: shopify signs no time; sendgrid, mailgun, stripe do",
        ),
        (
            '[sources.mail]\nsignature = "stripe"\nsecret_file = "FOLDER/secret"\nmax_age = "5"',
            "sources.mail.max_age: '5' is not a duration such as 30d, 24h, 15m, 10s or 500ms",
        ),
        (
            '[sources.mail]\nwrite_key_file = "FOLDER/secret"\n[sources.web]\nwrite_key_file = "FOLDER/secret"',
            "sources: two of them have the same write key, by which the tracking API tells them apart",
        ),
    ],
)
def test_a_mistake_is_told(folder: Path, text: str, problem: str) -> None:
    assert problem in problems(folder, text)


def test_a_secret_in_the_place_of_its_file_is_not_repeated(folder: Path) -> None:
    found = problems(folder, '[sources.mail]\nsignature = "stripe"\nsecret_file = "whsec_in_the_wrong_place"')
    assert "whsec" not in str(found)


@pytest.mark.parametrize("path", ["", "/absent/receiver.toml"])
def test_without_a_file_nothing_is_received(path: str) -> None:
    with pytest.raises(SettingsError):
        read_receiver_file(path, POLICY)
