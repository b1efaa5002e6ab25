"""The settings: every variable, every problem at once, and no password in any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoring.policy_file import builtin_policy
from streams.errors import SettingsError
from streams.settings import Settings, read_settings

WORD = "the-word"


def problems(**settings: str) -> list[str]:
    """Read settings that must be refused."""
    with pytest.raises(SettingsError) as refused:
        read_settings({f"ENGAGEMENT_{name}": value for name, value in settings.items()})
    assert str(refused.value) == "\n".join(refused.value.problems)
    return list(refused.value.problems)


def settings_of(**settings: str) -> Settings:
    """Read settings that are right."""
    return read_settings({f"ENGAGEMENT_{name}": value for name, value in settings.items()})


def test_without_any_the_defaults_hold() -> None:
    assert read_settings({}) == Settings(
        policy=builtin_policy(),
        kafka_brokers="localhost:9092",
        kafka_session_timeout=30.0,
        redis_url="redis://localhost:6379/0",
        policy_path="",
        namespace="engagement",
        clock="wall",
        web_host="127.0.0.1",
        web_port=6066,
    )


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        (
            "KAFKA_BROKERS",
            "one:1, two.example:65535 ,[::1]:9092",
            "kafka_brokers",
            "one:1,two.example:65535,[::1]:9092",
        ),
        ("KAFKA_SESSION_TIMEOUT", "6", "kafka_session_timeout", 6.0),
        ("KAFKA_SESSION_TIMEOUT", " 1.5 ", "kafka_session_timeout", 1.5),
        ("REDIS_URL", "rediss://user:word@redis:6380/3", "redis_url", "rediss://user:word@redis:6380/3"),
        ("REDIS_URL", "unix:///run/redis.sock", "redis_url", "unix:///run/redis.sock"),
        ("REDIS_URL", "redis+sentinel://a:1,b/c/2", "redis_url", "redis+sentinel://a:1,b/c/2"),
        ("NAMESPACE", "a.B-c_1", "namespace", "a.B-c_1"),
        ("CLOCK", "stream", "clock", "stream"),
        ("WEB_HOST", "::", "web_host", "::"),
        ("WEB_PORT", "65535", "web_port", 65535),
    ],
)
def test_every_variable_is_read(variable: str, value: str, name: str, expected: object) -> None:
    assert getattr(settings_of(**{variable: value}), name) == expected


def test_the_environment_of_the_process_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGEMENT_NAMESPACE", "from-the-process")

    assert read_settings().namespace == "from-the-process"
    assert read_settings({}).namespace == "engagement"


def test_overrides_stand_before_the_environment() -> None:
    found = read_settings({"ENGAGEMENT_NAMESPACE": "a", "ENGAGEMENT_CLOCK": "stream"}, {"ENGAGEMENT_NAMESPACE": "b"})

    assert (found.namespace, found.clock) == ("b", "stream")


def test_an_empty_variable_is_none() -> None:
    assert settings_of(NAMESPACE="", WEB_PORT="  ") == read_settings({})


def test_the_policy_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "é"', encoding="utf-8")

    assert settings_of(POLICY=str(path)).policy.version == "é"
    assert settings_of(POLICY=str(path)).policy_path == str(path)


@pytest.mark.parametrize(
    ("variable", "values", "allowed"),
    [
        (
            "KAFKA_BROKERS",
            ["kafka", ":9092", "kafka:", "kafka:0", "kafka:65536", "a:1,,b:1", "a:1,", "kafka:x", "a:-1"],
            "is not a list of host:port, separated by commas",
        ),
        ("KAFKA_SESSION_TIMEOUT", ["0", "0.9", "1801", "soon", "nan", "inf", "6s"], "is not seconds from 1 to 1800"),
        ("NAMESPACE", ["a b", "a:b", "é", "x" * 101, "{a}"], "is not 1 to 100 characters out of letters, digits"),
        ("CLOCK", ["WALL", "event", "0"], "is not 'wall' or 'stream'"),
        ("WEB_PORT", ["0", "65536", "80.5", "1e3", "http", "-1"], "is not a port from 1 to 65535"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(variable: str, values: list[str], allowed: str) -> None:
    for value in values:
        [problem] = problems(**{variable: value})
        assert problem.startswith(f"ENGAGEMENT_{variable}: {value!r} {allowed}")


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis:///0",
        "redis://host:99999",
        "redis://host:x",
        "unix://",
        "redis+sentinel://one",
    ],
)
def test_a_wrong_redis_url_is_refused(url: str) -> None:
    assert problems(REDIS_URL=url) == [
        "ENGAGEMENT_REDIS_URL: not a URL such as redis://localhost:6379/0 or redis+sentinel://one:26379,two:26379/service/0"
    ]


@pytest.mark.parametrize(
    "url", ["http://:{}@host", "redis+sentinel://:{}@host", "redis://:{}@host:99999", "redis://user:{}@[host", "{}"]
)
def test_a_password_is_never_told(url: str) -> None:
    told = problems(REDIS_URL=url.format(WORD), CLOCK="wrong")

    assert len(told) == 2
    assert WORD not in "\n".join(told)


def test_a_password_is_not_told_by_printed_settings() -> None:
    settings = settings_of(REDIS_URL=f"redis://user:{WORD}@host:1/0")

    assert WORD not in f"{settings} {settings!r}"


def test_a_policy_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none.toml", tmp_path, binary):
        [problem] = problems(POLICY=str(path))
        assert problem.startswith(f"ENGAGEMENT_POLICY: cannot read {path}: ")


@pytest.mark.parametrize("topic", ["churn-risk-alerts", "engagement-band-changes", "engagement-dead-letters"])
def test_a_channel_cannot_read_what_the_service_writes(tmp_path: Path, topic: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'[channels.loop]\ntopic = "{topic}"\nweights = {{ a = 1 }}')

    assert len(problems(POLICY=str(path))) == 1


def test_all_problems_are_told_at_once_those_of_the_policy_included(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('colour = "red"\n[window]\npane = "7h"')
    told = problems(
        KAFKA_BROKERS="kafka",
        KAFKA_SESSION_TIMEOUT="soon",
        REDIS_URL="redis",
        POLICY=str(path),
        NAMESPACE="a b",
        CLOCK="none",
        WEB_PORT="none",
    )

    assert sorted(problem.split(":")[0] for problem in told) == [
        "ENGAGEMENT_CLOCK",
        "ENGAGEMENT_KAFKA_BROKERS",
        "ENGAGEMENT_KAFKA_SESSION_TIMEOUT",
        "ENGAGEMENT_NAMESPACE",
        "ENGAGEMENT_POLICY",
        "ENGAGEMENT_POLICY",
        "ENGAGEMENT_REDIS_URL",
        "ENGAGEMENT_WEB_PORT",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {
            "ENGAGEMENT_KAFKA_BROKERS": "a:1,b:2",
            "ENGAGEMENT_KAFKA_SESSION_TIMEOUT": "6.5",
            "ENGAGEMENT_REDIS_URL": "redis://:word@host:1/2",
            "ENGAGEMENT_NAMESPACE": "other",
            "ENGAGEMENT_CLOCK": "stream",
            "ENGAGEMENT_WEB_HOST": "::1",
            "ENGAGEMENT_WEB_PORT": "80",
        },
    ],
)
def test_the_environment_gives_the_settings_back(given: dict[str, str]) -> None:
    settings = read_settings(given)

    assert read_settings(settings.environment()) == settings
    assert settings.environment().items() >= given.items()


def test_the_environment_names_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "mine"')

    assert read_settings(settings_of(POLICY=str(path)).environment()).policy.version == "mine"


def test_the_environment_gives_every_digit_back() -> None:
    settings = settings_of(KAFKA_SESSION_TIMEOUT="1234.5678")

    assert read_settings(settings.environment()) == settings
