"""The variables of the environment as a model: what each may be, alone and beside those before it.

No value of a secret, nor of what may hold one, is repeated in a message. Rests on decisions 66 and 108.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from scoring.ids import DEFAULT_NAMESPACE
from streams.errors import why_unreadable
from streams.settings.addresses import is_host, is_host_and_port
from streams.settings.redis_url import redis_url_problems
from streams.settings.security import PROTOCOLS, Secret, Tls

PREFIX: Final = "ENGAGEMENT_"
_REFUSED: Final = "refused"


def _refused(*problems: tuple[str, str]) -> PydanticCustomError:
    """Make the error of one or more problems: each the name of a variable, '' for the one at hand, and a sentence."""
    return PydanticCustomError(_REFUSED, "refused", {"problems": problems})


def _brokers(value: str) -> str:
    brokers = [broker.strip() for broker in value.split(",")]
    wrong = [broker for broker in brokers if not is_host_and_port(broker)]
    if "@" in value:
        # It may hold a password, so it is not repeated.
        raise _refused(("", "not a list of host:port, separated by commas: it holds an @"))
    if wrong:
        because = f", because of {', '.join(map(repr, wrong))}" if len(brokers) > 1 else ""
        allowed = "a list of host:port, separated by commas (an IPv6 address in brackets)"
        raise _refused(("", f"{value!r} is not {allowed}{because}"))
    return ",".join(brokers)


def _redis_url(value: str) -> str:
    # It may hold a password, so it is not repeated.
    if problems := redis_url_problems(value):
        raise _refused(*[("", problem) for problem in problems])
    return value


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError
    return value


def _web(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if value and not (parts.scheme in ("http", "https") and parts.hostname):
        # It may hold a password, so it is not repeated.
        raise _refused(("", "not a URL such as https://registry:8081"))
    return value


def _use(tls: Tls, name: str, expected: str = "") -> None:
    if not tls:
        # To read all of the system's authorities, for nothing, takes longer than everything else here.
        return
    try:
        tls.context()
    except OSError as error:
        raise _refused((name, f"cannot be used{expected}: {error.strerror or error}")) from error


def _of_file(path: str) -> Secret:
    try:
        word = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        # Somebody may have put the secret itself where its file belongs, so neither path nor error is repeated.
        raise _refused(("", f"cannot be read as text: {why_unreadable(error)}")) from error
    if not word:
        raise _refused(("", "the file is empty"))
    return Secret(word, path)


def _word(given: str | Secret) -> Secret:
    return given if isinstance(given, Secret) else Secret(given)


def _path(given: str | Secret) -> Secret:
    return given if isinstance(given, Secret) else Secret(file=given)


Word = Annotated[Secret, BeforeValidator(_word)]
SecretFile = Annotated[Secret, BeforeValidator(_path)]
_NO_SECRET: Final = Secret()


def _over_tls(server: str, data: Mapping[str, Any]) -> None:
    """Refuse files that a connection without TLS does not use."""
    files = f"the files set by {PREFIX}{server}_*_FILE"
    if server == "REDIS":
        if not data.get("REDIS_URL", "rediss").startswith("rediss"):
            raise _refused(("REDIS_URL", f"must begin with rediss:// for {files} to be used"))
    elif not PROTOCOLS[protocol := data.get("KAFKA_SECURITY_PROTOCOL", "SSL")][0]:
        raise _refused(("KAFKA_SECURITY_PROTOCOL", f"is {protocol}, which does not use {files}"))


class Environment(BaseModel):
    """The variables by their names without the prefix, in the order in which a rule may look at those before it."""

    model_config = ConfigDict(extra="ignore", validate_default=True, hide_input_in_errors=True, frozen=True)

    KAFKA_BROKERS: Annotated[str, AfterValidator(_brokers)] = "localhost:9092"
    KAFKA_SESSION_TIMEOUT: float = Field(30.0, ge=1, le=1800, description="seconds from 1 to 1800")
    REDIS_URL: Annotated[str, AfterValidator(_redis_url)] = "redis://localhost:6379/0"
    POLICY: str = ""
    SHADOW_POLICY: str = ""
    POLICY_RATE: int = Field(2_000, ge=1, le=1_000_000, description="customers a second from 1 to 1e+06")
    NAMESPACE: str = Field(
        DEFAULT_NAMESPACE,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="1 to 100 characters out of letters, digits, '.', '_', '-'",
    )
    OUTPUT_TOPICS: Literal["shared", "namespace"] = Field("shared", description="'shared' or 'namespace'")
    CLOCK: Literal["wall", "stream"] = Field("wall", description="'wall' or 'stream'")
    WEB_HOST: Annotated[str, AfterValidator(_host)] = Field(
        "127.0.0.1", description="the name or the address of a host"
    )
    WEB_PORT: int = Field(6066, ge=1, le=65535, description="a port from 1 to 65535")
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="one of DEBUG, INFO, WARNING, ERROR"
    )
    WEB_TOKEN: Word = _NO_SECRET
    WEB_TOKEN_FILE: SecretFile = _NO_SECRET
    ERASURE_KEY: Word = _NO_SECRET
    ERASURE_KEY_FILE: SecretFile = _NO_SECRET
    KAFKA_SECURITY_PROTOCOL: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description=f"one of {', '.join(PROTOCOLS)}"
    )
    KAFKA_SASL_MECHANISM: Literal["", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "", description="one of SCRAM-SHA-512, SCRAM-SHA-256, PLAIN"
    )
    KAFKA_SASL_USERNAME: str = ""
    KAFKA_SASL_PASSWORD: Word = _NO_SECRET
    KAFKA_SASL_PASSWORD_FILE: SecretFile = _NO_SECRET
    KAFKA_CA_FILE: str = ""
    KAFKA_CERTIFICATE_FILE: str = ""
    KAFKA_KEY_FILE: str = ""
    REDIS_USERNAME: str = ""
    REDIS_PASSWORD: Word = _NO_SECRET
    REDIS_PASSWORD_FILE: SecretFile = _NO_SECRET
    REDIS_CA_FILE: str = ""
    REDIS_CERTIFICATE_FILE: str = ""
    REDIS_KEY_FILE: str = ""
    SCHEMA_REGISTRY_URL: Annotated[str, AfterValidator(_web)] = ""
    SCHEMA_REGISTRY_USERNAME: str = ""
    SCHEMA_REGISTRY_PASSWORD: Word = _NO_SECRET
    SCHEMA_REGISTRY_PASSWORD_FILE: SecretFile = _NO_SECRET
    SCHEMA_REGISTRY_CA_FILE: str = ""
    SCHEMA_FILE: str = ""
    RECEIVER_FILE: str = ""

    @field_validator(
        "WEB_TOKEN_FILE",
        "ERASURE_KEY_FILE",
        "KAFKA_SASL_PASSWORD_FILE",
        "REDIS_PASSWORD_FILE",
        "SCHEMA_REGISTRY_PASSWORD_FILE",
    )
    @classmethod
    def _word_or_file(cls, secret: Secret, info: ValidationInfo) -> Secret:
        """Take the word of the variable before, or the one in the file."""
        name = str(info.field_name).removesuffix("_FILE")
        word: Secret = info.data.get(name, _NO_SECRET)
        if word and secret.file:
            raise _refused((name, f"{PREFIX}{name}_FILE is set, too"))
        return _of_file(secret.file) if secret.file else word

    @field_validator("KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD", "KAFKA_SASL_PASSWORD_FILE")
    @classmethod
    def _with_login(cls, value: str | Secret, info: ValidationInfo) -> str | Secret:
        name, protocol = str(info.field_name), info.data.get("KAFKA_SECURITY_PROTOCOL")
        if protocol is None:
            return value
        logs_in, is_file = PROTOCOLS[protocol][1], name.endswith("_FILE")
        if not logs_in and (value.file if isinstance(value, Secret) and is_file else value):
            raise _refused((name, f"is not used with {protocol}; {PREFIX}KAFKA_SECURITY_PROTOCOL says so"))
        if logs_in and not value and name.endswith(("_USERNAME", "_FILE")):
            rest = ", or the same with _FILE" if is_file else ""
            raise _refused((name.removesuffix("_FILE"), f"is needed with {protocol}{rest}"))
        return value

    @field_validator("REDIS_USERNAME", "REDIS_PASSWORD_FILE")
    @classmethod
    def _not_in_the_url(cls, value: str | Secret, info: ValidationInfo) -> str | Secret:
        parts = urlsplit(info.data.get("REDIS_URL", ""))
        options = dict(parse_qsl(parts.query))
        if value and isinstance(value, str) and (parts.username or "username" in options):
            raise _refused(("REDIS_USERNAME", f"{PREFIX}REDIS_URL names a user, too"))
        if value and isinstance(value, Secret) and (parts.password or "password" in options):
            raise _refused(("REDIS_PASSWORD", f"{PREFIX}REDIS_URL holds a password, too"))
        return value

    @field_validator("KAFKA_CA_FILE", "REDIS_CA_FILE", "SCHEMA_REGISTRY_CA_FILE")
    @classmethod
    def _authorities(cls, path: str, info: ValidationInfo) -> str:
        _use(Tls(path), str(info.field_name))
        return path

    @field_validator("KAFKA_KEY_FILE", "REDIS_KEY_FILE")
    @classmethod
    def _certificate(cls, path: str, info: ValidationInfo) -> str:
        server = str(info.field_name).partition("_")[0]
        shown = info.data[f"{server}_CERTIFICATE_FILE"]
        if path and not shown:
            raise _refused(("", f"is not used without {PREFIX}{server}_CERTIFICATE_FILE"))
        _use(Tls("", shown, path), f"{server}_CERTIFICATE_FILE", " with its key, which must not be encrypted")
        if shown or info.data.get(f"{server}_CA_FILE"):
            _over_tls(server, info.data)
        return path

    @field_validator("SCHEMA_FILE")
    @classmethod
    def _one_origin_of_schemas(cls, path: str, info: ValidationInfo) -> str:
        registry, problems = "SCHEMA_REGISTRY", []
        url, *others = (info.data.get(f"{registry}_{name}") for name in ("URL", "USERNAME", "PASSWORD_FILE", "CA_FILE"))
        if url and path:
            problems.append(("", f"{PREFIX}{registry}_URL is set, too"))
        if path and not Path(path).is_file():
            problems.append(("", f"there is no file {path!r}"))
        if url == "" and any(others):
            problems.append((f"{registry}_URL", "is needed for the other settings of the registry to be used"))
        if others[1] and not others[0]:
            problems.append((f"{registry}_USERNAME", "is needed with a password"))
        if problems:
            raise _refused(*problems)
        return path


def read_environment(given: Mapping[str, str], problems: list[str]) -> Environment | None:
    """Read the variables.

    Args:
        given: all of an environment; what is no setting is left out.
        problems: every problem that is found is added to these.

    Returns:
        None if there is any.
    """
    values = {name.removeprefix(PREFIX): value.strip() for name, value in given.items() if name.startswith(PREFIX)}
    try:
        return Environment.model_validate({name: value for name, value in values.items() if value})
    except ValidationError as error:
        for each in error.errors(include_url=False):
            name = str(each["loc"][0])
            if each["type"] == _REFUSED:
                problems += [f"{PREFIX}{own or name}: {problem}" for own, problem in each["ctx"]["problems"]]
            else:
                allowed = Environment.model_fields[name].description
                problems.append(f"{PREFIX}{name}: {each['input']!r} is not {allowed}")
    return None
