"""The options with which every client of Kafka and of Redis is made; no client is made without them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from streams.settings import Settings


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Tell an aiokafka client where the brokers are and how to get in.

    Args:
        settings: name them.

    Returns:
        Arguments of any of aiokafka's clients.
    """
    security = settings.kafka_security
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka_brokers, "security_protocol": security.protocol}
    if security.encrypted:
        options["ssl_context"] = security.tls.context()
    if security.logs_in:
        options |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password.word,
        }
    return options


def redis_options(settings: Settings) -> dict[str, Any]:
    """Tell a Redis client how to get in; where it is, is in the URL.

    Args:
        settings: name user, password and files.

    Returns:
        Arguments of the client's `from_url`.
    """
    security = settings.redis_security
    options: dict[str, Any] = {}
    if security.username:
        options["username"] = security.username
    if security.password:
        options["password"] = security.password.word
    if urlsplit(settings.redis_url).scheme.startswith("rediss"):
        files = {
            "ssl_ca_certs": security.tls.ca_file,
            "ssl_certfile": security.tls.certificate_file,
            "ssl_keyfile": security.tls.key_file,
        }
        options |= {"ssl_check_hostname": True} | {name: path for name, path in files.items() if path}
    return options
