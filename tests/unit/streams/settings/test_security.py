"""The settings of who may get in: every variable, every problem at once, and no secret in any of them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from streams.erasures.log import ErasureLog
from streams.errors import SettingsError
from streams.kafka.connections import kafka_options
from streams.settings.security import Tls
from streams.settings.settings import Settings, read_settings
from streams.store.redis.connection import redis_options
from tests.services.certificates import Authority, encrypted

WORD = "the-word-that-must-not-be-told"
SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": WORD}


def settings_of(**settings: str) -> Settings:
    """Read settings that are right."""
    return read_settings({f"ENGAGEMENT_{name}": value for name, value in settings.items()})


def problems(**settings: str) -> list[str]:
    """Read settings that must be refused, without telling a secret."""
    with pytest.raises(SettingsError) as refused:
        settings_of(**settings)
    assert WORD not in str(refused.value)
    return list(refused.value.problems)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make an authority."""
    return Authority(tmp_path_factory.mktemp("certificates"))


def test_without_any_the_connections_are_plain() -> None:
    settings = read_settings({})

    assert kafka_options(settings) == {"bootstrap_servers": "localhost:9092", "security_protocol": "PLAINTEXT"}
    assert redis_options(settings) == {}
    assert not settings.web_token


def test_no_authorities_are_read_where_no_file_is_named(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    read: list[Tls] = []

    def context(tls: Tls) -> None:
        read.append(tls)

    monkeypatch.setattr(Tls, "context", context)
    settings_of()
    assert read == []
    settings_of(KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_CA_FILE=str(authority.certificate))
    assert read == [Tls(str(authority.certificate))]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_a_user_of_kafka_logs_in_by_the_mechanism_that_is_named(mechanism: str) -> None:
    options = kafka_options(settings_of(**SASL, KAFKA_SASL_MECHANISM=mechanism))

    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == (mechanism, "me")
    assert (options["sasl_plain_password"], options["security_protocol"]) == (WORD, "SASL_PLAINTEXT")
    assert "ssl_context" not in options


def test_the_strongest_mechanism_is_the_one_where_none_is_named() -> None:
    assert kafka_options(settings_of(**SASL))["sasl_mechanism"] == "SCRAM-SHA-512"


def test_over_tls_certificates_and_names_are_checked(authority: Authority) -> None:
    certificate, key = authority.issue("worker")
    files = {
        "KAFKA_CA_FILE": str(authority.certificate),
        "KAFKA_CERTIFICATE_FILE": str(certificate),
        "KAFKA_KEY_FILE": str(key),
    }
    context = kafka_options(settings_of(KAFKA_SECURITY_PROTOCOL="SSL", **files))["ssl_context"]

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert [found["subject"] for found in context.get_ca_certs()] == [((("commonName", "ca"),),)]
    # Without a file of its own, the authorities are those of the system.
    system = kafka_options(settings_of(KAFKA_SECURITY_PROTOCOL="SSL"))["ssl_context"]
    assert (system.verify_mode, system.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_user_of_redis_and_its_files_are_taken(authority: Authority) -> None:
    certificate, key = authority.issue("worker")
    options = redis_options(
        settings_of(
            REDIS_URL="rediss://redis:6380/0",
            REDIS_USERNAME="me",
            REDIS_PASSWORD=WORD,
            REDIS_CA_FILE=str(authority.certificate),
            REDIS_CERTIFICATE_FILE=str(certificate),
            REDIS_KEY_FILE=str(key),
        )
    )

    assert options == {
        "username": "me",
        "password": WORD,
        "ssl_check_hostname": True,
        "ssl_ca_certs": str(authority.certificate),
        "ssl_certfile": str(certificate),
        "ssl_keyfile": str(key),
    }


@pytest.mark.parametrize("content", [WORD, f"{WORD}\n", f"{WORD}\r\n"])
def test_a_secret_may_be_in_a_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    user = {name: value for name, value in SASL.items() if name != "KAFKA_SASL_PASSWORD"}
    found = settings_of(
        **user,
        KAFKA_SASL_PASSWORD_FILE=str(path),
        REDIS_PASSWORD_FILE=str(path),
        WEB_TOKEN_FILE=str(path),
        ERASURE_KEY_FILE=str(path),
    )

    assert found.kafka_security.password.word == WORD
    assert found.redis_security.password.word == WORD
    assert found.web_token.word == WORD
    assert found.erasure_key.word == WORD
    assert ErasureLog(found).digests.of("a") == ErasureLog(settings_of(ERASURE_KEY=WORD)).digests.of("a")
    # Who starts another process with these settings hands on the file.
    assert WORD not in str(found.environment())
    assert read_settings(found.environment()) == found


def test_no_secret_is_shown_by_printed_settings() -> None:
    settings = settings_of(**SASL, REDIS_PASSWORD=WORD, WEB_TOKEN=WORD, ERASURE_KEY=WORD)

    assert WORD not in f"{settings} {settings!r}"
    assert read_settings(settings.environment()) == settings


def test_a_secret_put_where_its_file_belongs_is_not_told(tmp_path: Path) -> None:
    for name in ("KAFKA_SASL_PASSWORD_FILE", "REDIS_PASSWORD_FILE", "WEB_TOKEN_FILE", "ERASURE_KEY_FILE"):
        told = problems(**{name: f"{tmp_path}/{WORD}"})
        assert f"ENGAGEMENT_{name}: cannot be read as text: No such file or directory" in told


def test_a_secret_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"\xff\xfe")

    for name in ("WEB_TOKEN_FILE", "ERASURE_KEY_FILE"):
        assert problems(**{name: str(empty)}) == [f"ENGAGEMENT_{name}: the file is empty"]
    assert len(problems(WEB_TOKEN_FILE=str(binary))) == 1
    assert len(problems(WEB_TOKEN_FILE=str(tmp_path))) == 1


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"KAFKA_SECURITY_PROTOCOL": "ssl"},
            "KAFKA_SECURITY_PROTOCOL: 'ssl' is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
        ),
        (
            {**SASL, "KAFKA_SASL_MECHANISM": "GSSAPI"},
            "KAFKA_SASL_MECHANISM: 'GSSAPI' is not one of SCRAM-SHA-512, SCRAM-SHA-256, PLAIN",
        ),
        ({**SASL, "KAFKA_SASL_USERNAME": ""}, "KAFKA_SASL_USERNAME: is needed with SASL_PLAINTEXT"),
        (
            {**SASL, "KAFKA_SASL_PASSWORD": ""},
            "KAFKA_SASL_PASSWORD: is needed with SASL_PLAINTEXT, or the same with _FILE",
        ),
        (
            {"KAFKA_SASL_PASSWORD": WORD},
            "KAFKA_SASL_PASSWORD: is not used with PLAINTEXT; ENGAGEMENT_KAFKA_SECURITY_PROTOCOL says so",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SASL_USERNAME": "me"},
            "KAFKA_SASL_USERNAME: is not used with SSL; ENGAGEMENT_KAFKA_SECURITY_PROTOCOL says so",
        ),
        (
            {"REDIS_URL": "redis://me@redis/0", "REDIS_USERNAME": "me"},
            "REDIS_USERNAME: ENGAGEMENT_REDIS_URL names a user, too",
        ),
        (
            {"REDIS_URL": f"redis://:{WORD}@redis/0", "REDIS_PASSWORD": WORD},
            "REDIS_PASSWORD: ENGAGEMENT_REDIS_URL holds a password, too",
        ),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: 'LOUD' is not one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, str], problem: str) -> None:
    assert problems(**settings) == [f"ENGAGEMENT_{problem}"]


def test_files_that_are_not_used_are_refused(authority: Authority) -> None:
    path = str(authority.certificate)
    for server, problem in (("KAFKA", "KAFKA_SECURITY_PROTOCOL: is PLAINTEXT"), ("REDIS", "REDIS_URL: must begin")):
        [told] = problems(**{f"{server}_CA_FILE": path})
        assert told.startswith(f"ENGAGEMENT_{problem}")


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("worker")
    _, other_key = authority.issue("other")
    tls = {"KAFKA_SECURITY_PROTOCOL": "SSL"}
    text = tmp_path / "text"
    text.write_text("no certificate")
    for changed in (
        {"KAFKA_CA_FILE": str(text)},
        {"KAFKA_CA_FILE": str(tmp_path / "absent")},
        {"KAFKA_CERTIFICATE_FILE": str(text)},
        {"KAFKA_CERTIFICATE_FILE": str(certificate)},
        {"KAFKA_CERTIFICATE_FILE": str(certificate), "KAFKA_KEY_FILE": str(other_key)},
        {"KAFKA_CERTIFICATE_FILE": str(certificate), "KAFKA_KEY_FILE": str(encrypted(key, WORD))},
    ):
        [told] = problems(**tls, **changed)
        assert told.startswith(f"ENGAGEMENT_{next(iter(changed))}: cannot be used")
    [told] = problems(**tls, KAFKA_KEY_FILE=str(key))
    assert told == "ENGAGEMENT_KAFKA_KEY_FILE: is not used without ENGAGEMENT_KAFKA_CERTIFICATE_FILE"


def test_all_problems_are_told_at_once() -> None:
    told = problems(
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SASL_MECHANISM="none",
        KAFKA_CA_FILE="/absent",
        REDIS_PASSWORD_FILE="/absent",  # noqa: S106 - a path
        WEB_TOKEN=WORD,
        WEB_TOKEN_FILE="/absent",  # noqa: S106 - a path
        CLOCK="none",
    )

    assert sorted(problem.split(":")[0].removeprefix("ENGAGEMENT_") for problem in told) == [
        *("CLOCK", "KAFKA_CA_FILE", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_PASSWORD", "KAFKA_SASL_USERNAME"),
        *("REDIS_PASSWORD_FILE", "WEB_TOKEN"),
    ]
