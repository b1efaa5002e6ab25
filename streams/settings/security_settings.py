"""Reads the settings of `streams.settings.security`, noting every problem; never repeats what may be a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from streams.settings.security import MECHANISMS, PROTOCOLS, KafkaSecurity, RedisSecurity, SchemaAccess, Secret, Tls

Report = Callable[[str, str], None]
_EXPECTED = {"CA": "", "CERTIFICATE": " with its key, which must not be encrypted"}


def read_kafka_security(values: Mapping[str, str], report: Report) -> KafkaSecurity:
    """Read how to connect to Kafka.

    Args:
        values: settings by their names without prefix; '' or absent for none.
        report: told the name of a setting and what is wrong with it.

    Returns:
        What could be read.
    """
    protocol = values.get("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT"
    if protocol not in PROTOCOLS:
        report("KAFKA_SECURITY_PROTOCOL", f"{protocol!r} is not one of {', '.join(PROTOCOLS)}")
        return KafkaSecurity()
    security = KafkaSecurity(
        protocol,
        values.get("KAFKA_SASL_MECHANISM") or MECHANISMS[0],
        values.get("KAFKA_SASL_USERNAME", ""),
        read_secret(values, "KAFKA_SASL_PASSWORD", report),
        _tls(values, "KAFKA", report),
    )
    if security.mechanism not in MECHANISMS:
        report("KAFKA_SASL_MECHANISM", f"{security.mechanism!r} is not one of {', '.join(MECHANISMS)}")
    _check_login(values, security, report)
    if security.tls and not security.encrypted:
        report("KAFKA_SECURITY_PROTOCOL", f"is {protocol}, which does not use the files set by ENGAGEMENT_KAFKA_*_FILE")
    return security


def _check_login(values: Mapping[str, str], security: KafkaSecurity, report: Report) -> None:
    if security.logs_in:
        if not security.username:
            report("KAFKA_SASL_USERNAME", f"is needed with {security.protocol}")
        if not security.password and not values.get("KAFKA_SASL_PASSWORD_FILE"):
            report("KAFKA_SASL_PASSWORD", f"is needed with {security.protocol}, or the same with _FILE")
        return
    for name in ("SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD", "SASL_PASSWORD_FILE"):
        if values.get(f"KAFKA_{name}"):
            report(f"KAFKA_{name}", f"is not used with {security.protocol}; ENGAGEMENT_KAFKA_SECURITY_PROTOCOL says so")


def read_redis_security(values: Mapping[str, str], url: str, report: Report) -> RedisSecurity:
    """Read how to connect to Redis.

    Args:
        values: as for Kafka.
        url: of Redis; a right one.
        report: as for Kafka.

    Returns:
        What could be read.
    """
    security = RedisSecurity(
        values.get("REDIS_USERNAME", ""), read_secret(values, "REDIS_PASSWORD", report), _tls(values, "REDIS", report)
    )
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if security.username and (parts.username or "username" in options):
        report("REDIS_USERNAME", "ENGAGEMENT_REDIS_URL names a user, too")
    if security.password and (parts.password or "password" in options):
        report("REDIS_PASSWORD", "ENGAGEMENT_REDIS_URL holds a password, too")
    if security.tls and not parts.scheme.startswith("rediss"):
        report("REDIS_URL", "must begin with rediss:// for the files set by ENGAGEMENT_REDIS_*_FILE to be used")
    return security


def read_schema_access(values: Mapping[str, str], report: Report) -> SchemaAccess:
    """Read where schemas come from.

    Args:
        values: as for Kafka.
        report: as for Kafka.

    Returns:
        What could be read.
    """
    name = "SCHEMA_REGISTRY"
    access = SchemaAccess(
        values.get(f"{name}_URL", ""),
        values.get(f"{name}_USERNAME", ""),
        read_secret(values, f"{name}_PASSWORD", report),
        _tls({f"{name}_CA_FILE": values.get(f"{name}_CA_FILE", "")}, name, report),
        values.get("SCHEMA_FILE", ""),
    )
    if access.url and not _is_web(access.url):
        # The URL may hold a password, so it is not repeated.
        report(f"{name}_URL", "not a URL such as https://registry:8081")
    if access.url and access.file:
        report("SCHEMA_FILE", f"ENGAGEMENT_{name}_URL is set, too")
    if access.file and not Path(access.file).is_file():
        report("SCHEMA_FILE", f"there is no file {access.file!r}")
    if not access.url and (access.username or access.password or access.tls):
        report(f"{name}_URL", "is needed for the other settings of the registry to be used")
    if access.password and not access.username:
        report(f"{name}_USERNAME", "is needed with a password")
    return access


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def read_secret(values: Mapping[str, str], name: str, report: Report) -> Secret:
    """Read a secret, given as it is or by the file that holds it.

    Args:
        values: as for Kafka.
        name: of the setting; with `_FILE`, that of the file.
        report: as for Kafka.

    Returns:
        The secret; of a file, without line ends behind it.
    """
    word, path = values.get(name, ""), values.get(f"{name}_FILE", "")
    if word and path:
        report(name, f"ENGAGEMENT_{name}_FILE is set, too")
    if word or not path:
        return Secret(word)
    try:
        word = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        # Somebody may have put the secret itself where its file belongs, so neither path nor error is repeated.
        report(f"{name}_FILE", f"cannot be read as text: {getattr(error, 'strerror', '') or type(error).__name__}")
        return Secret()
    if not word:
        report(f"{name}_FILE", "the file is empty")
    return Secret(word, path)


def _tls(values: Mapping[str, str], server: str, report: Report) -> Tls:
    tls = Tls(*(values.get(f"{server}_{name}_FILE", "") for name in ("CA", "CERTIFICATE", "KEY")))
    if tls.key_file and not tls.certificate_file:
        report(f"{server}_KEY_FILE", f"is not used without ENGAGEMENT_{server}_CERTIFICATE_FILE")
    for name, part in (("CA", Tls(tls.ca_file)), ("CERTIFICATE", Tls("", tls.certificate_file, tls.key_file))):
        try:
            part.context()
        except OSError as error:
            report(f"{server}_{name}_FILE", f"cannot be used{_EXPECTED[name]}: {error.strerror or error}")
    return tls
