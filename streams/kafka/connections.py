"""The options with which every client of Kafka is made; no client is made without them."""

from __future__ import annotations

from typing import Any

from streams.kafka.any_header_name import read_any_header_name
from streams.settings.settings import Settings


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Say to an aiokafka client where the brokers are and how to get in.

    Args:
        settings: name them.

    Returns:
        Arguments of any of aiokafka's clients.
    """
    read_any_header_name()
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
