"""The settings: every variable, every problem at once, and no password in any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import SettingsError
from streams.policy_file.document import builtin_policy
from streams.settings.environment import Environment
from streams.settings.settings import Settings, read_settings, unknown_settings

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
        ("KAFKA_BROKERS", "kafka_1.a-b.:9092,10.0.0.1:1", "kafka_brokers", "kafka_1.a-b.:9092,10.0.0.1:1"),
        ("KAFKA_BROKERS", "b\u00fccher.example:9092", "kafka_brokers", "b\u00fccher.example:9092"),
        ("KAFKA_SESSION_TIMEOUT", "6", "kafka_session_timeout", 6.0),
        ("KAFKA_SESSION_TIMEOUT", " 1.5 ", "kafka_session_timeout", 1.5),
        ("REDIS_URL", "rediss://user:word@redis:6380/3", "redis_url", "rediss://user:word@redis:6380/3"),
        ("REDIS_URL", "unix:///run/redis.sock", "redis_url", "unix:///run/redis.sock"),
        ("REDIS_URL", "redis+sentinel://a:1,b/c/2", "redis_url", "redis+sentinel://a:1,b/c/2"),
        ("NAMESPACE", "a.B-c_1", "namespace", "a.B-c_1"),
        ("OUTPUT_TOPICS", "shared", "topic_prefix", ""),
        ("OUTPUT_TOPICS", "namespace", "topic_prefix", "engagement."),
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
            [
                *("kafka", ":9092", "kafka:", "kafka:0", "kafka:65536", "a:1,,b:1", "a:1,", "kafka:x", "a:-1"),
                *(
                    "a:9092;b:9092",
                    "::1:9092",
                    "kafka://h:9092",
                    "a:9092 b:9092",
                    "[::1]",
                    "[a]:1",
                    "[::g]:1",
                    "1.2.3:4",
                ),
                *("a..b:1", "-a:1", "a:1/", "a:\u0661", "a:1,b", ",", "h:000000001", f"{'x' * 64}:1"),
            ],
            "is not a list of host:port, separated by commas",
        ),
        ("KAFKA_SESSION_TIMEOUT", ["0", "0.9", "1801", "soon", "nan", "inf", "6s"], "is not seconds from 1 to 1800"),
        ("NAMESPACE", ["a b", "a:b", "é", "x" * 101, "{a}"], "is not 1 to 100 characters out of letters, digits"),
        ("CLOCK", ["WALL", "event", "0"], "is not 'wall' or 'stream'"),
        ("WEB_HOST", ["a b", "a:80", "a..b", "1.2.3", "http://a"], "is not the name or the address of a host"),
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


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://host/abc", "the database behind the host is not a number, such as /0"),
        ("redis://host/1/2", "the database behind the host is not a number, such as /0"),
        ("redis://host/-1", "the database behind the host is not a number, such as /0"),
        ("redis://host/1?db=2", "names the database twice, behind the host and as db"),
        ("redis://host?socket_timeout=abc", "option socket_timeout is not a number of seconds greater than 0"),
        ("redis://host?socket_timeout=", "option socket_timeout is not a number of seconds greater than 0"),
        ("redis://host?socket_timeout=nan", "option socket_timeout is not a number of seconds greater than 0"),
        ("redis://host?socket_timeout=1&socket_timeout=2", "option socket_timeout stands twice"),
        ("redis://host?ssl_ca_certs=/dev/null", "option ssl_ca_certs is only for rediss:// and rediss+sentinel://"),
        ("redis+sentinel://one/service?ssl_cert_reqs=none", "option ssl_cert_reqs is only for rediss://"),
        ("rediss://host?ssl_cert_reqs=maybe", "option ssl_cert_reqs is not none, optional or required"),
        ("rediss://host?ssl_ca_certs=/no/file", "option ssl_ca_certs is not the path of a file that is there"),
        ("rediss://host?ssl_ciphers=none-such", "option ssl_ciphers is not a list of ciphers"),
        ("redis://host?nonsense=1", "option nonsense is not one of db, username, "),
        ("redis://host?decode_responses=no", "option decode_responses is not one of db, username, "),
        ("redis+sentinel://one/service?nonsense=1", "option nonsense is not one of db, username, "),
        ("unix:///run/redis.sock?db=first", "option db is not a whole number"),
    ],
)
def test_what_is_wrong_with_a_redis_url_is_named(url: str, problem: str) -> None:
    [told] = problems(REDIS_URL=url)
    assert told.startswith(f"ENGAGEMENT_REDIS_URL: {problem}")


def test_every_problem_of_a_redis_url_is_told() -> None:
    assert len(problems(REDIS_URL="redis://host/abc?nonsense=1&socket_timeout=abc&ssl_certfile=x")) == 4


@pytest.mark.parametrize(
    "url",
    [
        *("redis://host:0", "redis://ho st", "redis://a..b/0", "redis://host,other", "redis://[::g]", "redis://host?x"),
        *("redis+sentinel://a..b/service", "redis://1.2.3"),
    ],
)
def test_what_is_no_redis_url_is_refused(url: str) -> None:
    assert problems(REDIS_URL=url) == [
        "ENGAGEMENT_REDIS_URL: not a URL such as redis://localhost:6379/0 or redis+sentinel://one:26379,two:26379/service/0"
    ]


@pytest.mark.parametrize(
    "url", ["redis://user:12/{}@host", "redis://user:12?{}=1@host", "redis://user:12#{}@host", "redis://host?{}=1@x"]
)
def test_a_password_with_an_unwritten_sign_is_not_told(url: str) -> None:
    [told] = problems(REDIS_URL=url.format(WORD))

    assert WORD not in told
    assert "%2F" in told or "not a URL" in told


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ENGAGEMENT_KAFKA_BROKER", "ENGAGEMENT_KAFKA_BROKERS"),
        ("ENGAGEMENT_KAFKA_BROKER_LIST", "ENGAGEMENT_KAFKA_BROKERS"),
        ("engagement_redis_url", "ENGAGEMENT_REDIS_URL"),
        ("ENGAGMENT_NAMESPACE", "ENGAGEMENT_NAMESPACE"),
        ("ENGAGEMENT_REDIS_PASWORD_FILE", "ENGAGEMENT_REDIS_PASSWORD_FILE"),
    ],
)
def test_a_variable_that_is_no_setting_is_told_with_the_nearest(name: str, near: str) -> None:
    assert unknown_settings({name: WORD}) == [f"{name} is not a setting; is {near} meant?"]


def test_a_variable_like_no_setting_is_told_too() -> None:
    assert unknown_settings({"ENGAGEMENT_ZZZ": WORD}) == ["ENGAGEMENT_ZZZ is not a setting"]


def test_settings_variables_of_others_and_those_of_kubernetes_are_not_told() -> None:
    known = {f"ENGAGEMENT_{name}": "" for name in Environment.model_fields}
    kubernetes = {
        "ENGAGEMENT_SERVICE_HOST": "10.0.0.1",
        "ENGAGEMENT_SERVICE_PORT_WEB": "6066",
        "ENGAGEMENT_PORT": "tcp://10.0.0.1:6066",
        "ENGAGEMENT_WORKER_PORT_6066_TCP_ADDR": "10.0.0.1",
    }
    others = {"PATH": "/bin", "KAFKA_BROKERS": "a:1", "REDIS_URL": "redis://a", "LOG_LEVEL": "INFO"}
    assert unknown_settings(known | kubernetes | others) == []
    assert read_settings(dict.fromkeys(known, "")) == read_settings({})


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
            "ENGAGEMENT_OUTPUT_TOPICS": "namespace",
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


def test_a_policy_must_not_read_what_its_own_namespace_writes(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "loop"\n[channels.web]\ntopic = "acme.engagement-signals"\nweights = { view = 1 }\n')
    given = {"POLICY": str(path), "OUTPUT_TOPICS": "namespace"}

    assert settings_of(**given, NAMESPACE="zeta").policy.own_topics == ("acme.engagement-signals",)
    with pytest.raises(SettingsError, match=r"the service itself writes 'acme\.engagement-signals'"):
        settings_of(**given, NAMESPACE="acme")


def test_the_environment_names_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "mine"')

    assert read_settings(settings_of(POLICY=str(path)).environment()).policy.version == "mine"


def test_the_environment_gives_every_digit_back() -> None:
    settings = settings_of(KAFKA_SESSION_TIMEOUT="1234.5678")

    assert read_settings(settings.environment()) == settings
