"""The settings; the one place that reads the environment."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from scoring.ids import DEFAULT_NAMESPACE
from scoring.policy.policy import Policy
from streams.errors import SettingsError
from streams.settings.addresses import is_host, is_host_and_port
from streams.settings.policy_source import read_policy
from streams.settings.redis_url import redis_url_problems
from streams.settings.security import KafkaSecurity, RedisSecurity, SchemaAccess, Secret
from streams.settings.security_settings import read_kafka_security, read_redis_security, read_schema_access, read_secret

PREFIX = "ENGAGEMENT_"
_NAMESPACE = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SESSION_SECONDS = (1.0, 1800.0)
_MOST_PORT = 65535
_MOST_POLICY_RATE = 1_000_000
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

#: Settings with the texts that stand for them where they are not set.
DEFAULTS = {
    "KAFKA_BROKERS": "localhost:9092",
    "KAFKA_SESSION_TIMEOUT": "30",
    "REDIS_URL": "redis://localhost:6379/0",
    "POLICY": "",
    "POLICY_RATE": "2000",
    "NAMESPACE": DEFAULT_NAMESPACE,
    "CLOCK": "wall",
    "WEB_HOST": "127.0.0.1",
    "WEB_PORT": "6066",
    "LOG_LEVEL": "INFO",
}
#: Settings that have no default: who may get in, how a server is recognized, and further files.
SECURE_NAMES = (
    *("KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME"),
    *("KAFKA_SASL_PASSWORD", "KAFKA_SASL_PASSWORD_FILE"),
    *("KAFKA_CA_FILE", "KAFKA_CERTIFICATE_FILE", "KAFKA_KEY_FILE"),
    *("REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_PASSWORD_FILE"),
    *("REDIS_CA_FILE", "REDIS_CERTIFICATE_FILE", "REDIS_KEY_FILE"),
    *("SCHEMA_REGISTRY_URL", "SCHEMA_REGISTRY_USERNAME", "SCHEMA_REGISTRY_PASSWORD", "SCHEMA_REGISTRY_PASSWORD_FILE"),
    *("SCHEMA_REGISTRY_CA_FILE", "SCHEMA_FILE", "RECEIVER_FILE"),
    *("WEB_TOKEN", "WEB_TOKEN_FILE", "ERASURE_KEY", "ERASURE_KEY_FILE"),
)
#: What the tests of the service are told in such variables.
_OF_TESTS = f"{PREFIX}TEST_"
#: How much a name must be like that of a setting to be taken for one that was misspelled.
_LIKE = 0.87
#: Kubernetes tells of a service by the name of `engagement` in such variables.
_OF_KUBERNETES = re.compile(
    r"\w+_(SERVICE_(HOST|PORT\w*)|PORT_[0-9]+_(TCP|UDP|SCTP)\w*)=.*|\w+_PORT=(tcp|udp|sctp)://.*"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is told from outside.

    | setting | environment | default |
    | --- | --- | --- |
    | `kafka_brokers` | `ENGAGEMENT_KAFKA_BROKERS` (host:port, comma-separated) | `localhost:9092` |
    | `kafka_session_timeout` | `ENGAGEMENT_KAFKA_SESSION_TIMEOUT` (seconds, 1 to 1800) | 30 |
    | `redis_url` | `ENGAGEMENT_REDIS_URL` (a URL of a server or of Sentinels) | `redis://localhost:6379/0` |
    | `policy_path` | `ENGAGEMENT_POLICY` (a TOML file) | the built-in policy |
    | `policy_rate` | `ENGAGEMENT_POLICY_RATE` (customers a second, 1 to 1000000) | 2000 |
    | `namespace` | `ENGAGEMENT_NAMESPACE` (letters, digits, `.`, `_`, `-`) | `engagement` |
    | `clock` | `ENGAGEMENT_CLOCK` (`wall` or `stream`) | `wall` |
    | `erasure_key` | `ENGAGEMENT_ERASURE_KEY`, or `..._FILE` | none |
    | `web_host`, `web_port` | `ENGAGEMENT_WEB_HOST`, `ENGAGEMENT_WEB_PORT` | 127.0.0.1, 6066 |
    | `web_token` | `ENGAGEMENT_WEB_TOKEN`, or `..._FILE` | none |
    | `kafka_security` | `ENGAGEMENT_KAFKA_...`: see `security_settings` | plain connections |
    | `redis_security` | `ENGAGEMENT_REDIS_...`: see `security_settings` | what the URL says |
    | `schemas` | `ENGAGEMENT_SCHEMA_...`: see `security_settings` | none |
    | `receiver_file` | `ENGAGEMENT_RECEIVER_FILE` (a TOML file: see `streams.receiver.receiver_file`) | none |
    | `log_level` | `ENGAGEMENT_LOG_LEVEL` (`DEBUG`, `INFO`, `WARNING`, `ERROR`) | `INFO` |
    """

    policy: Policy
    kafka_brokers: str = "localhost:9092"
    kafka_session_timeout: float = 30.0
    # It may hold a password, which must not appear where settings are printed.
    redis_url: str = field(default="redis://localhost:6379/0", repr=False)
    policy_path: str = ""
    policy_rate: int = 2_000
    namespace: str = DEFAULT_NAMESPACE
    clock: str = "wall"
    # Erased customers are written down under digests made with it.
    erasure_key: Secret = field(default_factory=Secret)
    web_host: str = "127.0.0.1"
    web_port: int = 6066
    web_token: Secret = field(default_factory=Secret)
    kafka_security: KafkaSecurity = field(default_factory=KafkaSecurity)
    redis_security: RedisSecurity = field(default_factory=RedisSecurity)
    schemas: SchemaAccess = field(default_factory=SchemaAccess)
    receiver_file: str = ""
    log_level: str = "INFO"

    def environment(self) -> dict[str, str]:
        """Write the settings as the environment that gives them back."""
        values = {
            "KAFKA_BROKERS": self.kafka_brokers,
            "KAFKA_SESSION_TIMEOUT": str(self.kafka_session_timeout).removesuffix(".0"),
            "REDIS_URL": self.redis_url,
            "POLICY": self.policy_path,
            "POLICY_RATE": str(self.policy_rate),
            "NAMESPACE": self.namespace,
            "CLOCK": self.clock,
            "WEB_HOST": self.web_host,
            "WEB_PORT": str(self.web_port),
            "LOG_LEVEL": self.log_level,
        } | self._secure_environment()
        return {PREFIX + name: value for name, value in values.items() if value}

    def _secure_environment(self) -> dict[str, str]:
        kafka, redis = self.kafka_security, self.redis_security
        values = {"KAFKA_SECURITY_PROTOCOL": kafka.protocol, "REDIS_USERNAME": redis.username}
        if kafka.logs_in:
            values |= {"KAFKA_SASL_MECHANISM": kafka.mechanism, "KAFKA_SASL_USERNAME": kafka.username}
        access = self.schemas
        values |= {"SCHEMA_REGISTRY_URL": access.url, "SCHEMA_REGISTRY_USERNAME": access.username}
        values |= {"SCHEMA_REGISTRY_CA_FILE": access.tls.ca_file, "SCHEMA_FILE": access.file}
        values["RECEIVER_FILE"] = self.receiver_file
        secrets = {
            "SCHEMA_REGISTRY_PASSWORD": access.password,
            "KAFKA_SASL_PASSWORD": kafka.password,
            "REDIS_PASSWORD": redis.password,
            "WEB_TOKEN": self.web_token,
            "ERASURE_KEY": self.erasure_key,
        }
        for name, secret in secrets.items():
            values |= {f"{name}_FILE": secret.file} if secret.file else {name: secret.word}
        for server, tls in (("KAFKA", kafka.tls), ("REDIS", redis.tls)):
            values |= {
                f"{server}_CA_FILE": tls.ca_file,
                f"{server}_CERTIFICATE_FILE": tls.certificate_file,
                f"{server}_KEY_FILE": tls.key_file,
            }
        return values


def read_settings(environment: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environment: where they are read from; by default that of the process.
        overrides: what stands before the environment, under the same names.

    Returns:
        The settings, with the policy that they name.

    Raises:
        SettingsError: with every problem, those of the policy included.
    """
    found = os.environ if environment is None else environment
    return _Reader({**found, **(overrides or {})}).settings()


def unknown_settings(environment: Mapping[str, str] | None = None) -> list[str]:
    """Find variables that look like settings and are none.

    Args:
        environment: where they are looked for; by default that of the process.

    Returns:
        A sentence each, with the nearest setting; never the value, which may be a secret.
    """
    found = os.environ if environment is None else environment
    known = [PREFIX + name for name in (*DEFAULTS, *SECURE_NAMES)]
    sentences = []
    for name in sorted(found.keys() - set(known)):
        if name.startswith(_OF_TESTS) or _OF_KUBERNETES.fullmatch(f"{name}={found[name]}"):
            continue
        if name.upper().startswith(PREFIX):
            # Compared without what all have in common.
            tails = difflib.get_close_matches(name.upper().removeprefix(PREFIX), (*DEFAULTS, *SECURE_NAMES), 1)
            near = [PREFIX + tail for tail in tails]
        elif not (near := difflib.get_close_matches(name.upper(), known, 1, _LIKE)):
            continue
        sentences.append(f"{name} is not a setting" + (f"; is {near[0]} meant?" if near else ""))
    return sentences


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    def settings(self) -> Settings:
        path = self._text("POLICY")
        policy = self._policy(path)
        redis_url = self._redis_url()
        values = {
            "kafka_brokers": self._brokers(),
            "kafka_session_timeout": self._number("KAFKA_SESSION_TIMEOUT", *_SESSION_SECONDS, "seconds"),
            "redis_url": redis_url,
            "policy_rate": int(self._number("POLICY_RATE", 1, _MOST_POLICY_RATE, "customers a second", whole=True)),
            "namespace": self._namespace(),
            "clock": self._clock(),
            "web_host": self._web_host(),
            "web_port": int(self._number("WEB_PORT", 1, _MOST_PORT, "a port", whole=True)),
            "log_level": self._log_level(),
        }
        given = {name: self._text(name) for name in SECURE_NAMES}
        values |= {
            "web_token": read_secret(given, "WEB_TOKEN", self._report),
            "erasure_key": read_secret(given, "ERASURE_KEY", self._report),
            "kafka_security": read_kafka_security(given, self._report),
            "schemas": read_schema_access(given, self._report),
            "receiver_file": given["RECEIVER_FILE"],
        }
        if f"{PREFIX}REDIS_URL" not in {problem.partition(":")[0] for problem in self._problems}:
            values["redis_security"] = read_redis_security(given, redis_url, self._report)
        if self._problems or policy is None:
            raise SettingsError(self._problems)
        return Settings(policy, policy_path=path, **values)  # type: ignore[arg-type]

    def _text(self, name: str) -> str:
        return self._environment.get(PREFIX + name, "").strip() or DEFAULTS.get(name, "")

    def _refuse(self, name: str, value: str, allowed: str) -> None:
        self._problems.append(f"{PREFIX}{name}: {value!r} is not {allowed}")

    def _report(self, name: str, problem: str) -> None:
        self._problems.append(f"{PREFIX}{name}: {problem}")

    def _log_level(self) -> str:
        value = self._text("LOG_LEVEL")
        if value not in LOG_LEVELS:
            self._refuse("LOG_LEVEL", value, f"one of {', '.join(LOG_LEVELS)}")
        return value

    def _brokers(self) -> str:
        value = self._text("KAFKA_BROKERS")
        brokers = [broker.strip() for broker in value.split(",")]
        wrong = [broker for broker in brokers if not is_host_and_port(broker)]
        if "@" in value:
            # It may hold a password, so it is not repeated.
            self._report("KAFKA_BROKERS", "not a list of host:port, separated by commas: it holds an @")
        elif wrong:
            what = ", ".join(map(repr, wrong)) if len(brokers) > 1 else ""
            allowed = "a list of host:port, separated by commas (an IPv6 address in brackets)"
            self._refuse("KAFKA_BROKERS", value, allowed + (f", because of {what}" if what else ""))
        return ",".join(brokers)

    def _web_host(self) -> str:
        value = self._text("WEB_HOST")
        if not is_host(value):
            self._refuse("WEB_HOST", value, "the name or the address of a host")
        return value

    def _number(self, name: str, least: float, most: float, unit: str, *, whole: bool = False) -> float:
        text = self._text(name)
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            self._refuse(name, text, f"{unit} from {least:g} to {most:g}")
            return least
        return value

    def _redis_url(self) -> str:
        value = self._text("REDIS_URL")
        # The URL may hold a password, so it is not repeated.
        self._problems += [f"{PREFIX}REDIS_URL: {problem}" for problem in redis_url_problems(value)]
        return value

    def _namespace(self) -> str:
        value = self._text("NAMESPACE")
        if not _NAMESPACE.fullmatch(value):
            self._refuse("NAMESPACE", value, "1 to 100 characters out of letters, digits, '.', '_', '-'")
        return value

    def _clock(self) -> str:
        value = self._text("CLOCK")
        if value not in ("wall", "stream"):
            self._refuse("CLOCK", value, "'wall' or 'stream'")
        return value

    def _policy(self, path: str) -> Policy | None:
        try:
            return read_policy(path)
        except SettingsError as error:
            self._problems += [f"{PREFIX}POLICY: {problem}" for problem in error.problems]
            return None
