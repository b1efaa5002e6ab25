"""The settings; the one place that reads the environment.

Rests on decision 127.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from scoring.ids import DEFAULT_NAMESPACE
from scoring.policy.policy import Policy
from streams.errors import SettingsError
from streams.settings.environment import PREFIX, Environment, read_environment
from streams.settings.policy_source import beside, read_policy
from streams.settings.security import MECHANISMS, KafkaSecurity, RedisSecurity, SchemaAccess, Secret, Tls

#: Variables that begin so are for the tests of the service.
_OF_TESTS = f"{PREFIX}TEST_"
#: How much a name must be like that of a setting to be taken for one that was misspelled.
_LIKE = 0.87
#: Kubernetes announces a service by the name of `engagement` in such variables.
_OF_KUBERNETES = re.compile(
    r"\w+_(SERVICE_(HOST|PORT\w*)|PORT_[0-9]+_(TCP|UDP|SCTP)\w*)=.*|\w+_PORT=(tcp|udp|sctp)://.*"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set for a worker from outside; `streams.settings.environment` names the variables.

    `kafka_session_timeout` is in seconds, `policy_rate` in customers a second. `policy_path` is '' for the built-in
    policy, `shadow_path` '' for no shadow policy beside it; where there is one, `policy` has it. `receiver_file` is ''
    for none. `topic_prefix` stands before the name of every topic that the service writes.
    """

    policy: Policy
    kafka_brokers: str = "localhost:9092"
    kafka_session_timeout: float = 30.0
    # It may hold a password, which must not appear where settings are printed.
    redis_url: str = field(default="redis://localhost:6379/0", repr=False)
    policy_path: str = ""
    shadow_path: str = ""
    policy_rate: int = 2_000
    namespace: str = DEFAULT_NAMESPACE
    topic_prefix: str = ""
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

    def written(self, name: str) -> str:
        """Name a topic of `streams.topic_names` as Kafka knows it.

        Args:
            name: as the code names it.

        Example:
            >>> Settings(Policy(channels=()), topic_prefix="acme.").written("churn-risk-alerts")
            'acme.churn-risk-alerts'
        """
        return self.topic_prefix + name

    def environment(self) -> dict[str, str]:
        """Write the settings as the environment that gives them back."""
        values = {
            "KAFKA_BROKERS": self.kafka_brokers,
            "KAFKA_SESSION_TIMEOUT": str(self.kafka_session_timeout).removesuffix(".0"),
            "REDIS_URL": self.redis_url,
            "POLICY": self.policy_path,
            "SHADOW_POLICY": self.shadow_path,
            "POLICY_RATE": str(self.policy_rate),
            "NAMESPACE": self.namespace,
            "OUTPUT_TOPICS": "namespace" if self.topic_prefix else "shared",
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
    problems: list[str] = []
    given = {**(os.environ if environment is None else environment), **(overrides or {})}
    found = read_environment(given, problems)
    path = given.get(f"{PREFIX}POLICY", "").strip()
    shadow_path = given.get(f"{PREFIX}SHADOW_POLICY", "").strip()
    prefix = f"{found.NAMESPACE}." if found is not None and found.OUTPUT_TOPICS == "namespace" else ""
    policy = _policy(path, shadow_path, prefix, problems)
    if found is None or policy is None:
        raise SettingsError(problems)
    return Settings(
        policy,
        kafka_brokers=found.KAFKA_BROKERS,
        kafka_session_timeout=found.KAFKA_SESSION_TIMEOUT,
        redis_url=found.REDIS_URL,
        policy_path=path,
        shadow_path=shadow_path,
        policy_rate=found.POLICY_RATE,
        namespace=found.NAMESPACE,
        topic_prefix=prefix,
        clock=found.CLOCK,
        erasure_key=found.ERASURE_KEY_FILE,
        web_host=found.WEB_HOST,
        web_port=found.WEB_PORT,
        web_token=found.WEB_TOKEN_FILE,
        kafka_security=_kafka_security(found),
        redis_security=_redis_security(found),
        schemas=_schema_access(found),
        receiver_file=found.RECEIVER_FILE,
        log_level=found.LOG_LEVEL,
    )


def _kafka_security(found: Environment) -> KafkaSecurity:
    return KafkaSecurity(
        found.KAFKA_SECURITY_PROTOCOL,
        found.KAFKA_SASL_MECHANISM or MECHANISMS[0],
        found.KAFKA_SASL_USERNAME,
        found.KAFKA_SASL_PASSWORD_FILE,
        Tls(found.KAFKA_CA_FILE, found.KAFKA_CERTIFICATE_FILE, found.KAFKA_KEY_FILE),
    )


def _redis_security(found: Environment) -> RedisSecurity:
    tls = Tls(found.REDIS_CA_FILE, found.REDIS_CERTIFICATE_FILE, found.REDIS_KEY_FILE)
    return RedisSecurity(found.REDIS_USERNAME, found.REDIS_PASSWORD_FILE, tls)


def _schema_access(found: Environment) -> SchemaAccess:
    return SchemaAccess(
        found.SCHEMA_REGISTRY_URL,
        found.SCHEMA_REGISTRY_USERNAME,
        found.SCHEMA_REGISTRY_PASSWORD_FILE,
        Tls(found.SCHEMA_REGISTRY_CA_FILE),
        found.SCHEMA_FILE,
    )


def _policy(path: str, shadow_path: str, prefix: str, problems: list[str]) -> Policy | None:
    name = f"{PREFIX}POLICY"
    try:
        policy = read_policy(path, prefix)
        name = f"{PREFIX}SHADOW_POLICY"
        return beside(policy, read_policy(shadow_path, prefix), shadow_path) if shadow_path else policy
    except SettingsError as error:
        problems += [f"{name}: {problem}" for problem in error.problems]
        return None


def unknown_settings(environment: Mapping[str, str] | None = None) -> list[str]:
    """Find variables that look like settings and are none.

    Args:
        environment: where they are looked for; by default that of the process.

    Returns:
        A sentence each, with the nearest setting; never the value, which may be a secret.
    """
    found = os.environ if environment is None else environment
    tails_known = tuple(Environment.model_fields)
    known = [PREFIX + name for name in tails_known]
    sentences = []
    for name in sorted(found.keys() - set(known)):
        if name.startswith(_OF_TESTS) or _OF_KUBERNETES.fullmatch(f"{name}={found[name]}"):
            continue
        if name.upper().startswith(PREFIX):
            # Compared without what all have in common.
            tails = difflib.get_close_matches(name.upper().removeprefix(PREFIX), tails_known, 1)
            near = [PREFIX + tail for tail in tails]
        elif not (near := difflib.get_close_matches(name.upper(), known, 1, _LIKE)):
            continue
        sentences.append(f"{name} is not a setting" + (f"; is {near[0]} meant?" if near else ""))
    return sentences
